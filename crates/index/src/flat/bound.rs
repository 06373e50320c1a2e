//! The proof: why a row that a code excludes is not in the answer.
//!
//! # Notation
//!
//! `f` is a power of two that brings rows to a size near 1, `x` a row times `f` (for cosine: divided by its length), `μ`
//! the mean of a sample, `u = x - μ`; `a` is `f q - μ` for l2, a multiple of `q` by a power of two for inner
//! products, `q / |q|` for cosine. Then
//!
//! ```text
//! l2              f² |q - x|² = |a|² + |u|² - 2 a·u
//! inner product   -g f q·x    = -a·μ - a·u            (a = g q)
//! cosine          -cos        = -a·μ - a·u
//! ```
//!
//! so an upper bound of `a·u` is a lower bound of the distance. `|·|` of a matrix is its spectral norm. A hat marks what
//! is computed and stored.
//!
//! # Rotation
//!
//! `R` is the stored `m × d` matrix of `f32`, `P = RᵀR`, and `η ≥ |RRᵀ - I|` is measured when the index is built
//! (`principal::defect`) and kept with it. Let `â` be `a` rounded to `f32`, `p = Râ`, `z = Ru`.
//!
//! ```text
//! a·u = â·u + (a - â)·u,              |(a - â)·u| <= 2^-24 |a| |u|, beside underflow
//! â·u = p·z + â·(I - P)u
//! m = d:   |I - P| = |RᵀR - I| = |RRᵀ - I| <= η           (R is square: the same singular values)
//! m < d:   I - P = (I - P)² + (P - P²), |P - P²| = |Rᵀ(I - RRᵀ)R| <= η (1 + η)
//!          â·(I - P)u <= |(I - P)â| |(I - P)u| + η (1 + η) |â| |u|
//!          |(I - P)u|² = |u|² - |z|² + u·(P² - P)u <= |u|² - |z|² + η (1 + η) |u|², and the same for â
//! ```
//!
//! So only norms are needed beside `p` and `z`, and R need not be exactly orthogonal.
//!
//! # Codes
//!
//! `ẑ` is computed in `f32`: `|z - ẑ| <= e`, where `e` is what [`Matrix::roundings`](ogive_kernels::Matrix::roundings)
//! says for each of `m` sums over terms of `|R_i| |û| <= (1 + η) |û|` in all, and `(1 + η) |u - û|` for the rounding of `u`
//! itself. With `c` decoded from the code (exact in `f64`, see `levels`), the stored scale `s`, `r = ẑ - s c`, and any
//! positive `v` (Cauchy-Schwarz, generalised):
//!
//! ```text
//! p·z <= s p·c + p·r + |p| e <= s p·c + |v p| |r / v| + |p| e
//! ```
//!
//! `s` needs no property: least squares merely makes `r` small. `v_i² = ρ(b_i)`, the share of a direction that its bits lose,
//! makes the product about as small as a norm for each direction would.
//!
//! # One number a row
//!
//! Let `β = |v p|` (for `m < d`: `√(|v p|² + |(I - P)â|²)`), and `v_min <= 1` the least of `v`. Since `|p| >= (1 - η) |â|` for
//! `m = d`, and `|â|² <= 2 (1 + η)² (|p|² + |(I - P)â|²)` otherwise, `|a| <= 1.5 β / v_min` for η < 0.01. All that is
//! proportional to `|a|` is therefore put into the row's number, [`spread`]:
//!
//! ```text
//! X      = (η (1 + η) + 2^-23 + 2^-38) |u| + (1 + η) e          (2^-38: what the exact scan's own sums may lose of a·u)
//! spread = √(|r / v|² + |(I - P)u|²) + 1.5 X / v_min            rounded up to bf16
//! a·u   <= s p·c + β spread
//! ```
//!
//! # Tables
//!
//! `p·c = Σ T[nibble]`. A table is written as `min + step Σ t` with whole `t` from 0 to 255; `E` adds up the greatest
//! `T - (min + step t)` that each table really has, so `p·c <= base + unit S + E` with the integer sum `S` of the kernel,
//! which is exact. `unit` is an `f32` and steps are whole multiples of it, so nothing else is lost. `p` in `f64` is off by
//! less than `(d + 8) 2^-52 |â|` in each direction, which times the greatest `|c_i|` is added to `E`.
//!
//! # Sums
//!
//! The kernel computes `n - (s (S unit + base + E) + spread β)` in `f32`. With `M = Σ (|min| + range)`, no intermediate
//! exceeds `s M` or `spread β` or `n` beside their sum, and each is rounded fewer than 16 times (2^-24 each): `E` is
//! increased by `2^-20 M`, `β` by `2^-19 β`, `n` is decreased by `2^-21 n`. Underflow is below 2^-100 in all, as `s` is at
//! most 2^41; thresholds have 2^-90 of room. For l2 the tables are made from `2 p`, and `β` from `2 p`.
//!
//! # The second stage
//!
//! In the space of the rows, `u = w C + r'` with codes of one byte: `a·u <= w â·C + |a| |r'| + |a - â| |u|`; the stored
//! residual is `|û - w C| + |u - û| + 2^-22 |u|`, rounded up. With `â = t A + e` and whole `A`, `â·C <= t A·C + |e| 127 √d`, where
//! `A·C` is summed in integers ([`ByteProducts`](ogive_kernels::ByteProducts)); the few `f64` operations around it are covered
//! by `2^-22 |u|`.
//!
//! # Thresholds
//!
//! The exact scan computes sums in `f64` (off by `(d + 64) 2^-52`), perhaps rounds them to `f32` (2^-24), takes a root or
//! divides. A row is excluded only if its bound is above the real value that belongs to the k-th best answer by
//! 2^-21 of it (for cosine: by 2^-20), so its own computed answer comes strictly later: a row that ties is never
//! excluded, and ties are broken by row number as the exact scan breaks them. Bounds are compared with *not greater*, so a
//! bound that is NaN excludes nothing. An answer that is infinite or no number excludes nothing.
//!
//! # What has no code
//!
//! Rows with an element that is infinite or NaN, rows longer than 2^40 times the sample's, for cosine rows whose sum of
//! squares is not within 2^-99 and 2^124 (zero among them): these are *exceptions*, read exactly by every search. NULL rows
//! are listed and never read.

/// The longest vector that can be indexed.
pub const DIMENSION_MAX: usize = 4096;

/// Directions that are coded of longer vectors.
pub(super) const DIRECTIONS_MAX: usize = 768;

/// The greatest defect of a rotation that the proof allows.
pub(super) const DEFECT_MAX: f64 = 0.01;

/// Rows longer than this have no code.
pub(super) const LENGTH_MAX: f64 = (1_u64 << 40) as f64;

/// 2^-n.
pub(super) fn half_power(n: i32) -> f64 {
    2.0_f64.powi(-n)
}

/// What is known of a row before it is coded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    /// At least `|u|`.
    pub(super) most: f64,
    /// At most `|u|`.
    pub(super) least: f64,
    /// At least `|u - û|`.
    pub(super) rounding: f64,
}

impl Length {
    /// From the sum of squares of `û` and the length of `μ`. `û` is `f32(f64(x) - μ)`; for cosine `x` is off by 2^-50
    /// itself, of a length of 1 that is at most `|u| + |μ|`.
    pub(super) fn new(squares: f64, mean_length: f64, dimension: usize) -> Length {
        let length = squares.sqrt();
        let rounding = half_power(23) * length
            + half_power(48) * (length + mean_length)
            + dimension as f64 * half_power(148);
        Length {
            most: length * (1.0 + half_power(40)) + rounding,
            least: (length * (1.0 - half_power(40)) - rounding).max(0.0),
            rounding,
        }
    }

    /// At most `|u|²`, with the room that the kernel's sums need.
    pub(super) fn norm(&self) -> f32 {
        down(self.least * self.least * (1.0 - half_power(20)))
    }
}

/// What the proof knows about the rotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    /// `η`.
    pub(super) defect: f64,
    /// Whether `m < d`.
    pub(super) partial: bool,
    /// Elements of a row, and rows.
    pub(super) dimension: usize,
    pub(super) directions: usize,
    /// Roundings of the kernel that rotates rows.
    pub(super) roundings: f64,
    /// `v_min`.
    pub(super) least_weight: f64,
}

/// The number of a row: `residual` is the sum of squares of `r / v`, `rotated` that of `ẑ`.
pub(super) fn spread(rotation: &Rotation, length: &Length, residual: f64, rotated: f64) -> f64 {
    let eta = rotation.defect;
    let error = (rotation.directions as f64).sqrt()
        * (1.0 + eta)
        * (rotation.roundings * half_power(24) * length.most
            + rotation.dimension as f64 * half_power(148))
        + (1.0 + eta) * length.rounding;
    let proportional =
        (eta * (1.0 + eta) + half_power(23) + half_power(38)) * length.most + (1.0 + eta) * error;
    let mut squares = residual * (1.0 + half_power(40));
    if rotation.partial {
        let rotated = (rotated.sqrt() * (1.0 - half_power(40)) - error).max(0.0);
        squares += outside(length.most, rotated, eta);
    }
    squares.sqrt() * (1.0 + half_power(40)) + 1.5 * proportional / rotation.least_weight
}

/// At least `|(I - P)y|²` for `|y| <= most` and `|Ry| >= rotated`.
pub(super) fn outside(most: f64, rotated: f64, eta: f64) -> f64 {
    let most = most * most;
    (most * (1.0 + half_power(40)) - rotated * rotated + eta * (1.0 + eta) * most).max(0.0)
}

/// The least `f32` that is not below.
pub(super) fn up(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) < value {
        near.next_up()
    } else {
        near
    }
}

/// The greatest `f32` that is not above.
pub(super) fn down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value {
        near.next_down()
    } else {
        near
    }
}

/// The least number of the upper half of an `f32` that is not below `value`, which is not negative.
pub(super) fn up_bf16(value: f64) -> u16 {
    let bits = up(value).to_bits();
    ((bits >> 16) + u32::from(bits & 0xffff != 0)) as u16
}

/// The nearest such number.
pub(super) fn near_bf16(value: f64) -> u16 {
    let bits = (value as f32).to_bits();
    ((bits >> 16) + (bits >> 15 & 1)) as u16
}

/// The number of an upper half.
pub(super) fn of_bf16(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_the_stated_way() {
        for value in [0.0, 1.0, 1.0 + 1e-12, 0.1, 3e-39, 1e-46, 7.7e37, 1e30] {
            assert!(f64::from(up(value)) >= value && f64::from(down(value)) <= value);
            assert!(f64::from(of_bf16(up_bf16(value))) >= value);
            let near = f64::from(of_bf16(near_bf16(value)));
            assert!((near - value).abs() <= value / 256.0 + 1e-40, "{value}");
        }
        assert_eq!(of_bf16(up_bf16(1.0)), 1.0);
        assert_eq!(of_bf16(up_bf16(f64::INFINITY)), f32::INFINITY);
    }
}
