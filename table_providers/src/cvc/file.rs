//! A CVC file as the scan sees it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array};
use arrow::datatypes::DataType;
use bytes::Bytes;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use ogive_codecs::{fp16, int8, lossless};
use ogive_cvc::{Compression, DType, Layout, LayoutReader, Progress, RecordWalk};
use ogive_kernels::Encoding;

use crate::error::cvc_error;
use crate::scan::{
    ArrayFile, ColumnEncoding, FileBytes, FileColumn, ROW_COLUMN, ReadCost, primitive_array,
};

/// An opened CVC file.
#[derive(Debug)]
pub struct CvcFile {
    layout: Layout,
    columns: Vec<FileColumn>,
}

impl CvcFile {
    /// Reads the header, and walks the records where only they tell their length.
    pub async fn read(name: &str, file_bytes: u64, bytes: &FileBytes) -> Result<(Self, ReadCost)> {
        let mut cost = ReadCost::default();
        let mut reader = LayoutReader::new(name, file_bytes);
        let mut layout = loop {
            match reader.next().map_err(cvc_error)? {
                Progress::Need(range) => {
                    let part = read_one(bytes, &range, &mut cost).await?;
                    reader.feed(range, &part).map_err(cvc_error)?;
                }
                Progress::Done(layout) => break layout,
            }
        };
        if !layout.records_known() {
            let mut walk = RecordWalk::new(layout);
            layout = loop {
                match walk.next().map_err(cvc_error)? {
                    Progress::Need(range) => {
                        let part = read_one(bytes, &range, &mut cost).await?;
                        walk.feed(range, &part).map_err(cvc_error)?;
                    }
                    Progress::Done(layout) => break layout,
                }
            };
        }
        Ok((Self::new(layout)?, cost))
    }

    /// Wraps a layout whose records are known.
    pub fn new(layout: Layout) -> Result<Self> {
        let names = names_in_sql(&layout);
        let columns = layout
            .columns()
            .iter()
            .zip(names)
            .map(|(column, name)| {
                i32::try_from(column.dimension).map_err(|_| {
                    exec_datafusion_err!(
                        "{}: column '{}' has dimension {}, at most {} can be read",
                        layout.file(),
                        column.name,
                        column.dimension,
                        i32::MAX
                    )
                })?;
                Ok(FileColumn {
                    name,
                    element: arrow_type(column.stored_dtype()),
                    dimension: column.dimension,
                    is_vector: !layout.is_columnar() || column.dimension != 1,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { layout, columns })
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn part(&self, chunk: usize, column: usize) -> Result<&ogive_cvc::ChunkColumn> {
        self.layout
            .chunks()
            .get(chunk)
            .and_then(|chunk| chunk.columns.get(column))
            .ok_or_else(|| {
                exec_datafusion_err!(
                    "{}: no column {column} in chunk {chunk}",
                    self.layout.file()
                )
            })
    }

    /// Bytes of a value; `None` where values have no fixed width.
    fn value_bytes(&self, chunk: usize, column: usize) -> Option<usize> {
        let part = self.layout.chunks().get(chunk)?.columns.get(column)?;
        match part.compression {
            Compression::Fp16 => Some(2),
            Compression::Int8 => Some(1),
            Compression::None => Some(self.layout.columns().get(column)?.dtype.width()),
            Compression::Lossless => None,
        }
    }
}

/// Names of the columns. `_row` is the row's number in every table, so a column of the file that is called so becomes
/// `_row_1`, or `_row_2` if the file has that as well.
fn names_in_sql(layout: &Layout) -> Vec<String> {
    let is_taken = |name: &String| layout.columns().iter().any(|column| column.name == *name);
    let free = (1_usize..)
        .map(|number| format!("{ROW_COLUMN}_{number}"))
        .find(|name| !is_taken(name));
    layout
        .columns()
        .iter()
        .map(|column| match &free {
            Some(free) if column.name == ROW_COLUMN => free.clone(),
            _ => column.name.clone(),
        })
        .collect()
}

async fn read_one(bytes: &FileBytes, range: &Range<u64>, cost: &mut ReadCost) -> Result<Bytes> {
    let (parts, paid) = bytes.read(std::slice::from_ref(range)).await?;
    cost.bytes += paid.bytes;
    cost.requests += paid.requests;
    parts
        .into_iter()
        .next()
        .ok_or_else(|| exec_datafusion_err!("bytes {range:?} were not read"))
}

/// The Arrow type of a stored number.
pub fn arrow_type(dtype: DType) -> DataType {
    match dtype {
        DType::Float32 => DataType::Float32,
        DType::Float16 => DataType::Float16,
        DType::Int32 => DataType::Int32,
        DType::Int64 => DataType::Int64,
        DType::Int8 => DataType::Int8,
        DType::UInt8 => DataType::UInt8,
    }
}

impl ArrayFile for CvcFile {
    fn rows(&self) -> u64 {
        self.layout.rows()
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn chunk_count(&self) -> usize {
        self.layout.chunks().len()
    }

    fn chunk_rows(&self, chunk: usize) -> Range<u64> {
        self.layout
            .chunks()
            .get(chunk)
            .map_or(0..0, |chunk| chunk.first_row..chunk.first_row + chunk.rows)
    }

    fn record_range(&self, chunk: usize) -> Option<Range<u64>> {
        self.layout.record_range(chunk)
    }

    fn verify(&self, chunk: usize, record: &[u8]) -> Result<()> {
        self.layout
            .check_record(chunk, record)
            .map(|_| ())
            .map_err(cvc_error)
    }

    fn row_addressable(&self, chunk: usize, column: usize) -> bool {
        self.value_bytes(chunk, column).is_some()
    }

    fn column_range(&self, chunk: usize, column: usize, rows: Range<u64>) -> Result<Range<u64>> {
        let whole = self.layout.column_range(chunk, column).ok_or_else(|| {
            exec_datafusion_err!(
                "{}: column {column} of chunk {chunk} has no known place",
                self.layout.file()
            )
        })?;
        let (Some(width), Some(described)) =
            (self.value_bytes(chunk, column), self.columns.get(column))
        else {
            return Ok(whole);
        };
        let row_bytes = (width * described.dimension) as u64;
        let first = self.chunk_rows(chunk).start;
        let range = whole.start + (rows.start - first) * row_bytes
            ..whole.start + (rows.end - first) * row_bytes;
        if range.end > whole.end {
            return exec_err!(
                "{}: rows {}..{} lie past the end of chunk {chunk}",
                self.layout.file(),
                rows.start,
                rows.end
            );
        }
        Ok(range)
    }

    fn column_encoding(&self, chunk: usize, column: usize) -> ColumnEncoding {
        let (Ok(part), Some(schema)) =
            (self.part(chunk, column), self.layout.columns().get(column))
        else {
            return ColumnEncoding::Opaque;
        };
        match (part.compression, schema.dtype) {
            (Compression::Fp16, _) | (Compression::None, DType::Float16) => {
                ColumnEncoding::Rows(Encoding::F16)
            }
            (Compression::Int8, _) => {
                let Parameters { min, scale } = parameters(part);
                ColumnEncoding::Rows(Encoding::Codes {
                    scale: scale as f32,
                    min: min as f32,
                })
            }
            (Compression::None, DType::Float32) => ColumnEncoding::Rows(Encoding::F32),
            (Compression::None, DType::Int8) => ColumnEncoding::Rows(Encoding::I8),
            (Compression::None, DType::UInt8) => ColumnEncoding::Rows(Encoding::U8),
            (Compression::None, DType::Int32 | DType::Int64) | (Compression::Lossless, _) => {
                ColumnEncoding::Opaque
            }
        }
    }

    fn decode(
        &self,
        chunk: usize,
        column: usize,
        held: Range<u64>,
        rows: Range<u64>,
        bytes: &Bytes,
    ) -> Result<ArrayRef> {
        let part = self.part(chunk, column)?;
        let described = self
            .columns
            .get(column)
            .ok_or_else(|| exec_datafusion_err!("{}: no column {column}", self.layout.file()))?;
        let skipped = (rows.start - held.start) as usize * described.dimension;
        let count = (rows.end - rows.start) as usize * described.dimension;
        let slice = |width: usize| {
            let (start, end) = (skipped * width, (skipped + count) * width);
            if end > bytes.len() {
                return exec_err!(
                    "{}: chunk {chunk} is short of rows {}..{}",
                    self.layout.file(),
                    rows.start,
                    rows.end
                );
            }
            Ok(bytes.slice(start..end))
        };
        let undecodable = |source: ogive_codecs::Error| {
            DataFusionError::External(
                format!(
                    "{}: chunk {chunk}, column '{}': {source}",
                    self.layout.file(),
                    described.name
                )
                .into(),
            )
        };
        let mut values = match part.compression {
            Compression::None => {
                let width = self.value_bytes(chunk, column).unwrap_or(1);
                return primitive_array(&described.element, &slice(width)?);
            }
            _ => vec![0.0_f32; count],
        };
        match part.compression {
            Compression::Fp16 => fp16::decode(&slice(2)?, &mut values).map_err(undecodable)?,
            Compression::Int8 => {
                int8::decode(&slice(1)?, parameters(part).into(), &mut values)
                    .map_err(undecodable)?;
            }
            _ => lossless::decode_range(bytes, skipped, &mut values).map_err(undecodable)?,
        }
        Ok(Arc::new(Float32Array::from(values)))
    }

    /// An `int8` chunk decodes to nothing outside what its codes 0 and 255 stand for.
    fn bounds(&self, chunk: usize, column: usize) -> Option<(f32, f32)> {
        let part = self.part(chunk, column).ok()?;
        let described = self.columns.get(column)?;
        if part.compression != Compression::Int8 || described.is_vector {
            return None;
        }
        let mut ends = [0.0_f32; 2];
        int8::decode(&[0, 255], parameters(part).into(), &mut ends).ok()?;
        (ends.iter().all(|end| end.is_finite()) && ends[0] <= ends[1]).then_some((ends[0], ends[1]))
    }

    fn memory_bytes(&self) -> usize {
        self.layout.memory_bytes() + self.columns.len() * size_of::<FileColumn>()
    }
}

/// What the codes of an `int8` chunk stand for.
struct Parameters {
    min: f64,
    scale: f64,
}

impl From<Parameters> for int8::Parameters {
    fn from(Parameters { min, scale }: Parameters) -> Self {
        Self { min, scale }
    }
}

fn parameters(part: &ogive_cvc::ChunkColumn) -> Parameters {
    Parameters {
        min: part.min.unwrap_or(f64::NAN),
        scale: part.scale.unwrap_or(f64::NAN),
    }
}
