//! What a scan knows of one opened file, whatever its format.

use std::fmt::Debug;
use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::Result;
use ogive_kernels::Encoding;
use std::sync::Arc;

/// The row's number in its file: the last column of every file's schema.
pub const ROW_COLUMN: &str = "_row";

/// One column as the file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileColumn {
    /// Name in SQL.
    pub name: String,
    /// Type of one element once decoded: `Float32`, `Int64`, ...
    pub element: DataType,
    /// Elements a row.
    pub dimension: usize,
    /// A list of `dimension` elements; otherwise a scalar column.
    pub is_vector: bool,
}

impl FileColumn {
    /// The Arrow type: the element's, or a fixed-size list of it.
    pub fn data_type(&self) -> DataType {
        if self.is_vector {
            DataType::FixedSizeList(self.element_field(), self.dimension as i32)
        } else {
            self.element.clone()
        }
    }

    /// The field of a vector column's elements. The formats hold no nulls, yet the field says
    /// nullable: it is what casts, literals and other files' columns have.
    pub fn element_field(&self) -> FieldRef {
        Arc::new(Field::new_list_field(self.element.clone(), true))
    }
}

/// How one column of one chunk lies in the file's bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnEncoding {
    /// Row-major values that the distance kernels read as they are.
    Rows(Encoding),
    /// Must be decoded before anything can be said of its values.
    Opaque,
}

/// A file of row-major numeric columns cut into chunks, seen as arithmetic over byte ranges.
///
/// Implementations do no I/O. Rows are numbered from 0 over the whole file; `rows` arguments
/// are such numbers and lie inside the chunk named beside them.
pub trait ArrayFile: Debug + Send + Sync {
    /// Rows in the file.
    fn rows(&self) -> u64;
    /// Columns in file order, `_row` left out.
    fn columns(&self) -> &[FileColumn];
    /// Number of chunks.
    fn chunk_count(&self) -> usize;
    /// Rows of a chunk.
    fn chunk_rows(&self, chunk: usize) -> Range<u64>;
    /// The bytes a checksum covers, with what is needed to check it; `None` where the format
    /// has no checksum.
    fn record_range(&self, chunk: usize) -> Option<Range<u64>>;
    /// Checks the bytes of [`Self::record_range`].
    fn verify(&self, chunk: usize, record: &[u8]) -> Result<()>;
    /// Whether some rows of a column can be read without the rest of the chunk.
    fn row_addressable(&self, chunk: usize, column: usize) -> bool;
    /// The bytes that hold these rows of a column; the whole column of the chunk where rows are
    /// not addressable.
    fn column_range(&self, chunk: usize, column: usize, rows: Range<u64>) -> Result<Range<u64>>;
    /// How the column lies in this chunk.
    fn column_encoding(&self, chunk: usize, column: usize) -> ColumnEncoding;
    /// Decodes rows; `bytes` are those of [`Self::column_range`] for `held`, which encloses
    /// `rows`.
    fn decode(
        &self,
        chunk: usize,
        column: usize,
        held: Range<u64>,
        rows: Range<u64>,
        bytes: &bytes::Bytes,
    ) -> Result<ArrayRef>;
    /// Bounds of a scalar column in a chunk, where the header gives them.
    fn bounds(&self, chunk: usize, column: usize) -> Option<(f32, f32)>;
    /// Size in memory, for the cache.
    fn memory_bytes(&self) -> usize;

    /// The chunk that holds a row.
    fn chunk_of(&self, row: u64) -> usize {
        let (mut low, mut high) = (0, self.chunk_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.chunk_rows(middle).end <= row {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The SQL schema of a file: its columns, then [`ROW_COLUMN`].
pub fn schema_of(columns: &[FileColumn]) -> SchemaRef {
    let mut fields: Vec<Field> = columns
        .iter()
        .map(|column| Field::new(&column.name, column.data_type(), false))
        .collect();
    fields.push(Field::new(ROW_COLUMN, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}
