//! The errors of vector values, as a PostgreSQL client sees them.

use std::fmt;

/// The five-character SQLSTATEs that the functions of this crate answer with.
///
/// The names are PostgreSQL's condition names.
pub mod sqlstate {
    /// A bit string is longer than its `bit varying(n)`.
    pub const STRING_DATA_RIGHT_TRUNCATION: &str = "22001";
    /// Dimensions that differ, a NaN, an infinity, an index out of bounds.
    pub const DATA_EXCEPTION: &str = "22000";
    /// A number too large or too small for its type.
    pub const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";
    /// A NULL where there must be none.
    pub const NULL_VALUE_NOT_ALLOWED: &str = "22004";
    /// A type modifier that the type does not take.
    pub const INVALID_PARAMETER_VALUE: &str = "22023";
    /// A bit string whose length is not that of its `bit(n)`.
    pub const STRING_DATA_LENGTH_MISMATCH: &str = "22026";
    /// Text that is not a value of the type.
    pub const INVALID_TEXT_REPRESENTATION: &str = "22P02";
    /// A cast that there is not.
    pub const CANNOT_COERCE: &str = "42846";
    /// A function or operator that there is not.
    pub const UNDEFINED_FUNCTION: &str = "42883";
    /// Bytes that are not a value of the type.
    pub const INVALID_BINARY_REPRESENTATION: &str = "22P03";
    /// More dimensions or elements than a value can have.
    pub const PROGRAM_LIMIT_EXCEEDED: &str = "54000";
    /// A binary value that ends before its last element.
    pub const PROTOCOL_VIOLATION: &str = "08P01";
    /// A value that no function of this crate would have made.
    pub const INTERNAL_ERROR: &str = "XX000";
}

/// The longest piece of a literal that an error message quotes, in characters; what is cut off shows as `...`.
pub const QUOTED_CHARACTERS_MAX: usize = 200;

/// An error with the message, detail, hint and SQLSTATE that pgvector and PostgreSQL give.
///
/// One thing differs: pgvector quotes a malformed literal whole, and here it is cut after
/// [`QUOTED_CHARACTERS_MAX`] characters, so that a literal of megabytes is not copied into logs and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorError {
    sqlstate: &'static str,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl VectorError {
    /// An error without detail and hint; `sqlstate` is one of the constants of [`sqlstate`](mod@sqlstate).
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> VectorError {
        VectorError {
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// The same error with a `DETAIL` line.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> VectorError {
        self.detail = Some(detail.into());
        self
    }

    /// The same error with a `HINT` line.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> VectorError {
        self.hint = Some(hint.into());
        self
    }

    /// The SQLSTATE: five characters.
    pub fn sqlstate(&self) -> &'static str {
        self.sqlstate
    }

    /// The primary message, the text that [`Display`](fmt::Display) writes too.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The `DETAIL` line, if there is one.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The `HINT` line, if there is one.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(crate) fn data(message: impl Into<String>) -> VectorError {
        VectorError::new(sqlstate::DATA_EXCEPTION, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> VectorError {
        VectorError::new(sqlstate::PROGRAM_LIMIT_EXCEEDED, message)
    }

    pub(crate) fn syntax(type_name: &str, literal: &str) -> VectorError {
        VectorError::new(
            sqlstate::INVALID_TEXT_REPRESENTATION,
            format!(
                "invalid input syntax for type {type_name}: \"{}\"",
                Quoted(literal)
            ),
        )
    }

    pub(crate) fn out_of_range(type_name: &str, number: &str) -> VectorError {
        VectorError::new(
            sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
            format!(
                "\"{}\" is out of range for type {type_name}",
                Quoted(number)
            ),
        )
    }

    pub(crate) fn overflow() -> VectorError {
        VectorError::new(
            sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
            "value out of range: overflow",
        )
    }

    pub(crate) fn underflow() -> VectorError {
        VectorError::new(
            sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
            "value out of range: underflow",
        )
    }
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for VectorError {}

/// A piece of a literal, cut to what a message may quote.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(QUOTED_CHARACTERS_MAX) {
            Some((cut, _)) => write!(f, "{}...", self.0.get(..cut).unwrap_or_default()),
            None => f.write_str(self.0),
        }
    }
}
