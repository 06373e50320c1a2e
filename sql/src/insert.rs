//! `INSERT`: columns that nobody names, and values for columns of pgvector's types.
//!
//! A `_row` column that nobody gives a value for is left out. DataFusion checks that what is
//! inserted can be cast to the table's columns before any rule could turn `'[1,2,3]'` into a
//! vector, so that is done here, in the statement:
//!
//! ```text
//! INSERT INTO t VALUES (1, '[1,2,3]')   =>  INSERT INTO t VALUES (1, to_vector('[1,2,3]', 3))
//! INSERT INTO t SELECT ..               =>  INSERT INTO t SELECT id, to_vector(v, 3) FROM (SELECT ..) AS "inserted"(id, v)
//! ```

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Insert, ObjectName, Query, SetExpr, Statement as SqlStatement, TableObject, Value,
};
use ogive_table_providers::{ROW_COLUMN, VectorTable};
use ogive_udfs::{SqlVectorType, to_type_udf};

use crate::parser::{parse_expression, parse_query};

/// An `INSERT` made ready for DataFusion, under `EXPLAIN` and `PREPARE` too; other statements and tables stay as they are.
pub async fn prepare_insert(
    state: &SessionState,
    mut statement: DfStatement,
) -> Result<DfStatement> {
    if let Some(insert) = insert_of(&mut statement)
        && let TableObject::TableName(name) = &insert.table
        && let Some(table) = table(state, name).await?
    {
        if insert.columns.is_empty() && table.is::<VectorTable>() {
            insert.columns = columns_without_row(&table)
                .into_iter()
                .map(ObjectName::from)
                .collect();
        }
        let targets = targets(insert, &table);
        if targets.iter().any(|(_, cast)| cast.is_some())
            && let Some(source) = &mut insert.source
        {
            cast_values(source, &targets)?;
        }
    }
    Ok(statement)
}

fn insert_of(statement: &mut DfStatement) -> Option<&mut Insert> {
    match statement {
        DfStatement::Statement(sql) => match sql.as_mut() {
            SqlStatement::Insert(insert) => Some(insert),
            SqlStatement::Prepare { statement, .. } => match statement.as_mut() {
                SqlStatement::Insert(insert) => Some(insert),
                _ => None,
            },
            _ => None,
        },
        DfStatement::Explain(explain) => insert_of(&mut explain.statement),
        _ => None,
    }
}

async fn table(state: &SessionState, name: &ObjectName) -> Result<Option<Arc<dyn TableProvider>>> {
    let reference = TableReference::parse_str(&name.to_string());
    let table_name = reference.table().to_string();
    match state.schema_for_ref(reference) {
        Ok(schema) => schema.table(&table_name).await,
        Err(_) => Ok(None),
    }
}

fn columns_without_row(table: &Arc<dyn TableProvider>) -> Vec<Vec<Ident>> {
    table
        .schema()
        .fields()
        .iter()
        .filter(|field| field.name() != ROW_COLUMN)
        .map(|field| vec![Ident::with_quote('"', field.name())])
        .collect()
}

/// The columns that are inserted into, in order, with the cast of those of a vector type.
fn targets(insert: &Insert, table: &Arc<dyn TableProvider>) -> Vec<(Ident, Option<Cast>)> {
    let schema = table.schema();
    let cast = |name: &str| {
        let field = schema.field_with_name(name).ok()?;
        let kind = SqlVectorType::of(field)?;
        Some(Cast {
            function: to_type_udf(kind).name().to_string(),
            length: kind.length_of(field),
        })
    };
    if insert.columns.is_empty() {
        return schema
            .fields()
            .iter()
            .map(|field| (Ident::with_quote('"', field.name()), cast(field.name())))
            .collect();
    }
    insert
        .columns
        .iter()
        .filter_map(|column| column.0.last()?.as_ident().cloned())
        .map(|ident| {
            let name = match ident.quote_style {
                Some(_) => ident.value.clone(),
                None => ident.value.to_lowercase(),
            };
            let cast = cast(&name);
            (ident, cast)
        })
        .collect()
}

struct Cast {
    function: String,
    length: Option<usize>,
}

impl Cast {
    fn of(&self, expr: &Expr) -> Result<Expr> {
        let length = self
            .length
            .map_or_else(String::new, |length| format!(", {length}"));
        parse_expression(&format!("{}({expr}{length})", self.function))
    }
}

fn cast_values(source: &mut Box<Query>, targets: &[(Ident, Option<Cast>)]) -> Result<()> {
    if let SetExpr::Values(values) = source.body.as_mut() {
        for row in &mut values.rows {
            for (value, (_, cast)) in row.iter_mut().zip(targets) {
                let is_default = matches!(value, Expr::Identifier(word) if word.value.eq_ignore_ascii_case("default"));
                let is_null = matches!(value, Expr::Value(value) if value.value == Value::Null);
                if let Some(cast) = cast
                    && !is_default
                    && !is_null
                {
                    *value = cast.of(value)?;
                }
            }
        }
        return Ok(());
    }
    let columns = targets
        .iter()
        .map(|(column, cast)| match cast {
            None => Ok(column.to_string()),
            Some(cast) => Ok(cast.of(&Expr::Identifier(column.clone()))?.to_string()),
        })
        .collect::<Result<Vec<_>>>()?
        .join(", ");
    let names = targets
        .iter()
        .map(|(column, _)| column.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let text = format!("SELECT {columns} FROM (SELECT 1) AS \"inserted\"({names})");
    let mut parsed = parse_query(&text)?;
    if let SetExpr::Select(select) = parsed.body.as_mut()
        && let Some(from) = select.from.first_mut()
        && let datafusion::sql::sqlparser::ast::TableFactor::Derived { subquery, .. } =
            &mut from.relation
    {
        std::mem::swap(subquery, source);
        *source = parsed;
    }
    Ok(())
}
