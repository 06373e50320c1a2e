//! An array file as the scan sees it.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use bytes::Bytes;
use datafusion_common::{Result, exec_datafusion_err};
use ogive_kernels::Encoding;
use ogive_npy::{ArrayLayout, DType, Format, LayoutReader, Progress};

use crate::error::npy_error;
use crate::scan::{ArrayFile, ColumnEncoding, FileBytes, FileColumn, ReadCost, primitive_array};

/// Such files have no chunks: rows are read in runs of about this many bytes.
const RUN_BYTES: u64 = 8 * 1024 * 1024;

/// An opened array file.
#[derive(Debug)]
pub struct NpyFile {
    layout: ArrayLayout,
    name: String,
    columns: Vec<FileColumn>,
    rows_per_run: u64,
}

impl NpyFile {
    /// Reads the header.
    pub async fn read(
        name: &str,
        format: Format,
        file_bytes: u64,
        bytes: &FileBytes,
    ) -> Result<(Self, ReadCost)> {
        let mut cost = ReadCost::default();
        let mut reader = LayoutReader::new(name, format, file_bytes).with_fortran_order();
        let layout = loop {
            match reader.next().map_err(npy_error)? {
                Progress::Need(range) => {
                    let (parts, paid) = bytes.read(std::slice::from_ref(&range)).await?;
                    cost.bytes += paid.bytes;
                    cost.requests += paid.requests;
                    let part = parts
                        .first()
                        .ok_or_else(|| exec_datafusion_err!("{name}: nothing was read"))?;
                    reader.feed(range, part).map_err(npy_error)?;
                }
                Progress::Done(layout) => break layout,
            }
        };
        let columns = vec![FileColumn {
            name: "vector".to_string(),
            element: arrow_type(layout.dtype),
            dimension: layout.dimension,
            is_vector: layout.is_vector,
        }];
        let rows_per_run = match layout.is_fortran_order() && !bytes.is_mapped() {
            // Every row lies all over the file, which is fetched once.
            true => layout.rows.max(1),
            false => (RUN_BYTES / layout.row_stride.max(1)).max(1),
        };
        let file = Self {
            layout,
            name: name.to_string(),
            columns,
            rows_per_run,
        };
        Ok((file, cost))
    }

    fn is_packed(&self) -> bool {
        self.layout.row_header_bytes == 0
            && !self.layout.big_endian
            && !self.layout.is_fortran_order()
    }
}

/// The type in SQL; a NumPy bool is read as the byte that it is.
fn arrow_type(dtype: DType) -> DataType {
    match dtype {
        DType::F64 => DataType::Float64,
        DType::F32 => DataType::Float32,
        DType::F16 => DataType::Float16,
        DType::I8 => DataType::Int8,
        DType::U8 | DType::Bool => DataType::UInt8,
        DType::I16 => DataType::Int16,
        DType::U16 => DataType::UInt16,
        DType::I32 => DataType::Int32,
        DType::U32 => DataType::UInt32,
        DType::I64 => DataType::Int64,
        DType::U64 => DataType::UInt64,
    }
}

impl ArrayFile for NpyFile {
    fn rows(&self) -> u64 {
        self.layout.rows
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn chunk_count(&self) -> usize {
        usize::try_from(self.layout.rows.div_ceil(self.rows_per_run)).unwrap_or(usize::MAX)
    }

    fn chunk_rows(&self, chunk: usize) -> Range<u64> {
        let start = (chunk as u64)
            .saturating_mul(self.rows_per_run)
            .min(self.layout.rows);
        start
            ..start
                .saturating_add(self.rows_per_run)
                .min(self.layout.rows)
    }

    fn record_range(&self, _chunk: usize) -> Option<Range<u64>> {
        None
    }

    fn verify(&self, _chunk: usize, _record: &[u8]) -> Result<()> {
        Ok(())
    }

    fn row_addressable(&self, _chunk: usize, _column: usize) -> bool {
        !self.layout.is_fortran_order()
    }

    fn column_range(&self, _chunk: usize, _column: usize, rows: Range<u64>) -> Result<Range<u64>> {
        let rows = match self.layout.is_fortran_order() {
            true => 0..self.layout.rows,
            false => rows,
        };
        Ok(self.layout.row_range(rows))
    }

    fn column_encoding(&self, _chunk: usize, _column: usize) -> ColumnEncoding {
        if !self.is_packed() {
            return ColumnEncoding::Opaque;
        }
        match self.layout.dtype {
            DType::F64 => ColumnEncoding::Rows(Encoding::F64),
            DType::F32 => ColumnEncoding::Rows(Encoding::F32),
            DType::F16 => ColumnEncoding::Rows(Encoding::F16),
            DType::I8 => ColumnEncoding::Rows(Encoding::I8),
            DType::U8 | DType::Bool => ColumnEncoding::Rows(Encoding::U8),
            _ => ColumnEncoding::Opaque,
        }
    }

    fn decode(
        &self,
        _chunk: usize,
        _column: usize,
        held: Range<u64>,
        rows: Range<u64>,
        bytes: &Bytes,
    ) -> Result<ArrayRef> {
        let element = arrow_type(self.layout.dtype);
        let values = (rows.end - rows.start) as usize * self.layout.dimension;
        let packed_bytes = values * self.layout.dtype.width();
        if self.layout.is_fortran_order() {
            let mut packed = vec![0; packed_bytes];
            self.layout
                .gather_rows(bytes, rows, &mut packed)
                .map_err(npy_error)?;
            return primitive_array(&element, &Bytes::from(packed));
        }
        let stride = usize::try_from(self.layout.row_stride).unwrap_or(usize::MAX);
        let start = (rows.start - held.start) as usize * stride;
        let end = start + (rows.end - rows.start) as usize * stride;
        if end > bytes.len() {
            return Err(exec_datafusion_err!(
                "{}: rows {}..{} are not at hand",
                self.name,
                rows.start,
                rows.end
            ));
        }
        let bytes = bytes.slice(start..end);
        if self.is_packed() {
            return primitive_array(&element, &bytes);
        }
        let mut packed = vec![0; packed_bytes];
        self.layout
            .copy_rows(&bytes, rows, &mut packed)
            .map_err(npy_error)?;
        primitive_array(&element, &Bytes::from(packed))
    }

    fn bounds(&self, _chunk: usize, _column: usize) -> Option<(f32, f32)> {
        None
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.name.len()
    }
}
