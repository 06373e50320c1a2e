//! `sparsevec`: a vector that stores its elements other than zero.

mod distance;
mod text;

use std::cmp::Ordering;

use crate::{SPARSEVEC_NON_ZERO_MAX, VectorError, VectorType};

pub use text::{format_sparsevec, parse_sparsevec, write_sparsevec};

/// A value of `sparsevec`.
///
/// The functions of this crate make values whose indices ascend from 0 to below `dimensions`, with a finite value
/// other than zero for each. Values put together by hand are checked by [`SparseVec::new`]; those that were not
/// checked give wrong answers, and never a panic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseVec {
    /// The number of dimensions, 1 to 1,000,000,000.
    pub dimensions: i32,
    /// The places of the stored elements, from 0, ascending. (Text counts from 1.)
    pub indices: Vec<i32>,
    /// The stored elements, as many as indices.
    pub values: Vec<f32>,
}

impl SparseVec {
    /// A checked value, with pgvector's checks of a received one.
    ///
    /// # Errors
    /// 22000 for no dimensions, indices out of bounds or not ascending, NaN, infinities, zeros, or lists of different
    /// lengths; 54000 for more dimensions or elements than there can be.
    pub fn new(
        dimensions: i32,
        indices: Vec<i32>,
        values: Vec<f32>,
    ) -> Result<SparseVec, VectorError> {
        VectorType::Sparsevec.check_size(usize::try_from(dimensions).unwrap_or(0))?;
        check_count(values.len(), dimensions)?;
        if indices.len() != values.len() {
            return Err(VectorError::data(format!(
                "sparsevec has {} indices for {} elements",
                indices.len(),
                values.len()
            )));
        }
        let mut previous = None;
        for index in &indices {
            check_index(*index, previous, dimensions)?;
            previous = Some(*index);
        }
        for value in &values {
            check_received(*value)?;
        }
        Ok(SparseVec {
            dimensions,
            indices,
            values,
        })
    }

    /// The number of stored elements.
    pub fn non_zero(&self) -> usize {
        self.values.len()
    }

    /// The Euclidean norm, `l2_norm` in SQL, summed in `f64`.
    pub fn norm(&self) -> f64 {
        crate::norm(&self.values)
    }

    /// The vector divided by its norm; elements that become zero are not stored, and the zero vector stays as it is.
    ///
    /// # Errors
    /// 22003 when an element overflows, which no finite vector's does.
    pub fn l2_normalize(&self) -> Result<SparseVec, VectorError> {
        let scaled = crate::l2_normalize(&self.values)?;
        let kept = self.indices.iter().zip(scaled).filter(|(_, x)| *x != 0.0);
        let (indices, values) = kept.map(|(index, value)| (*index, value)).unzip();
        Ok(SparseVec {
            dimensions: self.dimensions,
            indices,
            values,
        })
    }

    /// The order of two vectors: that of their elements, zeros included, and the fewer dimensions first where all
    /// elements are equal.
    pub fn compare(&self, other: &SparseVec) -> Ordering {
        let (a, b) = (self.elements(), other.elements());
        for ((i, x), (j, y)) in a.clone().zip(b.clone()) {
            let order = match i.cmp(&j) {
                // The other vector has a zero where this one has an element, or the reverse.
                Ordering::Less => sign(x),
                Ordering::Greater => sign(y).reverse(),
                Ordering::Equal => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
            };
            if order.is_ne() {
                return order;
            }
        }
        let common = self.non_zero().min(other.non_zero());
        // An element beyond the other vector's dimensions faces nothing.
        let facing = |(index, _): &(i32, f32), dimensions: i32| *index < dimensions;
        let mine = a
            .clone()
            .nth(common)
            .filter(|e| facing(e, other.dimensions));
        let theirs = b.clone().nth(common).filter(|e| facing(e, self.dimensions));
        match (mine, theirs) {
            (Some((_, x)), _) => sign(x),
            (None, Some((_, y))) => sign(y).reverse(),
            (None, None) => self.dimensions.cmp(&other.dimensions),
        }
    }

    fn elements(&self) -> impl Iterator<Item = (i32, f32)> + Clone {
        let values = self.values.iter().copied();
        self.indices.iter().copied().zip(values)
    }
}

/// How an element compares with zero; it is not zero.
fn sign(value: f32) -> Ordering {
    if value < 0.0 {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

pub(crate) fn too_many_elements() -> VectorError {
    VectorError::limit(format!(
        "sparsevec cannot have more than {SPARSEVEC_NON_ZERO_MAX} non-zero elements"
    ))
}

/// Checks the number of stored elements of a value with that many dimensions.
pub(crate) fn check_count(count: usize, dimensions: i32) -> Result<(), VectorError> {
    if count > SPARSEVEC_NON_ZERO_MAX {
        return Err(too_many_elements());
    }
    if usize::try_from(dimensions).is_ok_and(|dimensions| count > dimensions) {
        return Err(VectorError::limit(
            "sparsevec cannot have more elements than dimensions",
        ));
    }
    Ok(())
}

/// Checks an index, from 0, against the one before it and the number of dimensions.
pub(crate) fn check_index(
    index: i32,
    previous: Option<i32>,
    dimensions: i32,
) -> Result<(), VectorError> {
    if index < 0 || index >= dimensions {
        return Err(VectorError::data("sparsevec index out of bounds"));
    }
    match previous.map(|previous| index.cmp(&previous)) {
        Some(Ordering::Less) => Err(VectorError::data(
            "sparsevec indices must be in ascending order",
        )),
        Some(Ordering::Equal) => Err(VectorError::data(
            "sparsevec indices must not contain duplicates",
        )),
        Some(Ordering::Greater) | None => Ok(()),
    }
}

/// Checks an element that came in binary form.
pub(crate) fn check_received(value: f32) -> Result<(), VectorError> {
    VectorType::Sparsevec.check_finite(value)?;
    if value == 0.0 {
        return Err(VectorError::data(
            "binary representation of sparsevec cannot contain zero values",
        ));
    }
    Ok(())
}
