//! Where a value stands in a sorted result.

/// How a result is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Largest first.
    pub descending: bool,
    /// NULL before every number, whichever way the numbers run; after them otherwise.
    pub nulls_first: bool,
}

/// A value's place in an [`Order`]: the smaller rank comes earlier in the result.
///
/// The order is total. NaN is the greatest number (first when descending), as in DataFusion's sort; -0 and 0 are one
/// value. Ranks of different orders do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(u64);

/// Numbers take the keys between these two, which only NaN patterns that are never kept would map to.
const NULL_FIRST: u64 = 0;
const NULL_LAST: u64 = u64::MAX;
const SIGN: u64 = 1 << 63;

impl Rank {
    /// After everything: the threshold of a search that has found nothing yet.
    pub(crate) const LAST: Rank = Rank(NULL_LAST);

    /// The rank of a value; `None` is NULL.
    pub fn new(order: Order, value: Option<f64>) -> Rank {
        let Some(value) = value else {
            return Rank(if order.nulls_first {
                NULL_FIRST
            } else {
                NULL_LAST
            });
        };
        // Every NaN is the positive quiet one here: x86 makes negative ones, which a bitwise order would put first.
        let bits = if value.is_nan() {
            f64::NAN.to_bits() & !SIGN
        } else {
            // The functions of SQL answer 0 where a sum is -0: both are one value, and tie.
            (value + 0.0).to_bits()
        };
        let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
        Rank(if order.descending {
            !ascending
        } else {
            ascending
        })
    }

    /// The value that has this rank under `order`; `None` is NULL.
    pub fn value(self, order: Order) -> Option<f64> {
        if self.0 == NULL_FIRST || self.0 == NULL_LAST {
            return None;
        }
        let ascending = if order.descending { !self.0 } else { self.0 };
        let bits = if ascending & SIGN == 0 {
            !ascending
        } else {
            ascending & !SIGN
        };
        Some(f64::from_bits(bits))
    }

    /// The rank as a limit on badness (the value when ascending, its negative when descending): a row whose badness is
    /// a number strictly greater than this certainly ranks later. Nothing is greater than `+inf`, so that stands for
    /// "no limit".
    pub(crate) fn badness_limit(self, order: Order) -> f64 {
        match self.value(order) {
            None if self.0 == NULL_FIRST => f64::NEG_INFINITY,
            None => f64::INFINITY,
            Some(value) if value.is_nan() && order.descending => f64::NEG_INFINITY,
            Some(value) if value.is_nan() => f64::INFINITY,
            Some(value) if order.descending => -value,
            Some(value) => value,
        }
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Rank {
        Rank(bits)
    }
}
