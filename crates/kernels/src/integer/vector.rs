//! The vector form: bytes taken apart to `i16`, multiplied and added in pairs to `i32`.

use super::{L1_SHIFT, Sums, Totals};
use crate::simd::{SHORT_LANES, Simd};

const _: () = assert!(L1_SHIFT == 6, "what `Simd::short_distance` shifts by");

/// The running sums of one row.
struct Running<S: Simd> {
    sum: S::Totals,
    squares: S::Totals,
    total: S::Totals,
}

impl<S: Simd> Running<S> {
    /// # Safety
    /// As [`Simd`].
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            Running {
                sum: S::totals_zero(),
                squares: S::totals_zero(),
                total: S::totals_zero(),
            }
        }
    }

    /// Adds one step of codes.
    ///
    /// # Safety
    /// As [`Simd`]; both pointers are valid for reads of [`SHORT_LANES`] elements.
    #[inline(always)]
    unsafe fn step<const SUM: u8>(&mut self, codes: *const u8, flip: u8, query: *const i16) {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            let c = S::short_load_codes(codes, flip);
            let q = S::short_load(query);
            if Sums::<SUM>::L1 {
                let distance = S::short_distance(c, q);
                self.sum = S::totals_add(self.sum, distance, S::short_splat(1));
            } else {
                self.sum = S::totals_add(self.sum, c, q);
            }
            if Sums::<SUM>::SQUARES {
                self.squares = S::totals_add(self.squares, c, c);
            }
            if Sums::<SUM>::TOTAL {
                self.total = S::totals_add(self.total, c, S::short_splat(1));
            }
        }
    }

    /// # Safety
    /// As [`Simd`].
    #[inline(always)]
    unsafe fn totals<const SUM: u8>(self) -> Totals {
        // SAFETY: the caller's promise, passed on.
        unsafe {
            Totals {
                sum: S::totals_sum(self.sum),
                squares: if Sums::<SUM>::SQUARES {
                    S::totals_sum(self.squares)
                } else {
                    0
                },
                total: if Sums::<SUM>::TOTAL {
                    S::totals_sum(self.total)
                } else {
                    0
                },
            }
        }
    }
}

/// # Safety
/// As [`Simd`].
#[inline(always)]
pub(super) unsafe fn sums<S: Simd, const SUM: u8>(task: Sums<'_, SUM>) {
    let dimension = task.rows.dimension();
    let whole = dimension - dimension % SHORT_LANES;
    // What the loads below rely on.
    assert!(task.query.len() >= dimension.next_multiple_of(SHORT_LANES));
    let query = task.query.as_ptr();
    for (index, out) in task.out.iter_mut().enumerate() {
        let row = task.rows.row(index);
        // SAFETY: a row has `dimension` codes, of which the first `whole` are whole steps; the query is padded to
        // whole steps (asserted above) and the tail is a whole step; the caller vouches for the instructions.
        unsafe {
            let mut running = Running::<S>::zero();
            for at in (0..whole).step_by(SHORT_LANES) {
                S::prefetch(row.as_ptr().add(at));
                running.step::<SUM>(row.as_ptr().add(at), task.flip, query.add(at));
            }
            if whole < dimension {
                // Codes of 0 against a query of 0 add nothing to any sum.
                let mut tail = [task.flip; SHORT_LANES];
                tail[..dimension - whole].copy_from_slice(&row[whole..]);
                running.step::<SUM>(tail.as_ptr(), task.flip, query.add(whole));
            }
            *out = running.totals::<SUM>();
        }
    }
}
