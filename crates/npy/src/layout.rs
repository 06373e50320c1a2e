//! Where an array's rows lie in its file, and how their bytes become values.

use std::ops::Range;
use std::sync::Arc;

use crate::dtype::DType;
use crate::error::Error;

/// How an array lies in a file.
///
/// ```text
/// data_offset                     row_stride
/// v                               v
/// [row_header_bytes | dimension x dtype] [row_header_bytes | dimension x dtype] ...   `rows` of them
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrayLayout {
    /// The type of every value.
    pub dtype: DType,
    /// Whether values lie with their high byte first; never for types of one byte.
    pub big_endian: bool,
    /// How many rows there are. Rows of no bytes (dimension 0 in a `.npy` file) are not bounded by the file's size.
    pub rows: u64,
    /// Values per row: 1 for a list of values, at most `i32::MAX`; 0 for rows of no values.
    pub dimension: usize,
    /// Whether rows are vectors; false for a one-axis `.npy` array, whose rows are single values.
    pub is_vector: bool,
    /// Where the first row begins, in bytes from the start of the file.
    pub data_offset: u64,
    /// Bytes from the start of one row to the start of the next.
    pub row_stride: u64,
    /// Bytes in a row before its values: 4 (the dimension) in the `.fvecs` family, otherwise 0.
    pub row_header_bytes: u64,
    /// For an array in Fortran order, where the header says so and of which shape.
    pub(crate) fortran: Option<(u64, String)>,
    /// The file's name, for errors.
    pub(crate) file: Arc<str>,
}

impl ArrayLayout {
    /// The bytes of the file that hold these rows, row headers included. Rows past the end count as none.
    pub fn row_range(&self, rows: Range<u64>) -> Range<u64> {
        let end = rows.end.min(self.rows);
        let start = rows.start.min(end);
        self.row_offset(start)..self.row_offset(end)
    }

    /// Whether the array is in Fortran order: all first values of its rows, then all second ones, and so on. No range of
    /// the file then holds some rows alone; [`gather_rows`](Self::gather_rows) takes them out of all bytes.
    pub fn is_fortran_order(&self) -> bool {
        self.fortran.is_some()
    }

    /// Copies the values of `rows` of an array in Fortran order into `out`, as [`copy_rows`](Self::copy_rows) does. `bytes`
    /// are those of all rows.
    ///
    /// # Errors
    /// [`Error::RowsOutOfRange`] and [`Error::WrongLength`] for arguments that do not fit the array.
    pub fn gather_rows(&self, bytes: &[u8], rows: Range<u64>, out: &mut [u8]) -> Result<(), Error> {
        self.check_lengths(bytes, &(0..self.rows), None)?;
        let width = self.dtype.width();
        let wrong = |what, found: usize, expected: u128| Error::WrongLength {
            file: self.file.to_string(),
            what,
            offset: self.data_offset,
            found: found as u64,
            expected,
        };
        if rows.start > rows.end || rows.end > self.rows {
            return Err(Error::RowsOutOfRange {
                file: self.file.to_string(),
                offset: self.row_offset(self.rows),
                found: rows,
                expected: self.rows,
            });
        }
        let row_bytes = self.dimension * width;
        let expected = u128::from(rows.end - rows.start) * row_bytes as u128;
        if out.len() as u128 != expected {
            return Err(wrong("the slice for values", out.len(), expected));
        }
        // The slice that was checked is as long as all rows, so these numbers are below its length.
        let column_bytes = bytes.len() / self.dimension.max(1);
        let (start, end) = (rows.start as usize * width, rows.end as usize * width);
        for (column, values) in bytes.chunks_exact(column_bytes.max(1)).enumerate() {
            let values = values.get(start..end).unwrap_or_default();
            let targets = out.chunks_exact_mut(row_bytes.max(1));
            for (value, row) in values.chunks_exact(width).zip(targets) {
                if let Some(target) = row.get_mut(column * width..(column + 1) * width) {
                    target.copy_from_slice(value);
                }
            }
        }
        if self.big_endian {
            reverse_values(out, width);
        }
        Ok(())
    }

    /// Checks that every row in `bytes` begins with the file's dimension. `bytes` are those of
    /// [`row_range`](Self::row_range) of the same `rows`; a `.npy` file has nothing to check but their length.
    ///
    /// # Errors
    /// [`Error::RowDimension`] for the first row of another dimension; [`Error::RowsOutOfRange`] and
    /// [`Error::WrongLength`] for arguments that do not fit the array.
    pub fn check_rows(&self, bytes: &[u8], rows: Range<u64>) -> Result<(), Error> {
        let (header_bytes, row_bytes) = self.check_lengths(bytes, &rows, None)?;
        if header_bytes == 0 {
            return Ok(());
        }
        bytes
            .chunks_exact(header_bytes.saturating_add(row_bytes))
            .zip(rows)
            .try_for_each(|(row, number)| self.check_row(row, number))
    }

    /// Copies the values of `rows` into `out`: packed, row after row, little-endian. `bytes` are those of
    /// [`row_range`](Self::row_range) of the same `rows`; `out` has room for exactly `rows * dimension` values.
    ///
    /// # Errors
    /// As [`check_rows`](Self::check_rows), which need not be called before; `out` then holds nothing of use.
    pub fn copy_rows(&self, bytes: &[u8], rows: Range<u64>, out: &mut [u8]) -> Result<(), Error> {
        let (header_bytes, row_bytes) = self.check_lengths(bytes, &rows, Some(out.len()))?;
        if header_bytes == 0 {
            out.copy_from_slice(bytes);
        } else if row_bytes == 0 {
            self.check_rows(bytes, rows)?;
        } else {
            let sources = bytes.chunks_exact(header_bytes.saturating_add(row_bytes));
            for ((source, target), number) in sources.zip(out.chunks_exact_mut(row_bytes)).zip(rows)
            {
                self.check_row(source, number)?;
                if let Some(values) = source.get(header_bytes..) {
                    target.copy_from_slice(values);
                }
            }
        }
        if self.big_endian {
            reverse_values(out, self.dtype.width());
        }
        Ok(())
    }

    /// Where a row begins. No overflow for rows that the file has: opening it checked the last one against its size.
    fn row_offset(&self, row: u64) -> u64 {
        self.data_offset
            .saturating_add(row.saturating_mul(self.row_stride))
    }

    /// Checks the lengths of the slices for `rows`. Gives the bytes of a row's header and of its values.
    fn check_lengths(
        &self,
        bytes: &[u8],
        rows: &Range<u64>,
        out_bytes: Option<usize>,
    ) -> Result<(usize, usize), Error> {
        if rows.start > rows.end || rows.end > self.rows {
            return Err(Error::RowsOutOfRange {
                file: self.file.to_string(),
                offset: self.row_offset(self.rows),
                found: rows.clone(),
                expected: self.rows,
            });
        }
        let check = |what, found: usize, row_bytes: u64| {
            let expected = u128::from(rows.end - rows.start) * u128::from(row_bytes);
            if found as u128 == expected {
                return Ok(());
            }
            Err(Error::WrongLength {
                file: self.file.to_string(),
                what,
                offset: self.row_offset(rows.start),
                found: found as u64,
                expected,
            })
        };
        // Not `row_stride`: the fields are public, and copying relies on these lengths to agree with each other.
        let row_bytes = (self.dimension as u64).saturating_mul(self.dtype.width() as u64);
        let stride = self.row_header_bytes.saturating_add(row_bytes);
        check("the slice of rows", bytes.len(), stride)?;
        if let Some(out_bytes) = out_bytes {
            check("the slice for values", out_bytes, row_bytes)?;
        }
        // A row longer than the address space has no slice; there are then no rows here, and no row to cut out.
        Ok((
            usize::try_from(self.row_header_bytes).unwrap_or(usize::MAX),
            usize::try_from(row_bytes).unwrap_or(usize::MAX),
        ))
    }

    /// Checks the dimension at the start of a row with a header.
    fn check_row(&self, row: &[u8], number: u64) -> Result<(), Error> {
        let found = row
            .first_chunk()
            .map_or(0, |field| i32::from_le_bytes(*field));
        if usize::try_from(found) == Ok(self.dimension) {
            return Ok(());
        }
        Err(Error::RowDimension {
            file: self.file.to_string(),
            row: number,
            offset: self.row_offset(number),
            found,
            expected: self.dimension,
        })
    }
}

/// Turns the bytes of each value of `width` bytes around.
fn reverse_values(values: &mut [u8], width: usize) {
    // Fixed sizes, so that each loop becomes byte shuffles of whole registers.
    match width {
        2 => values
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|value| value.reverse()),
        4 => values
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(|value| value.reverse()),
        8 => values
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .for_each(|value| value.reverse()),
        _ => {}
    }
}
