//! The portable form: what the vector forms are compared with, and the code that encodes vectors in every set.

use super::super::tile::{LINE, Line};
use super::{
    CODE_MAX, Coded, FOUR, LENGTH_MAX, LENGTH_MIN, PanelQueries, ROW_BIAS, SLACK, STRETCH, SumLine,
    Tiles, up,
};

/// Elements taken at once, each with sums of its own, so that the compiler can use wide registers.
const LANES: usize = 16;

/// Added to a small number, it leaves the nearest whole number, plus [`ROW_BIAS`], in the last bits (1.5 * 2^23).
const MAGIC: f32 = 12_582_912.0;

#[inline(always)]
pub(super) fn encode(vector: &[f32], squares: f64, codes: &mut [u8]) -> Coded {
    assert_eq!(vector.len(), codes.len(), "a code for each element");
    let (blocks, rest) = vector.as_chunks::<LANES>();
    let mut greatest = [0.0_f32; LANES];
    for block in blocks {
        for (greatest, x) in greatest.iter_mut().zip(block) {
            let x = x.abs();
            *greatest = if x > *greatest { x } else { *greatest };
        }
    }
    let greatest = greatest.into_iter().chain(rest.iter().map(|x| x.abs()));
    let greatest = greatest.fold(0.0, f32::max);
    let scale = greatest / CODE_MAX as f32;
    let inverse = CODE_MAX as f32 / greatest;

    let mut lost = [0.0_f32; LANES];
    let (code_blocks, code_rest) = codes.as_chunks_mut::<LANES>();
    for (block, codes) in blocks.iter().zip(code_blocks) {
        for ((x, code), lost) in block.iter().zip(codes).zip(&mut lost) {
            *lost += encode_one(*x, scale, inverse, code);
        }
    }
    for ((x, code), lost) in rest.iter().zip(code_rest).zip(&mut lost) {
        *lost += encode_one(*x, scale, inverse, code);
    }
    let lost = lost.into_iter().map(f64::from).sum::<f64>().sqrt();
    let length = squares.sqrt();
    // Also false for what is no number.
    let known = length == 0.0 || (LENGTH_MIN..=LENGTH_MAX).contains(&length);
    // Roundings of what each element loses are relative to the element, those of its square and of the sum to the sum.
    let roundings = (vector.len() + LANES) as f64 * f64::from(f32::EPSILON);
    Coded {
        scale,
        lost: if known {
            up((lost + SLACK * (length + lost)) * (1.0 + SLACK + roundings))
        } else {
            f32::INFINITY
        },
        length: up(length * (1.0 + SLACK)),
    }
}

/// Returns the square of what is lost.
#[inline(always)]
fn encode_one(x: f32, scale: f32, inverse: f32, code: &mut u8) -> f32 {
    let nearest = (x * inverse + (MAGIC + ROW_BIAS as f32)).to_bits();
    let nearest = nearest.wrapping_sub(MAGIC.to_bits()).cast_signed();
    // What is no number has codes too.
    let nearest = nearest.clamp(ROW_BIAS - CODE_MAX, ROW_BIAS + CODE_MAX);
    *code = nearest as u8;
    let lost = x - scale * (nearest - ROW_BIAS) as f32;
    lost * lost
}

pub(super) fn tiles(tiles: Tiles<'_>, lines: usize) {
    let PanelQueries {
        starts,
        scales,
        lost,
        coded_lengths,
    } = tiles.queries;
    let bytes = tiles.stretches * STRETCH;
    let rows = tiles.codes.chunks(tiles.stride.max(1));
    let rows = rows.zip(tiles.coded).zip(tiles.terms);
    let rows = rows.zip(tiles.sums.chunks_mut(lines)).zip(tiles.masks);
    for ((((codes, coded), term), sums), mask) in rows {
        sums.copy_from_slice(&starts[..lines]);
        let panel = tiles.panel.chunks(lines);
        for (codes, panel) in codes[..bytes].as_chunks::<FOUR>().0.iter().zip(panel) {
            for (SumLine(sums), queries) in sums.iter_mut().zip(panel) {
                let (queries, _) = queries.0.as_chunks::<FOUR>();
                for (sum, query) in sums.iter_mut().zip(queries) {
                    let products = codes.iter().zip(query);
                    *sum += products
                        .map(|(x, q)| i32::from(*x) * i32::from(*q))
                        .sum::<i32>();
                }
            }
        }
        *mask = 0;
        for (line, SumLine(sums)) in sums.iter().enumerate() {
            for (lane, sum) in sums.iter().enumerate() {
                let of = |lines: &[Line]| lines[line].0[lane];
                let lost = coded.lost * of(coded_lengths) + coded.length * of(lost);
                let bound = *sum as f32 * of(scales) * coded.scale + lost;
                // Not `>=`: a NaN passes.
                let less = bound < term * of(tiles.slopes) + of(tiles.offsets);
                *mask |= u32::from(!less) << (line * LINE + lane);
            }
        }
    }
}
