//! Choosing the screen for a block, and reading its bounds.

use crate::approximate;
use crate::{Encoding, Order, Query, Rows};

use super::float_screen::FloatScreen;
use super::integer_screen::IntegerScreen;

/// A cheap look at rows that bounds how good their answers can be.
///
/// A bound is a *badness*: the answer when sorted ascending, its negative when descending. The exact answer's badness
/// is never below the bound. NaN and `-inf` stand for "unknown": the row may have any answer, NaN and NULL among them;
/// with any other bound, none of which is `+inf`, the answer is a number.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    /// What the kind was chosen for; `None` when nothing was yet, or the encoding holds a NaN, which equals nothing.
    encoding: Option<Encoding>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Everything is answered exactly.
    None,
    Float(FloatScreen),
    Integer(IntegerScreen),
}

impl Screen {
    pub(super) fn unprepared() -> Screen {
        Screen {
            encoding: None,
            kind: Kind::None,
        }
    }

    /// Makes the screen fit for `rows`; cheap when their encoding is that of the last call.
    pub(super) fn prepare(&mut self, query: &Query, order: Order, rows: &Rows<'_>) {
        if self.encoding == Some(rows.encoding()) {
            return;
        }
        self.encoding = Some(rows.encoding());
        self.kind = if !(1..=approximate::DIMENSION_MAX).contains(&query.dimension()) {
            Kind::None
        } else {
            match rows.encoding() {
                // The exact sums over `F64` keep up with memory, so a screen would save nothing.
                Encoding::F64 => Kind::None,
                Encoding::F32 | Encoding::F16 => Kind::Float(FloatScreen::new(query, order)),
                Encoding::I8 | Encoding::U8 | Encoding::Codes { .. } => {
                    IntegerScreen::new(query, order, rows.encoding())
                        .map_or(Kind::None, Kind::Integer)
                }
            }
        };
    }

    /// Writes a bound for each row, at most [`BLOCK_ROWS`](crate::query::BLOCK_ROWS) of them, or says that there is
    /// no screen.
    pub(super) fn bounds(&self, query: &Query, rows: &Rows<'_>, bounds: &mut [f64]) -> bool {
        match &self.kind {
            Kind::None => return false,
            Kind::Float(screen) => screen.bounds(query, rows, bounds),
            Kind::Integer(screen) => screen.bounds(query, rows, bounds),
        }
        true
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &self.kind {
            Kind::None | Kind::Float(_) => 0,
            Kind::Integer(screen) => screen.memory_bytes(),
        }
    }
}
