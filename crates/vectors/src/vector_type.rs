//! The three vector types: their names, limits, checks and type modifiers.

use crate::VectorError;
use crate::error::{Quoted, sqlstate};

/// The most dimensions of a `vector`.
pub const VECTOR_DIMENSIONS_MAX: usize = 16_000;
/// The most dimensions of a `halfvec`.
pub const HALFVEC_DIMENSIONS_MAX: usize = 16_000;
/// The most dimensions of a `sparsevec`.
pub const SPARSEVEC_DIMENSIONS_MAX: usize = 1_000_000_000;
/// The most elements that a `sparsevec` stores.
pub const SPARSEVEC_NON_ZERO_MAX: usize = 16_000;
/// The largest `n` of `bit(n)` and `bit varying(n)`.
pub const BIT_LENGTH_MAX: usize = 83_886_080;

/// A type of pgvector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorType {
    /// `vector`: single-precision elements.
    Vector,
    /// `halfvec`: half-precision elements.
    Halfvec,
    /// `sparsevec`: single-precision elements, of which only those other than zero are stored.
    Sparsevec,
}

impl VectorType {
    /// The type's name in SQL and in error messages.
    pub fn name(self) -> &'static str {
        match self {
            VectorType::Vector => "vector",
            VectorType::Halfvec => "halfvec",
            VectorType::Sparsevec => "sparsevec",
        }
    }

    /// The most dimensions a value may have.
    pub fn dimensions_max(self) -> usize {
        match self {
            VectorType::Vector => VECTOR_DIMENSIONS_MAX,
            VectorType::Halfvec => HALFVEC_DIMENSIONS_MAX,
            VectorType::Sparsevec => SPARSEVEC_DIMENSIONS_MAX,
        }
    }

    /// Checks that a value may have this many dimensions.
    ///
    /// # Errors
    /// 22000 for none, 54000 for more than [`dimensions_max`](Self::dimensions_max).
    pub fn check_size(self, dimensions: usize) -> Result<(), VectorError> {
        if dimensions < 1 {
            return Err(VectorError::data(format!(
                "{} must have at least 1 dimension",
                self.name()
            )));
        }
        if dimensions > self.dimensions_max() {
            return Err(self.too_many_dimensions());
        }
        Ok(())
    }

    /// Checks that two operands have the same number of dimensions.
    ///
    /// # Errors
    /// 22000, `different vector dimensions 2 and 1`.
    pub fn check_same(self, left: usize, right: usize) -> Result<(), VectorError> {
        if left != right {
            return Err(VectorError::data(format!(
                "different {} dimensions {left} and {right}",
                self.name()
            )));
        }
        Ok(())
    }

    /// The number of dimensions that a list of type modifiers stands for: `["3"]` for `vector(3)`.
    ///
    /// Modifiers are the decimal integers PostgreSQL's `int4in` takes, with spaces around them; its hexadecimal,
    /// octal, binary and underscored forms are not read.
    ///
    /// # Errors
    /// 22P02 or 22003 for a modifier that is not an integer, 22023 for more or fewer than one modifier and for a
    /// number out of bounds. Integers are read before they are counted, as PostgreSQL does.
    pub fn type_modifier(self, modifiers: &[&str]) -> Result<usize, VectorError> {
        one_modifier(modifiers, "dimensions", self.name(), self.dimensions_max())
    }

    pub(crate) fn too_many_dimensions(self) -> VectorError {
        VectorError::limit(format!(
            "{} cannot have more than {} dimensions",
            self.name(),
            self.dimensions_max()
        ))
    }

    /// NaN and the infinities are values of no vector type.
    pub(crate) fn check_finite(self, value: f32) -> Result<(), VectorError> {
        if value.is_nan() {
            return Err(VectorError::data(format!(
                "NaN not allowed in {}",
                self.name()
            )));
        }
        if value.is_infinite() {
            return Err(VectorError::data(format!(
                "infinite value not allowed in {}",
                self.name()
            )));
        }
        Ok(())
    }
}

/// Checks a value's number of dimensions against the `n` of its type; `None` is a type without one.
///
/// This is all that a cast of a value to its own type with a modifier does.
///
/// # Errors
/// 22000, `expected 2 dimensions, not 3`.
pub fn check_dimensions(expected: Option<usize>, dimensions: usize) -> Result<(), VectorError> {
    match expected {
        Some(expected) if expected != dimensions => Err(VectorError::data(format!(
            "expected {expected} dimensions, not {dimensions}"
        ))),
        _ => Ok(()),
    }
}

/// The length that the modifiers of `bit(n)` stand for; integers as for [`VectorType::type_modifier`].
///
/// # Errors
/// As for [`VectorType::type_modifier`].
pub fn bit_type_modifier(modifiers: &[&str]) -> Result<usize, VectorError> {
    one_modifier(modifiers, "length", "bit", BIT_LENGTH_MAX)
}

fn one_modifier(
    modifiers: &[&str],
    what: &str,
    type_name: &str,
    max: usize,
) -> Result<usize, VectorError> {
    let numbers = modifiers
        .iter()
        .map(|text| integer(text))
        .collect::<Result<Vec<i32>, _>>()?;
    let invalid = |message: String| VectorError::new(sqlstate::INVALID_PARAMETER_VALUE, message);
    let [number] = numbers.as_slice() else {
        return Err(invalid("invalid type modifier".to_owned()));
    };
    match usize::try_from(*number) {
        Err(_) | Ok(0) => Err(invalid(format!(
            "{what} for type {type_name} must be at least 1"
        ))),
        Ok(number) if number > max => Err(invalid(format!(
            "{what} for type {type_name} cannot exceed {max}"
        ))),
        Ok(number) => Ok(number),
    }
}

/// PostgreSQL's `int4in`, decimal only.
fn integer(text: &str) -> Result<i32, VectorError> {
    let number = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VectorError::syntax("integer", text));
    }
    // Digits alone can only fail to parse by being too many.
    number.parse().map_err(|_| {
        VectorError::new(
            sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
            format!(
                "value \"{}\" is out of range for type integer",
                Quoted(text)
            ),
        )
    })
}
