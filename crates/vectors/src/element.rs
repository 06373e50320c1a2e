//! What `vector` and `halfvec` differ in: the type of an element.

use half::f16;

use crate::scanner::{Number, Range};
use crate::{VectorError, VectorType, format_float4};

/// An element of a dense vector: `f32` for `vector`, `f16` for `halfvec`.
///
/// The functions that take both types are generic over it. No other type can implement it.
pub trait Element: Copy + sealed::Sealed {
    /// The type of the vectors made of such elements.
    const TYPE: VectorType;

    /// The element as an `f32`, which holds every element exactly.
    fn to_f32(self) -> f32;

    /// The nearest element, an infinity if the value is too large.
    #[doc(hidden)]
    fn nearest(value: f32) -> Self;

    /// The nearest element, an error if a finite value is too large. NaN and the infinities pass.
    #[doc(hidden)]
    fn within_range(value: f32) -> Result<Self, VectorError>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
}

impl Element for f32 {
    const TYPE: VectorType = VectorType::Vector;

    fn to_f32(self) -> f32 {
        self
    }

    fn nearest(value: f32) -> f32 {
        value
    }

    fn within_range(value: f32) -> Result<f32, VectorError> {
        Ok(value)
    }
}

impl Element for f16 {
    const TYPE: VectorType = VectorType::Halfvec;

    fn to_f32(self) -> f32 {
        f16::to_f32(self)
    }

    fn nearest(value: f32) -> f16 {
        f16::from_f32(value)
    }

    fn within_range(value: f32) -> Result<f16, VectorError> {
        let element = f16::from_f32(value);
        if element.is_infinite() && !value.is_infinite() {
            return Err(VectorError::out_of_range(
                Self::TYPE.name(),
                &format_float4(value),
            ));
        }
        Ok(element)
    }
}

/// The element that a number in a literal stands for. A number too small for the type becomes a zero.
pub(crate) fn from_literal<E: Element>(number: Number<'_>) -> Result<E, VectorError> {
    let element = E::nearest(number.value);
    let overflows = element.to_f32().is_infinite() && !number.value.is_infinite();
    if number.range == Range::Overflow || overflows {
        return Err(VectorError::out_of_range(E::TYPE.name(), number.text));
    }
    E::TYPE.check_finite(element.to_f32())?;
    Ok(element)
}
