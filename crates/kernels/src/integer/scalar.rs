//! The portable form.

use super::{L1_SHIFT, Sums, Totals, place};

pub(super) fn sums<const SUM: u8>(task: Sums<'_, SUM>) {
    for (index, out) in task.out.iter_mut().enumerate() {
        let mut totals = Totals::default();
        for (at, byte) in task.rows.row(index).iter().enumerate() {
            let c = i32::from(byte ^ task.flip);
            let q = i32::from(task.query[place(at)]);
            let term = if Sums::<SUM>::L1 {
                ((c << L1_SHIFT) - q).abs()
            } else {
                c * q
            };
            totals.sum = totals.sum.wrapping_add(term);
            if Sums::<SUM>::SQUARES {
                totals.squares = totals.squares.wrapping_add(c * c);
            }
            if Sums::<SUM>::TOTAL {
                totals.total = totals.total.wrapping_add(c);
            }
        }
        *out = totals;
    }
}
