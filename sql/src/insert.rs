//! `INSERT INTO t SELECT ..` where `t` has a `_row` column that nobody gives a value for.

use datafusion::common::TableReference;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Statement as SqlStatement, TableObject};
use ogive_table_providers::{ROW_COLUMN, VectorTable};

/// Names the columns of an `INSERT` that names none, `_row` left out; other statements and tables
/// stay as they are.
pub async fn name_columns(state: &SessionState, statement: DfStatement) -> Result<DfStatement> {
    let DfStatement::Statement(mut sql) = statement else {
        return Ok(statement);
    };
    if let SqlStatement::Insert(insert) = sql.as_mut()
        && insert.columns.is_empty()
        && let TableObject::TableName(name) = &insert.table
        && let Some(columns) = columns_without_row(state, name).await?
    {
        insert.columns = columns.into_iter().map(ObjectName::from).collect();
    }
    Ok(DfStatement::Statement(sql))
}

async fn columns_without_row(
    state: &SessionState,
    name: &ObjectName,
) -> Result<Option<Vec<Vec<Ident>>>> {
    let reference = TableReference::parse_str(&name.to_string());
    let table_name = reference.table().to_string();
    let Ok(schema) = state.schema_for_ref(reference) else {
        return Ok(None);
    };
    let Some(table) = schema.table(&table_name).await? else {
        return Ok(None);
    };
    if table.downcast_ref::<VectorTable>().is_none() {
        return Ok(None);
    }
    Ok(Some(
        table
            .schema()
            .fields()
            .iter()
            .filter(|field| field.name() != ROW_COLUMN)
            .map(|field| vec![Ident::with_quote('"', field.name())])
            .collect(),
    ))
}
