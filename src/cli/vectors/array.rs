//! Array files: read as vectors, and written.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use half::f16;
use ogive_npy::{ArrayLayout, DType as ArrayDType, Format, npy_header};

use super::{BLOCK_BYTES, DType, Values};
use crate::cli::bytes::FileBytes;
use crate::cli::error::{Failure, Result};

/// The rows of a `.npy`, `.fvecs`, `.bvecs` or `.ivecs` file.
pub struct ArrayVectors {
    bytes: FileBytes,
    layout: ArrayLayout,
    next_row: u64,
}

impl ArrayVectors {
    pub async fn open(name: &str, format: Format) -> Result<Self> {
        let mut bytes = FileBytes::open(name).await?;
        let layout = bytes.array_layout(format).await?;
        Ok(Self {
            bytes,
            layout,
            next_row: 0,
        })
    }

    pub fn dimension(&self) -> usize {
        self.layout.dimension
    }

    pub fn dtype(&self) -> DType {
        widened(self.layout.dtype)
    }

    pub fn progress(&self) -> (u64, u64) {
        let start = self.layout.row_range(self.next_row..self.next_row).start;
        (start, self.bytes.size())
    }

    pub async fn next(&mut self) -> Result<Option<Values>> {
        let stride = self.layout.row_stride.max(1);
        let rows_max = (BLOCK_BYTES as u64 / stride).max(1);
        let rows = self.next_row..self.layout.rows.min(self.next_row.saturating_add(rows_max));
        if rows.is_empty() || self.layout.dimension == 0 {
            return Ok(None);
        }
        self.next_row = rows.end;
        let bytes = self.bytes.read(self.layout.row_range(rows.clone())).await?;
        let row_bytes = self
            .layout
            .dimension
            .saturating_mul(self.layout.dtype.width());
        // At most the bytes just read.
        let count = usize::try_from(rows.end - rows.start).unwrap_or(usize::MAX);
        let mut packed = vec![0; row_bytes.saturating_mul(count)];
        self.layout.copy_rows(&bytes, rows, &mut packed)?;
        Ok(Some(decode(self.layout.dtype, &packed)))
    }
}

/// The type that numbers of `dtype` are read as: the same, or the next larger one that holds every value.
fn widened(dtype: ArrayDType) -> DType {
    match dtype {
        // No type of CVC or of the distances holds 64 unsigned bits.
        ArrayDType::F64 | ArrayDType::U64 => DType::F64,
        ArrayDType::F32 => DType::F32,
        ArrayDType::F16 => DType::F16,
        ArrayDType::I64 | ArrayDType::U32 => DType::I64,
        ArrayDType::I32 | ArrayDType::I16 | ArrayDType::U16 => DType::I32,
        ArrayDType::I8 => DType::I8,
        ArrayDType::U8 | ArrayDType::Bool => DType::U8,
    }
}

fn decode(dtype: ArrayDType, packed: &[u8]) -> Values {
    fn numbers<T, const N: usize>(packed: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
        packed
            .as_chunks()
            .0
            .iter()
            .map(|bytes| from(*bytes))
            .collect()
    }
    match dtype {
        ArrayDType::F64 => Values::F64(numbers(packed, f64::from_le_bytes)),
        ArrayDType::U64 => Values::F64(numbers(packed, |bytes| u64::from_le_bytes(bytes) as f64)),
        ArrayDType::F32 => Values::F32(numbers(packed, f32::from_le_bytes)),
        ArrayDType::F16 => Values::F16(numbers(packed, f16::from_le_bytes)),
        ArrayDType::I64 => Values::I64(numbers(packed, i64::from_le_bytes)),
        ArrayDType::U32 => Values::I64(numbers(packed, |bytes| u32::from_le_bytes(bytes).into())),
        ArrayDType::I32 => Values::I32(numbers(packed, i32::from_le_bytes)),
        ArrayDType::I16 => Values::I32(numbers(packed, |bytes| i16::from_le_bytes(bytes).into())),
        ArrayDType::U16 => Values::I32(numbers(packed, |bytes| u16::from_le_bytes(bytes).into())),
        ArrayDType::I8 => Values::I8(numbers(packed, i8::from_le_bytes)),
        ArrayDType::U8 => Values::U8(packed.to_vec()),
        ArrayDType::Bool => Values::U8(packed.iter().map(|byte| u8::from(*byte != 0)).collect()),
    }
}

/// Writes rows as an array file, front to back.
pub struct ArrayWriter<'a> {
    file: BufWriter<&'a mut File>,
    /// The file's name, for errors.
    name: String,
    format: Format,
    dtype: DType,
    dimension: usize,
    rows: u64,
}

impl<'a> ArrayWriter<'a> {
    /// Starts an empty `file`. Numbers of a `.npy` file keep the type `dtype`; the other formats have one of their own.
    pub fn new(
        file: &'a mut File,
        name: String,
        format: Format,
        dtype: DType,
        dimension: usize,
    ) -> Result<Self> {
        let mut writer = Self {
            file: BufWriter::new(file),
            name,
            format,
            dtype,
            dimension,
            rows: 0,
        };
        if format == Format::Npy {
            // Written again in the end, with the number of rows.
            writer.file.write_all(&writer.header())?;
        }
        Ok(writer)
    }

    /// Adds whole rows.
    pub fn write(&mut self, values: Values) -> Result<()> {
        let count = values.len();
        let bytes = match self.format {
            Format::Npy => values.to_bytes(),
            Format::Fvecs => Values::F32(values.into_f32()).to_bytes(),
            Format::Bvecs => {
                let numbers = self.integers(values, 0, u8::MAX.into())?;
                numbers.into_iter().map(|number| number as u8).collect()
            }
            Format::Ivecs => {
                let numbers = self.integers(values, i32::MIN.into(), i32::MAX.into())?;
                numbers
                    .into_iter()
                    .flat_map(|number| (number as i32).to_le_bytes())
                    .collect()
            }
        };
        let Some(rows) = count.checked_div(self.dimension) else {
            return Ok(());
        };
        if self.format == Format::Npy {
            self.file.write_all(&bytes)?;
        } else {
            let dimension = i32::try_from(self.dimension).map_err(|_| {
                Failure::about(
                    &self.name,
                    "rows of this format have at most 2147483647 numbers",
                )
            })?;
            for row in bytes.chunks_exact(bytes.len() / rows.max(1)) {
                self.file.write_all(&dimension.to_le_bytes())?;
                self.file.write_all(row)?;
            }
        }
        self.rows += rows as u64;
        Ok(())
    }

    /// Ends the file; gives the number of rows. Only a `.npy` file can tell that it has none.
    pub fn finish(mut self) -> Result<u64> {
        if self.rows == 0 && self.format != Format::Npy {
            return Err(Failure::about(
                &self.name,
                "there are no rows to write, and a file of this format without rows has no bytes; write .npy",
            ));
        }
        self.file.flush()?;
        if self.format == Format::Npy {
            let header = self.header();
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header)?;
            self.file.flush()?;
        }
        Ok(self.rows)
    }

    fn header(&self) -> Vec<u8> {
        let dtype = match self.dtype {
            DType::F64 => ArrayDType::F64,
            DType::F32 => ArrayDType::F32,
            DType::F16 => ArrayDType::F16,
            DType::I64 => ArrayDType::I64,
            DType::I32 => ArrayDType::I32,
            DType::I8 => ArrayDType::I8,
            DType::U8 => ArrayDType::U8,
        };
        npy_header(dtype, self.rows, self.dimension)
    }

    fn integers(&self, values: Values, low: i64, high: i64) -> Result<Vec<i64>> {
        values.into_integers(low, high).map_err(|(position, value)| {
            let row = self.rows + (position / self.dimension.max(1)) as u64;
            Failure::about(
                &self.name,
                format_args!("row {row}: {value} cannot be written, expected an integer from {low} to {high}"),
            )
        })
    }
}
