//! Files as tables, for work that is done through SQL.

use std::path::Path;

use datafusion::arrow::datatypes::Schema;
use ogive::{Session, SessionBuilder};

use crate::cli::error::{Failure, Result};
use crate::cli::vectors::is_bare_numbers;

/// The row number that files without names for their rows get; it is no part of them.
pub const ROW_COLUMN: &str = "_row";

/// A session that reads the rows of files in their order, and the schema of the file.
pub async fn open_in_order(name: &str) -> Result<(Session, Schema)> {
    if !name.contains("://") && !Path::new(name).exists() && !name.contains(['*', '?', '[']) {
        return Err(Failure::about(name, "no such file or directory"));
    }
    // With one partition there is one reader, from front to back.
    let session = SessionBuilder::new().with_target_partitions(1).build()?;
    if is_bare_numbers(name) {
        // Else the first row would be taken for names.
        session
            .sql("SET datafusion.catalog.has_header = false")
            .await?;
    }
    let frame = session
        .sql(&format!("SELECT * FROM {}", quote_text(name)))
        .await?;
    let schema = frame.schema().as_arrow().clone();
    Ok((session, schema))
}

/// The columns that are the file's own, as a list for SELECT.
pub fn own_columns(schema: &Schema) -> String {
    let names: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| field.name() != ROW_COLUMN)
        .map(|field| quote_name(field.name()))
        .collect();
    names.join(", ")
}

/// As a string in SQL.
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// As a name in SQL.
pub fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
