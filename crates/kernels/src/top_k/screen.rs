//! Choosing the screen for a block, and reading its bounds.

use crate::approximate;
use crate::{Encoding, Order, Precision, Query, Rows};

use super::bounds::Bounded;
use super::float_screen::FloatScreen;
use super::integer_screen::IntegerScreen;
use super::single_answers::SingleAnswers;

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
    /// What turns bounds on a double-precision answer into bounds on the one that is given.
    single: Option<SingleAnswers>,
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
            single: None,
        }
    }

    /// Makes the screen fit for `rows`; cheap when their encoding is that of the last call.
    pub(super) fn prepare(&mut self, query: &Query, order: Order, rows: &Rows<'_>) {
        if self.encoding == Some(rows.encoding()) {
            return;
        }
        self.encoding = Some(rows.encoding());
        self.kind = Kind::None;
        if !(1..=approximate::DIMENSION_MAX).contains(&query.dimension()) {
            return;
        }
        let bounded = match query.precision() {
            Precision::Double => Bounded::double(query.metric()),
            Precision::Single => {
                let Some(single) = SingleAnswers::new(query) else {
                    return;
                };
                self.single = Some(single);
                single.bounded()
            }
        };
        self.kind = match rows.encoding() {
            // The exact sums over `F64` keep up with memory, so a screen would save nothing; bits are counted exactly.
            Encoding::F64 | Encoding::Bits => Kind::None,
            Encoding::F32 | Encoding::F16 => Kind::Float(FloatScreen::new(query, order, bounded)),
            Encoding::I8 | Encoding::U8 | Encoding::Codes { .. } => {
                IntegerScreen::new(query, order, rows.encoding(), bounded)
                    .map_or(Kind::None, Kind::Integer)
            }
        };
    }

    /// Writes a bound for each row, at most [`BLOCK_ROWS`](crate::query::BLOCK_ROWS) of them, or says that there is
    /// no screen. Where a bound is beyond `limit`, anything beyond it may stand in its place: most rows are far beyond,
    /// which is seen before the roots are taken.
    pub(super) fn bounds(
        &self,
        query: &Query,
        rows: &Rows<'_>,
        limit: f64,
        bounds: &mut [f64],
    ) -> bool {
        let beyond = |bound: f64| {
            let mut finished = [bound];
            if let Some(single) = &self.single {
                single.finish(&mut finished);
            }
            finished[0] > limit
        };
        let screened = match &self.single {
            Some(single) => single.before_rounding(limit),
            None => limit,
        };
        match &self.kind {
            Kind::None => return false,
            Kind::Float(screen) => {
                let gate = screen.gate(screened, beyond);
                screen.bounds(query, rows, gate, bounds);
            }
            Kind::Integer(screen) => {
                let gate = screen.gate(screened, beyond);
                screen.bounds(query, rows, gate, bounds);
            }
        }
        if let Some(single) = &self.single {
            single.finish(bounds);
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
