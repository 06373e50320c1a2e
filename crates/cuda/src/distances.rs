//! Distances of many rows from one query: exact sums on the device, the answers that SQL gives made of them here.

use ogive_kernels::{Encoding, Query, Rows};

use crate::device::{Arguments, Device};
use crate::encoding::{Numbers, exact_sum, row_bytes, takes};
use crate::{Error, Result};

impl Device {
    /// As [`Query::distances`], to the last bit.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for rows that devices are not given (double precision, no or very many dimensions, a metric that
    /// does not take them); [`Error::Memory`] where the rows do not fit the device; [`Error::Driver`].
    ///
    /// # Panics
    /// When the dimensions differ or `out` is not as long as `rows`, as there.
    pub fn distances(&self, query: &Query, rows: &Rows<'_>, out: &mut [f64]) -> Result<Vec<usize>> {
        assert_eq!(rows.dimension(), query.dimension(), "dimension of the rows");
        assert_eq!(rows.len(), out.len(), "one distance for each row");
        if !takes(query, rows.encoding(), rows.dimension()) {
            return Err(Error::Unsupported {
                what: format!(
                    "{} over {:?} rows of dimension {}",
                    query.metric(),
                    rows.encoding(),
                    rows.dimension()
                ),
            });
        }
        if rows.encoding() == Encoding::Bits {
            self.distances_of_bits(query, rows, out)?;
            return Ok(Vec::new());
        }
        let (Some(numbers), Some(sum)) = (Numbers::new(rows.encoding()), exact_sum(query.metric()))
        else {
            return Err(Error::Unsupported {
                what: format!("{:?}", rows.encoding()),
            });
        };
        let device_rows = self.allocate::<u8>(rows.bytes().len())?;
        let vector = query.vector(rows.encoding());
        let device_query = self.allocate::<f64>(vector.len())?;
        let device_sums = self.allocate::<f64>(rows.len())?;
        let device_squares = self.allocate::<f64>(rows.len())?;
        let mut sums = self.allocate_pinned::<f64>(rows.len())?;
        let mut squares = self.allocate_pinned::<f64>(rows.len())?;
        let queue = self.open_queue()?;
        // SAFETY: rows and dimension are those of the memory; the queue was opened after the memory was taken, and is waited for
        // before it goes or is looked at.
        unsafe {
            queue.upload(rows.bytes(), &device_rows, 0)?;
            queue.upload(vector, &device_query, 0)?;
            queue.launch(
                "distance_sums",
                rows.len().div_ceil(2) as u64,
                &mut Arguments::new()
                    .memory(&device_rows)
                    .long(row_bytes(rows)?)
                    .long(rows.len())
                    .int(rows.dimension() as u32)
                    .memory(&device_query)
                    .int(numbers.encoding)
                    .int(sum)
                    .float(numbers.scale)
                    .float(numbers.min)
                    .memory(&device_sums)
                    .memory(&device_squares),
            )?;
            queue.download(&device_sums, 0, &mut sums)?;
            queue.download(&device_squares, 0, &mut squares)?;
        }
        queue.wait()?;
        let mut undefined = Vec::new();
        for (index, out) in out.iter_mut().enumerate() {
            match query.answer_from_sums(rows.encoding(), sums[index], squares[index]) {
                Some(value) => *out = value,
                None => {
                    *out = f64::NAN;
                    undefined.push(index);
                }
            }
        }
        Ok(undefined)
    }

    fn distances_of_bits(&self, query: &Query, rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let device_rows = self.allocate::<u8>(rows.bytes().len())?;
        let device_query = self.allocate::<u8>(query.bits().len())?;
        let device_counts = self.allocate::<u64>(rows.len() * 3)?;
        let mut counts = self.allocate_pinned::<u64>(rows.len() * 3)?;
        let queue = self.open_queue()?;
        // SAFETY: as in `distances`.
        unsafe {
            queue.upload(rows.bytes(), &device_rows, 0)?;
            queue.upload(query.bits(), &device_query, 0)?;
            queue.launch(
                "bit_counts",
                rows.len() as u64,
                &mut Arguments::new()
                    .memory(&device_rows)
                    .long(row_bytes(rows)?)
                    .long(rows.len())
                    .memory(&device_query)
                    .memory(&device_counts),
            )?;
            queue.download(&device_counts, 0, &mut counts)?;
        }
        queue.wait()?;
        for (out, counts) in out.iter_mut().zip(counts.as_chunks::<3>().0) {
            *out = query.answer_from_counts(counts[0], counts[1], counts[2]);
        }
        Ok(())
    }
}
