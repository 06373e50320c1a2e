//! Where exact values come from.

use std::convert::Infallible;
use std::ops::Range;

use ogive_kernels::{Encoding, Rows};

use crate::Bitmap;

/// The rows that an index is built over and that its searches read exactly: in memory, in a mapped file, in an object.
///
/// Rows are numbered from 0. A row that is NULL ([`ExactRows::nulls`]) may still be visited; its bytes mean nothing.
pub trait ExactRows: Sync {
    /// Why rows could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// How many rows there are.
    fn rows(&self) -> u64;

    /// Elements in a row.
    fn dimension(&self) -> usize;

    /// Whether rows are [`Encoding::F64`], which are compared with a query as given; all blocks agree on it.
    fn is_double(&self) -> bool;

    /// The rows that are NULL, if any.
    fn nulls(&self) -> Option<&Bitmap> {
        None
    }

    /// Hands each row of `ranges` (ascending, disjoint, not empty) to `visit` once, in order: blocks of one or more
    /// rows with the number of their first, none of which crosses the end of a range. All ranges are known at once, so
    /// that neighbouring ones can be fetched together.
    ///
    /// # Errors
    /// When bytes cannot be read; `visit` may have been called for some of the rows by then.
    fn read(
        &self,
        ranges: &[Range<u64>],
        visit: &mut dyn FnMut(u64, &Rows<'_>),
    ) -> Result<(), Self::Error>;
}

/// Rows in memory.
#[derive(Debug, Clone)]
pub struct MemoryRows<'a> {
    rows: Rows<'a>,
    nulls: Option<Bitmap>,
}

impl<'a> MemoryRows<'a> {
    /// Takes rows, none of which is NULL.
    pub fn new(rows: Rows<'a>) -> MemoryRows<'a> {
        MemoryRows { rows, nulls: None }
    }

    /// The same with these rows NULL.
    pub fn with_nulls(mut self, nulls: Bitmap) -> MemoryRows<'a> {
        self.nulls = Some(nulls);
        self
    }
}

impl ExactRows for MemoryRows<'_> {
    type Error = Infallible;

    fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    fn dimension(&self) -> usize {
        self.rows.dimension()
    }

    fn is_double(&self) -> bool {
        self.rows.encoding() == Encoding::F64
    }

    fn nulls(&self) -> Option<&Bitmap> {
        self.nulls.as_ref()
    }

    fn read(
        &self,
        ranges: &[Range<u64>],
        visit: &mut dyn FnMut(u64, &Rows<'_>),
    ) -> Result<(), Infallible> {
        for range in ranges {
            let rows = self.rows.slice(range.start as usize..range.end as usize);
            visit(range.start, &rows);
        }
        Ok(())
    }
}
