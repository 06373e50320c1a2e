//! Operators and functions of `vector` and `halfvec`.

use std::cmp::Ordering;

use crate::{Element, VectorError};

/// `left + right`, element by element, rounded once each.
///
/// # Errors
/// 22000 for different dimensions, 22003 when a sum overflows.
pub fn add<E: Element>(left: &[E], right: &[E]) -> Result<Vec<E>, VectorError> {
    combine(left, right, |a, b| a + b)
}

/// `left - right`, element by element, rounded once each.
///
/// # Errors
/// 22000 for different dimensions, 22003 when a difference overflows.
pub fn sub<E: Element>(left: &[E], right: &[E]) -> Result<Vec<E>, VectorError> {
    combine(left, right, |a, b| a - b)
}

/// `left * right`, element by element, rounded once each.
///
/// # Errors
/// 22000 for different dimensions, 22003 when a product overflows, or is zero and none of its factors is.
pub fn mul<E: Element>(left: &[E], right: &[E]) -> Result<Vec<E>, VectorError> {
    E::TYPE.check_same(left.len(), right.len())?;
    let mut product = Vec::with_capacity(left.len());
    for (a, b) in left.iter().zip(right) {
        let (a, b) = (a.to_f32(), b.to_f32());
        let element = E::nearest(a * b);
        if element.to_f32().is_infinite() {
            return Err(VectorError::overflow());
        }
        if element.to_f32() == 0.0 && a != 0.0 && b != 0.0 {
            return Err(VectorError::underflow());
        }
        product.push(element);
    }
    Ok(product)
}

/// `left || right`: the elements of both.
///
/// # Errors
/// 54000 for more than 16,000 dimensions, 22000 for none.
pub fn concat<E: Element>(left: &[E], right: &[E]) -> Result<Vec<E>, VectorError> {
    E::TYPE.check_size(left.len().saturating_add(right.len()))?;
    Ok([left, right].concat())
}

/// The order of two vectors: by the first elements that differ, the shorter first where none does.
///
/// Vectors of different dimensions compare too, and the two zeros are equal. NaN, which no vector holds, is taken as
/// equal to everything.
pub fn compare<E: Element>(left: &[E], right: &[E]) -> Ordering {
    left.iter()
        .zip(right)
        .filter_map(|(a, b)| a.to_f32().partial_cmp(&b.to_f32()))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// The Euclidean norm, `vector_norm` and `l2_norm` in SQL, summed in `f64`.
pub fn norm<E: Element>(elements: &[E]) -> f64 {
    let squares = elements.iter().map(|x| {
        let x = f64::from(x.to_f32());
        x * x
    });
    squares.fold(0.0, |sum, square| sum + square).sqrt()
}

/// The vector divided by its [`norm`]; the zero vector stays as it is, without the signs of its zeros.
///
/// # Errors
/// 22003 when an element overflows, which no finite vector's does.
pub fn l2_normalize<E: Element>(elements: &[E]) -> Result<Vec<E>, VectorError> {
    let norm = norm(elements);
    if norm <= 0.0 {
        return Ok(vec![E::nearest(0.0); elements.len()]);
    }
    elements
        .iter()
        .map(|x| finite(E::nearest((f64::from(x.to_f32()) / norm) as f32)))
        .collect()
}

/// One bit an element: whether it is greater than zero.
pub fn binary_quantize<E: Element>(elements: &[E]) -> Vec<bool> {
    elements.iter().map(|x| x.to_f32() > 0.0).collect()
}

/// `count` elements from the 1-based place `start`, as SQL's `substring` takes them: places before the first and
/// after the last are counted and left out.
///
/// # Errors
/// 22000 when nothing is left.
pub fn subvector<E: Element>(
    elements: &[E],
    start: i32,
    count: i32,
) -> Result<Vec<E>, VectorError> {
    let places = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    let end = (i64::from(start) + i64::from(count)).min(places.saturating_add(1));
    let start = i64::from(start).max(1);
    // A `count` below one leaves `end` at or before `start`, and so nothing.
    let range = usize::try_from(start - 1)
        .ok()
        .zip(usize::try_from(end - 1).ok());
    let kept = range
        .and_then(|(start, end)| elements.get(start..end))
        .unwrap_or_default();
    E::TYPE.check_size(kept.len())?;
    Ok(kept.to_vec())
}

/// The angle between two vectors of length one, as a share of half a turn: `vector_spherical_distance` in SQL.
///
/// # Errors
/// 22000 for different dimensions.
pub fn spherical_distance<E: Element>(left: &[E], right: &[E]) -> Result<f64, VectorError> {
    E::TYPE.check_same(left.len(), right.len())?;
    let products = left
        .iter()
        .zip(right)
        .map(|(a, b)| f64::from(a.to_f32()) * f64::from(b.to_f32()));
    let product = products.fold(0.0, |sum, product| sum + product) as f32;
    Ok(f64::from(product).clamp(-1.0, 1.0).acos() / std::f64::consts::PI)
}

fn combine<E: Element>(
    left: &[E],
    right: &[E],
    operator: impl Fn(f32, f32) -> f32,
) -> Result<Vec<E>, VectorError> {
    E::TYPE.check_same(left.len(), right.len())?;
    left.iter()
        .zip(right)
        .map(|(a, b)| finite(E::nearest(operator(a.to_f32(), b.to_f32()))))
        .collect()
}

fn finite<E: Element>(element: E) -> Result<E, VectorError> {
    if element.to_f32().is_infinite() {
        return Err(VectorError::overflow());
    }
    Ok(element)
}
