//! Errors about targets.

use datafusion::common::{DataFusionError, TableReference};
use ogive_vectors::VectorError;

/// What an error says of a table that cannot be changed.
pub(super) fn not_changeable(verb: &str, name: &impl std::fmt::Display) -> DataFusionError {
    let error = VectorError::new("0A000", format!("{verb} {name} is not supported")).with_hint(
        "Files and views are read in place. COPY (SELECT ..) TO 'another file' writes the rows that are to stay.",
    );
    DataFusionError::External(Box::new(error))
}

/// PostgreSQL's error about a column that a table does not have.
pub(super) fn no_column(column: &str, name: &TableReference) -> DataFusionError {
    DataFusionError::External(Box::new(VectorError::new(
        "42703",
        format!("column \"{column}\" of relation \"{name}\" does not exist"),
    )))
}
