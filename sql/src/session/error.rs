//! What a client is told of an error beside its text.

use std::error::Error;

use datafusion::error::DataFusionError;
use ogive_table_providers::{is_damage, sqlstate_of};
use ogive_vectors::VectorError;

/// The longest message, in characters. Readers of JSON and CSV quote whole lines of a file, which may be megabytes.
const MESSAGE_CHARACTERS_MAX: usize = 2000;
/// What of a longer one says how much is missing.
const MESSAGE_CHARACTERS_KEPT: usize = 1900;

/// The parts of an error that PostgreSQL's protocol has fields for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFields {
    /// Five characters, as in PostgreSQL's appendix of error codes.
    pub sqlstate: &'static str,
    /// What happened.
    pub message: String,
    /// More of what happened.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl ErrorFields {
    /// The fields of an error: as pgvector and PostgreSQL give them where it is theirs; by kind
    /// where it is DataFusion's.
    pub fn of(error: &DataFusionError) -> Self {
        let mut is_damaged = false;
        let mut of_file = None;
        let mut source: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(found) = current.downcast_ref::<VectorError>() {
                return Self {
                    sqlstate: found.sqlstate(),
                    message: found.message().to_string(),
                    detail: found.detail().map(str::to_string),
                    hint: found.hint().map(str::to_string),
                };
            }
            is_damaged |= is_damage(current);
            of_file = of_file.or_else(|| sqlstate_of(current));
            source = match current.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
                Some(
                    DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner),
                ) => Some(inner.as_ref()),
                Some(DataFusionError::Shared(inner)) => Some(inner.as_ref()),
                Some(DataFusionError::Collection(errors)) => {
                    errors.first().map(|first| first as &(dyn Error + 'static))
                }
                _ => current.source(),
            };
        }
        let sqlstate = match (error.find_root(), of_file) {
            (_, Some(sqlstate)) => sqlstate,
            _ if is_damaged => "XX001",
            _ if is_null_refused(&error.to_string()) => "23502",
            (DataFusionError::SQL(_, _), None) => "42601",
            (DataFusionError::SchemaError(_, _), None) => "42703",
            (DataFusionError::Plan(_), None) => "42000",
            (DataFusionError::NotImplemented(_), None) => "0A000",
            (DataFusionError::ResourcesExhausted(_), None) => "53200",
            (DataFusionError::IoError(_) | DataFusionError::ObjectStore(_), None) => "58030",
            _ => "XX000",
        };
        Self {
            sqlstate,
            message: shortened(error.strip_backtrace()),
            detail: None,
            hint: None,
        }
    }
}

/// Whether an error of DataFusion's or Arrow's, which have no kind for it, is about a NULL in a column that is `NOT NULL`.
fn is_null_refused(message: &str) -> bool {
    const TEXTS: [&str; 2] = [
        "has null but schema specifies non-nullable",
        "is declared as non-nullable but contains null values",
    ];
    TEXTS.iter().any(|text| message.contains(text))
}

/// A message of at most 2,000 characters.
pub fn shortened(message: String) -> String {
    let characters = message.chars().count();
    if characters <= MESSAGE_CHARACTERS_MAX {
        return message;
    }
    let kept: String = message.chars().take(MESSAGE_CHARACTERS_KEPT).collect();
    let more = characters - MESSAGE_CHARACTERS_KEPT;
    format!("{kept} .. {more} more characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(shortened("ü".repeat(2000)), "ü".repeat(2000));
        let cut = shortened("ü".repeat(1_000_000));
        assert!(cut.chars().count() <= MESSAGE_CHARACTERS_MAX);
        assert!(cut.ends_with(".. 998100 more characters"), "{cut}");
    }
}
