//! The portable form.

use super::{L1_SHIFT, Sums, Totals};

pub(super) fn sums<const SUM: u8>(task: Sums<'_, SUM>) {
    for (index, out) in task.out.iter_mut().enumerate() {
        let mut totals = Totals::default();
        for (byte, q) in task.rows.row(index).iter().zip(task.query) {
            let c = i64::from((byte ^ task.flip).cast_signed());
            let q = i64::from(*q);
            totals.sum += if Sums::<SUM>::L1 {
                ((c << L1_SHIFT) - q).abs()
            } else {
                c * q
            };
            if Sums::<SUM>::SQUARES {
                totals.squares += c * c;
            }
            if Sums::<SUM>::TOTAL {
                totals.total += c;
            }
        }
        *out = totals;
    }
}
