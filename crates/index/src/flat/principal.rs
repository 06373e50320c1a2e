//! Directions in which a sample varies most, as an orthogonal basis.
//!
//! Orthogonal iteration: `V ← orthonormal(V C)` with the covariance `C`. Directions of nearly equal variance stay mixed,
//! which costs nothing here; that the basis is orthogonal to rounding matters, and is seen to at the end in `f64`.
//! Everything is in a fixed order, so the same sample gives the same basis, whatever the number of threads.

use ogive_kernels::{Matrix, dot_f32};

/// Past this the gain is below a hundredth of the rows left.
const ITERATIONS: usize = 8;

/// A basis that is further from orthogonal is not used; usual ones are a thousand times nearer.
const DEFECT_USUAL: f64 = 1e-3;

/// An orthogonal basis of (a part of) the space.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    /// Row-major, `count` × `dimension`, orthonormal to the rounding of `f32`.
    pub(super) directions: Vec<f32>,
    /// Mean square of the sample along each direction, greatest first.
    pub(super) variances: Vec<f64>,
    /// Mean square of the sample.
    pub(super) total: f64,
}

/// The `count` leading directions of `sample`, row-major, of `dimension` elements.
pub(super) fn principal_directions(sample: &[f32], dimension: usize, count: usize) -> Basis {
    let covariance = covariance(sample, dimension);
    let matrix = Matrix::new(&covariance, dimension);
    let mut basis = if count == dimension {
        covariance.clone()
    } else {
        let mut mixed = vec![0.0; count * dimension];
        matrix.multiply(&signs(count * dimension), &mut mixed);
        mixed
    };
    orthonormalise(&mut basis, dimension);
    let mut turned = vec![0.0; basis.len()];
    for _ in 0..ITERATIONS {
        matrix.multiply(&basis, &mut turned);
        orthonormalise(&mut turned, dimension);
        std::mem::swap(&mut basis, &mut turned);
    }
    matrix.multiply(&basis, &mut turned);
    let along = |row: usize| {
        let range = row * dimension..(row + 1) * dimension;
        f64::from(dot_f32(&basis[range.clone()], &turned[range])).max(0.0)
    };
    let mut order: Vec<(f64, usize)> = (0..count).map(|row| (along(row), row)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut sorted: Vec<f64> = Vec::with_capacity(basis.len());
    for (_, row) in &order {
        let direction = &basis[row * dimension..(row + 1) * dimension];
        sorted.extend(direction.iter().map(|x| f64::from(*x)));
    }
    orthonormalise_twice(&mut sorted, dimension);
    let diagonal: Vec<f64> = (0..dimension)
        .map(|i| f64::from(covariance[i * dimension + i]))
        .collect();
    let directions: Vec<f32> = sorted.into_iter().map(|x| x as f32).collect();
    let usual = defect(&directions, dimension) <= DEFECT_USUAL;
    if !usual {
        return unit_basis(&diagonal, count);
    }
    Basis {
        directions,
        variances: order.into_iter().map(|(variance, _)| variance).collect(),
        total: diagonal.iter().sum(),
    }
}

/// The elements that vary most: orthogonal whatever the sample.
fn unit_basis(diagonal: &[f64], count: usize) -> Basis {
    let dimension = diagonal.len();
    let mut order: Vec<usize> = (0..dimension).collect();
    order.sort_by(|a, b| diagonal[*b].total_cmp(&diagonal[*a]).then(a.cmp(b)));
    order.truncate(count);
    let mut directions = vec![0.0; count * dimension];
    for (row, element) in directions.chunks_exact_mut(dimension).zip(&order) {
        row[*element] = 1.0;
    }
    Basis {
        directions,
        variances: order.iter().map(|element| diagonal[*element]).collect(),
        total: diagonal.iter().sum(),
    }
}

fn covariance(sample: &[f32], dimension: usize) -> Vec<f32> {
    let rows = sample.len() / dimension;
    let mut columns = vec![0.0; sample.len()];
    for (row, values) in sample.chunks_exact(dimension).enumerate() {
        for (column, value) in values.iter().enumerate() {
            columns[column * rows + row] = *value;
        }
    }
    let mut products = vec![0.0; dimension * dimension];
    if rows > 0 {
        Matrix::new(&columns, rows).multiply(&columns, &mut products);
        let share = 1.0 / rows as f32;
        for product in &mut products {
            *product *= share;
        }
    }
    products
}

/// Numbers of 1 and -1 that look random (SplitMix64).
fn signs(count: usize) -> Vec<f32> {
    (1..=count as u64)
        .map(|index| {
            let mut z = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            if z >> 63 == 0 { 1.0 } else { -1.0 }
        })
        .collect()
}

/// Modified Gram-Schmidt in single precision, a second time for rows of which little is left. A row that is nearly spanned
/// by those before it becomes what is left of a unit vector.
fn orthonormalise(rows: &mut [f32], dimension: usize) {
    // Of the unit vectors at least one has more left than this, as long as the rows do not span everything.
    let least_of_unit = 0.5 / (dimension as f32).sqrt();
    let mut unit = 0;
    for index in 0..rows.len() / dimension {
        let (before, rest) = rows.split_at_mut(index * dimension);
        let row = &mut rest[..dimension];
        let mut least = SPANNED;
        while !make_orthogonal(before, row, least) {
            row.fill(0.0);
            if unit == dimension {
                break;
            }
            // A unit vector that failed once fails for good: what is spanned only grows.
            row[unit] = 1.0;
            unit += 1;
            least = least_of_unit;
        }
    }
}

/// The share of a row that must be left beside the rows before it.
const SPANNED: f32 = 1e-4;

/// Takes from `row` what `before` spans, and makes its length 1; `false` when less than `least` of it is left.
fn make_orthogonal(before: &[f32], row: &mut [f32], least: f32) -> bool {
    let mut share = 1.0;
    for _ in 0..4 {
        let length = dot_f32(row, row).sqrt();
        if !(length > 0.0 && length < f32::INFINITY) {
            return false;
        }
        row.iter_mut().for_each(|x| *x /= length);
        for before in before.chunks_exact(row.len()) {
            let product = dot_f32(before, row);
            for (x, b) in row.iter_mut().zip(before) {
                *x -= product * b;
            }
        }
        let left = dot_f32(row, row).sqrt();
        share *= left;
        if share.is_nan() || share < least {
            return false;
        }
        row.iter_mut().for_each(|x| *x /= left);
        if left > 0.5 {
            return true;
        }
    }
    true
}

/// Modified Gram-Schmidt in double precision, twice, which is enough.
fn orthonormalise_twice(rows: &mut [f64], dimension: usize) {
    for _ in 0..2 {
        for index in 0..rows.len() / dimension {
            let (before, rest) = rows.split_at_mut(index * dimension);
            let row = &mut rest[..dimension];
            for before in before.chunks_exact(dimension) {
                let share = dot(before, row);
                for (x, b) in row.iter_mut().zip(before) {
                    *x -= share * b;
                }
            }
            let length = dot(row, row).sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
        }
    }
}

/// A dot product in eight lanes.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_whole, a_rest) = a.as_chunks::<8>();
    let (b_whole, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

/// At least the spectral norm of `R Rᵀ - I` for the rows of `directions`.
pub(super) fn defect(directions: &[f32], dimension: usize) -> f64 {
    let wide: Vec<f64> = directions.iter().map(|x| f64::from(*x)).collect();
    let mut squares = 0.0;
    for (index, row) in wide.chunks_exact(dimension).enumerate() {
        let own = dot(row, row) - 1.0;
        squares += own * own;
        for other in wide.chunks_exact(dimension).take(index) {
            let product = dot(row, other);
            squares += 2.0 * product * product;
        }
    }
    // The Frobenius norm is not less than the spectral norm; each product is off by less than `dimension` 2^-52.
    let count = (wide.len() / dimension.max(1)) as f64;
    squares.sqrt() * (1.0 + 1e-9) + count * dimension as f64 * f64::EPSILON * 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_orthogonal_whatever_the_sample() {
        for (dimension, count) in [(1, 1), (2, 2), (7, 7), (40, 40), (50, 20), (300, 200)] {
            for kind in 0..4 {
                let sample: Vec<f32> = signs(30 * dimension)
                    .iter()
                    .enumerate()
                    .map(|(index, sign)| match kind {
                        0 => *sign,
                        1 => 0.0,
                        2 => sign * f32::from(u8::from(index % dimension == 0)),
                        _ => sign / (1.0 + (index % dimension) as f32).powi(3),
                    })
                    .collect();
                let basis = principal_directions(&sample, dimension, count);
                let defect = defect(&basis.directions, dimension);
                assert!(defect < 1e-6, "{dimension} {kind}: {defect}");
                assert!(basis.variances.is_sorted_by(|a, b| a >= b));
            }
        }
    }
}
