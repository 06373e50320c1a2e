//! Errors about targets.

use datafusion::common::{DataFusionError, SchemaError, TableReference};
use ogive_table_providers::ROW_ID;
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

/// An error of planning, whose list of the columns that there are does not name the row id that a change is planned with.
pub(crate) fn without_row_id(error: DataFusionError) -> DataFusionError {
    match error {
        DataFusionError::SchemaError(inner, backtrace) => {
            let inner = match *inner {
                SchemaError::FieldNotFound {
                    field,
                    mut valid_fields,
                } => {
                    valid_fields.retain(|column| column.name != ROW_ID);
                    SchemaError::FieldNotFound {
                        field,
                        valid_fields,
                    }
                }
                other => other,
            };
            DataFusionError::SchemaError(Box::new(inner), backtrace)
        }
        DataFusionError::Diagnostic(diagnostic, inner) => {
            DataFusionError::Diagnostic(diagnostic, Box::new(without_row_id(*inner)))
        }
        DataFusionError::Context(text, inner) => {
            DataFusionError::Context(text, Box::new(without_row_id(*inner)))
        }
        DataFusionError::Collection(errors) => {
            DataFusionError::Collection(errors.into_iter().map(without_row_id).collect())
        }
        other => other,
    }
}
