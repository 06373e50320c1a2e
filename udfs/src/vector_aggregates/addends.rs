//! The inner loop: adding a row's elements to running sums.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Elements that are converted at a time, small enough for the first-level cache.
const CHUNK: usize = 256;

/// What every single addition is rounded to. Sums are held as `f64` all the same; `f64` holds each of the others, and
/// rounding a sum of two of them through it gives what adding them directly gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Double,
    Single,
    Half,
}

/// The elements of one row, as they are stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Addends<'a> {
    Half(&'a [f16]),
    Single(&'a [f32]),
    Double(&'a [f64]),
}

impl Addends<'_> {
    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Half(elements) => elements.len(),
            Self::Single(elements) => elements.len(),
            Self::Double(elements) => elements.len(),
        }
    }

    /// Appends the elements to `values`.
    pub(super) fn append_to(&self, values: &mut Vec<f64>) {
        match self {
            Self::Half(elements) => {
                let mut wide = [0.0; CHUNK];
                for chunk in elements.chunks(CHUNK) {
                    let wide = &mut wide[..chunk.len()];
                    chunk.convert_to_f32_slice(wide);
                    values.extend(wide.iter().map(|&element| f64::from(element)));
                }
            }
            Self::Single(elements) => {
                values.extend(elements.iter().map(|&element| f64::from(element)));
            }
            Self::Double(elements) => values.extend_from_slice(elements),
        }
    }

    /// Adds the elements to as many `sums`.
    pub(super) fn add_to(&self, sums: &mut [f64], rounding: Rounding) {
        match self {
            Self::Half(elements) => {
                let mut wide = [0.0; CHUNK];
                for (sums, chunk) in sums.chunks_mut(CHUNK).zip(elements.chunks(CHUNK)) {
                    let wide = &mut wide[..chunk.len()];
                    chunk.convert_to_f32_slice(wide);
                    add(sums, wide, rounding);
                }
            }
            Self::Single(elements) => add(sums, elements, rounding),
            Self::Double(elements) => add(sums, elements, rounding),
        }
    }
}

fn add<T: Copy + Into<f64>>(sums: &mut [f64], elements: &[T], rounding: Rounding) {
    match rounding {
        Rounding::Double => {
            for (sum, &element) in sums.iter_mut().zip(elements) {
                *sum += element.into();
            }
        }
        Rounding::Single => {
            for (sum, &element) in sums.iter_mut().zip(elements) {
                *sum = f64::from((*sum + element.into()) as f32);
            }
        }
        Rounding::Half => {
            let (mut single, mut half) = ([0.0_f32; CHUNK], [f16::ZERO; CHUNK]);
            for (sums, elements) in sums.chunks_mut(CHUNK).zip(elements.chunks(CHUNK)) {
                let (single, half) = (&mut single[..sums.len()], &mut half[..sums.len()]);
                for ((single, sum), &element) in single.iter_mut().zip(&*sums).zip(elements) {
                    *single = (*sum + element.into()) as f32;
                }
                half.convert_from_f32_slice(single);
                half.convert_to_f32_slice(single);
                for (sum, single) in sums.iter_mut().zip(&*single) {
                    *sum = f64::from(*single);
                }
            }
        }
    }
}
