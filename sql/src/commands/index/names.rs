//! Names of tables and indexes, and PostgreSQL's errors about them.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference, not_impl_err};
use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::ObjectName;
use ogive_vectors::VectorError;

use crate::statement::normalized;

/// The table of a name, or PostgreSQL's error.
pub(super) async fn named_table(
    state: &SessionState,
    reference: &TableReference,
) -> Result<Arc<dyn TableProvider>> {
    let schema = state.schema_for_ref(reference.clone())?;
    let table = schema.table(reference.table()).await?;
    table.ok_or_else(|| {
        refused(
            "42P01",
            format!("relation \"{reference}\" does not exist"),
            "A file is named in quotes: 'docs.cvc'.",
        )
    })
}

pub(super) fn reference(name: &ObjectName) -> Result<TableReference> {
    let parts: Option<Vec<String>> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(normalized))
        .collect();
    match parts.as_deref() {
        Some([table]) => Ok(TableReference::bare(table.as_str())),
        Some([schema, table]) => Ok(TableReference::partial(schema.as_str(), table.as_str())),
        Some([catalog, schema, table]) => Ok(TableReference::full(
            catalog.as_str(),
            schema.as_str(),
            table.as_str(),
        )),
        _ => not_impl_err!("{name} as the name of a table"),
    }
}

pub(super) fn last_part(name: &ObjectName) -> Result<String> {
    let part = name.0.last().and_then(|part| part.as_ident());
    match part {
        Some(part) => Ok(normalized(part)),
        None => not_impl_err!("{name} as the name of an index"),
    }
}

pub(super) fn unknown(name: &str) -> DataFusionError {
    refused(
        "42704",
        format!("index \"{name}\" does not exist"),
        "SHOW INDEXES lists those of this session's tables and of the current directory; of other files, SHOW INDEXES FROM 'path', REINDEX TABLE 'path', DROP INDEX name ON 'path'.",
    )
}

pub(super) fn refused(sqlstate: &'static str, message: String, hint: &str) -> DataFusionError {
    DataFusionError::External(Box::new(
        VectorError::new(sqlstate, message).with_hint(hint),
    ))
}
