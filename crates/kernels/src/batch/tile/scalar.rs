//! The portable form: one row at a time. Its panels have two lines, as those of AVX-512 have, so that what surrounds
//! tiles is tested with such panels on every machine.

use super::{LINE, Line, Tiles};

pub(super) const ROWS: usize = 1;
pub(super) const LINES: usize = 2;

pub(super) fn tiles(tiles: Tiles<'_>, stretch: usize) {
    let rows = tiles.values.chunks(tiles.stride.max(1));
    let rows = rows.zip(tiles.terms).zip(tiles.sums.chunks_mut(LINES));
    for (((row, term), sums), mask) in rows.zip(tiles.masks) {
        sums.fill(Line::ZERO);
        let row = &row[..tiles.dimension];
        let stretches = row.chunks(stretch).zip(tiles.panel.chunks(stretch * LINES));
        for (row, panel) in stretches {
            let mut totals = [Line::ZERO; LINES];
            for (x, queries) in row.iter().zip(panel.chunks(LINES)) {
                for (Line(totals), Line(queries)) in totals.iter_mut().zip(queries) {
                    for (total, query) in totals.iter_mut().zip(queries) {
                        *total += x * query;
                    }
                }
            }
            for (Line(sums), Line(totals)) in sums.iter_mut().zip(totals) {
                for (sum, total) in sums.iter_mut().zip(totals) {
                    *sum += total;
                }
            }
        }
        *mask = 0;
        let lines = sums.iter().zip(tiles.offsets).zip(tiles.slopes);
        for (line, ((Line(sums), Line(offsets)), Line(slopes))) in lines.enumerate() {
            let lanes = sums.iter().zip(offsets).zip(slopes).enumerate();
            for (lane, ((sum, offset), slope)) in lanes {
                // Not `>=`: a NaN passes.
                let less = *sum < term * slope + offset;
                *mask |= u32::from(!less) << (line * LINE + lane);
            }
        }
    }
}
