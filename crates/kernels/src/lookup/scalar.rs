//! The portable form: the definition of every sum.

use super::{LOOKUP_ROWS, LOOKUP_SEGMENT, Scan, scan_blocks};

pub(super) fn enter(scan: Scan<'_>) {
    let (tables, weights) = (scan.tables, scan.weights);
    scan_blocks(scan, |codes, totals| {
        totals.fill(0);
        let columns = codes.chunks_exact(LOOKUP_ROWS).zip(tables.chunks_exact(2));
        for (index, (column, tables)) in columns.enumerate() {
            let weight = i32::from(weights[index / LOOKUP_SEGMENT]);
            for (total, code) in totals.iter_mut().zip(column) {
                let low = tables[0][usize::from(code & 15)];
                let high = tables[1][usize::from(code >> 4)];
                *total += weight * (i32::from(low) + i32::from(high));
            }
        }
    });
}
