//! Casts: from arrays, and between the vector types.
//!
//! Casts of a value to its own type with a modifier are [`check_dimensions`].

use half::f16;

use crate::{
    Element, SPARSEVEC_NON_ZERO_MAX, SparseVec, VectorError, VectorType, check_dimensions,
    error::sqlstate,
};

/// An element of an array that a vector can be made of: `i32`, `f32`, `f64` and [`Numeric`].
///
/// No other type can implement it.
pub trait ArrayElement: sealed::Sealed {
    /// The nearest `f32`, an infinity where there is none.
    ///
    /// # Errors
    /// 22003 for a [`Numeric`] out of range, 22P02 for one that is not a number.
    fn into_f32(self) -> Result<f32, VectorError>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i32 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for super::Numeric<'_> {}
}

/// A PostgreSQL `numeric` as its text, which is what its cast to `real` reads: decimal digits without an exponent,
/// `NaN`, `Infinity` or `-Infinity`. Error messages quote it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numeric<'a>(pub &'a str);

impl ArrayElement for i32 {
    fn into_f32(self) -> Result<f32, VectorError> {
        Ok(self as f32)
    }
}

impl ArrayElement for f32 {
    fn into_f32(self) -> Result<f32, VectorError> {
        Ok(self)
    }
}

impl ArrayElement for f64 {
    fn into_f32(self) -> Result<f32, VectorError> {
        Ok(self as f32)
    }
}

impl ArrayElement for Numeric<'_> {
    fn into_f32(self) -> Result<f32, VectorError> {
        use crate::scanner::{Range, Scanner};

        let mut scanner = Scanner::new(self.0);
        let number = scanner
            .float()
            .filter(|number| number.text.len() == self.0.len())
            .ok_or_else(|| VectorError::syntax("real", self.0))?;
        match number.range {
            Range::Held => Ok(number.value),
            Range::Overflow | Range::Underflow => {
                Err(VectorError::out_of_range("real", number.text))
            }
        }
    }
}

/// The error for an array of more than one dimension, 22000: such arrays are told apart before their elements are
/// looked at.
pub fn array_not_one_dimensional() -> VectorError {
    VectorError::data("array must be 1-D")
}

/// The error for an array of a type that has no cast, 22000.
pub fn unsupported_array_type() -> VectorError {
    VectorError::data("unsupported array type")
}

/// A `vector` from an array of one dimension; `None` is a NULL, `expected` the `n` of `vector(n)`.
///
/// No more than 16,000 elements are held, however many there are.
///
/// # Errors
/// 22004 for a NULL, 22000 and 54000 for the number of elements, 22003 for an element out of range, 22000 for NaN and
/// infinities, which a double too large becomes; in this order.
pub fn vector_from_array<T: ArrayElement>(
    elements: impl IntoIterator<Item = Option<T>>,
    expected: Option<usize>,
) -> Result<Vec<f32>, VectorError> {
    dense_from_array(elements, expected)
}

/// A `halfvec` from an array of one dimension, as [`vector_from_array`]; elements are rounded to `f32` first.
///
/// # Errors
/// As for [`vector_from_array`]; a finite `f32` beyond `f16` is out of range.
pub fn halfvec_from_array<T: ArrayElement>(
    elements: impl IntoIterator<Item = Option<T>>,
    expected: Option<usize>,
) -> Result<Vec<f16>, VectorError> {
    dense_from_array(elements, expected)
}

/// A `sparsevec` from an array of one dimension, as [`vector_from_array`]; zeros are not stored.
///
/// # Errors
/// As for [`vector_from_array`], and 54000 for more than 16,000 elements other than zero.
pub fn sparsevec_from_array<T: ArrayElement>(
    elements: impl IntoIterator<Item = Option<T>>,
    expected: Option<usize>,
) -> Result<SparseVec, VectorError> {
    let mut non_zero = NonZero::default();
    let count = convert(elements, |i, value| {
        non_zero.offer(i, value);
        Ok(())
    })?
    .checked(VectorType::Sparsevec, expected)?;
    let sparse = non_zero.finish(count)?;
    for value in &sparse.values {
        VectorType::Sparsevec.check_finite(*value)?;
    }
    Ok(sparse)
}

/// `vector` to `halfvec`.
///
/// # Errors
/// 22000 for another number of dimensions than `expected`, 22003 for an element beyond `f16`:
/// `"65520" is out of range for type halfvec`.
pub fn vector_to_halfvec(
    elements: &[f32],
    expected: Option<usize>,
) -> Result<Vec<f16>, VectorError> {
    check_size(VectorType::Halfvec, elements.len(), expected)?;
    elements.iter().map(|x| f16::within_range(*x)).collect()
}

/// `halfvec` to `vector`; every element is held exactly.
///
/// # Errors
/// 22000 for another number of dimensions than `expected`.
pub fn halfvec_to_vector(
    elements: &[f16],
    expected: Option<usize>,
) -> Result<Vec<f32>, VectorError> {
    check_size(VectorType::Vector, elements.len(), expected)?;
    Ok(to_reals(elements))
}

/// `vector` or `halfvec` to `sparsevec`; zeros are not stored.
///
/// # Errors
/// 22000 for another number of dimensions than `expected`.
pub fn dense_to_sparsevec<E: Element>(
    elements: &[E],
    expected: Option<usize>,
) -> Result<SparseVec, VectorError> {
    check_size(VectorType::Sparsevec, elements.len(), expected)?;
    let mut non_zero = NonZero::default();
    for (i, element) in elements.iter().enumerate() {
        non_zero.offer(i, element.to_f32());
    }
    non_zero.finish(elements.len())
}

/// `sparsevec` to `vector`.
///
/// # Errors
/// As for [`sparsevec_to_dense`].
pub fn sparsevec_to_vector(
    sparse: &SparseVec,
    expected: Option<usize>,
) -> Result<Vec<f32>, VectorError> {
    sparsevec_to_dense(sparse, expected)
}

/// `sparsevec` to `halfvec`.
///
/// # Errors
/// As for [`sparsevec_to_dense`].
pub fn sparsevec_to_halfvec(
    sparse: &SparseVec,
    expected: Option<usize>,
) -> Result<Vec<f16>, VectorError> {
    sparsevec_to_dense(sparse, expected)
}

/// `sparsevec` to `vector` or `halfvec`.
///
/// # Errors
/// 54000 for more than 16,000 dimensions, 22000 for another number than `expected`, 22003 for an element beyond
/// `f16`, XX000 for an index out of bounds, which only a [`SparseVec`] put together by hand has.
pub fn sparsevec_to_dense<E: Element>(
    sparse: &SparseVec,
    expected: Option<usize>,
) -> Result<Vec<E>, VectorError> {
    let dimensions = usize::try_from(sparse.dimensions).unwrap_or(0);
    check_size(E::TYPE, dimensions, expected)?;
    let mut dense = vec![E::nearest(0.0); dimensions];
    for (index, value) in sparse.indices.iter().zip(&sparse.values) {
        let place = usize::try_from(*index).ok().and_then(|i| dense.get_mut(i));
        let place = place
            .ok_or_else(|| VectorError::new(sqlstate::INTERNAL_ERROR, "index out of bounds"))?;
        *place = E::within_range(*value)?;
    }
    Ok(dense)
}

/// `vector` or `halfvec` to `real[]`.
pub fn to_reals<E: Element>(elements: &[E]) -> Vec<f32> {
    elements.iter().map(|x| x.to_f32()).collect()
}

fn dense_from_array<E: Element, T: ArrayElement>(
    elements: impl IntoIterator<Item = Option<T>>,
    expected: Option<usize>,
) -> Result<Vec<E>, VectorError> {
    let mut dense = Vec::new();
    convert(elements, |_, value| {
        if dense.len() < E::TYPE.dimensions_max() {
            dense.push(E::within_range(value)?);
        }
        Ok(())
    })?
    .checked(E::TYPE, expected)?;
    for element in &dense {
        E::TYPE.check_finite(element.to_f32())?;
    }
    Ok(dense)
}

/// How many elements an array had, and what was wrong with the first that could not be converted.
struct Converted {
    count: usize,
    failure: Option<VectorError>,
}

impl Converted {
    fn checked(self, kind: VectorType, expected: Option<usize>) -> Result<usize, VectorError> {
        check_size(kind, self.count, expected)?;
        self.failure.map_or(Ok(self.count), Err)
    }
}

/// Gives every element to `take` until one fails, in one pass: a NULL anywhere is told before anything else.
fn convert<T: ArrayElement>(
    elements: impl IntoIterator<Item = Option<T>>,
    mut take: impl FnMut(usize, f32) -> Result<(), VectorError>,
) -> Result<Converted, VectorError> {
    let mut converted = Converted {
        count: 0,
        failure: None,
    };
    for element in elements {
        let Some(element) = element else {
            return Err(VectorError::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                "array must not contain nulls",
            ));
        };
        if converted.failure.is_none() {
            let taken = element
                .into_f32()
                .and_then(|value| take(converted.count, value));
            converted.failure = taken.err();
        }
        converted.count += 1;
    }
    Ok(converted)
}

/// The elements other than zero of a dense vector, as many as a `sparsevec` can store and one more.
#[derive(Default)]
struct NonZero {
    indices: Vec<i32>,
    values: Vec<f32>,
}

impl NonZero {
    fn offer(&mut self, index: usize, value: f32) {
        if value != 0.0 && self.values.len() <= SPARSEVEC_NON_ZERO_MAX {
            // An index that does not fit belongs to an array that is refused for its length.
            self.indices.push(i32::try_from(index).unwrap_or(i32::MAX));
            self.values.push(value);
        }
    }

    fn finish(self, dimensions: usize) -> Result<SparseVec, VectorError> {
        if self.values.len() > SPARSEVEC_NON_ZERO_MAX {
            return Err(crate::sparsevec::too_many_elements());
        }
        Ok(SparseVec {
            dimensions: i32::try_from(dimensions).unwrap_or(i32::MAX),
            indices: self.indices,
            values: self.values,
        })
    }
}

fn check_size(
    kind: VectorType,
    dimensions: usize,
    expected: Option<usize>,
) -> Result<(), VectorError> {
    kind.check_size(dimensions)?;
    check_dimensions(expected, dimensions)
}
