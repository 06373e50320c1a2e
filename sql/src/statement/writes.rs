//! `INSERT`, `UPDATE` and `TRUNCATE`: columns that nobody names, and values for columns of pgvector's types.
//!
//! Columns that a table computes itself (`_row`, `decoded`) are left out where nobody names them. DataFusion checks that what is
//! inserted can be cast to the table's columns before any rule could turn `'[1,2,3]'` into a
//! vector, so that is done here, in the statement:
//!
//! ```text
//! INSERT INTO t VALUES (1, '[1,2,3]')   =>  INSERT INTO t VALUES (1, to_vector('[1,2,3]', 3))
//! INSERT INTO t SELECT ..               =>  INSERT INTO t SELECT id, to_vector(v, 3) FROM (SELECT ..) AS "inserted"(id, v)
//! INSERT INTO t VALUES (1, DEFAULT)     =>  INSERT INTO t VALUES (1, <the column's default, or NULL>)
//! UPDATE t SET v = '[1,2,3]'            =>  UPDATE t SET v = to_vector('[1,2,3]', 3)
//! TRUNCATE t                            =>  DELETE FROM t          a table whose rows can be changed, which knows no other way
//! ```

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr as LogicalExpr;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, Ident, Insert, ObjectName, Parens, Query, SetExpr,
    Statement as SqlStatement, TableFactor, TableObject, TruncateIdentityOption, Update, Value,
};
use datafusion::sql::unparser::expr_to_sql;
use ogive_table_providers::{insert_columns, row_store, takes_vector_texts};
use ogive_udfs::{SqlVectorType, to_type_udf};
use ogive_vectors::VectorError;

use crate::parser::{parse_expression, parse_query, parse_statement};
use crate::statement::values::is_default;

/// A statement that changes a table made ready for DataFusion, under `EXPLAIN` and `PREPARE` too; other statements and
/// tables stay as they are.
pub async fn prepare_write(
    state: &SessionState,
    mut statement: DfStatement,
) -> Result<DfStatement> {
    // What is explained does not run, and a NULL that would be refused has a plan.
    let runs = !matches!(statement, DfStatement::Explain(_));
    match changing(&mut statement) {
        Some(SqlStatement::Insert(insert)) => prepare_insert(state, insert, runs).await?,
        Some(SqlStatement::Update(update)) => prepare_update(state, update).await?,
        Some(sql) => {
            if let Some(delete) = as_delete(state, sql).await? {
                *sql = delete;
            }
        }
        None => {}
    }
    Ok(statement)
}

/// The statement itself, or the one that it explains or prepares.
pub(crate) fn changing(statement: &mut DfStatement) -> Option<&mut SqlStatement> {
    match statement {
        DfStatement::Statement(sql) => match sql.as_mut() {
            SqlStatement::Prepare { statement, .. } => Some(statement.as_mut()),
            sql => Some(sql),
        },
        DfStatement::Explain(explain) => changing(&mut explain.statement),
        _ => None,
    }
}

/// `TRUNCATE` of one table whose rows can be changed.
async fn as_delete(state: &SessionState, sql: &SqlStatement) -> Result<Option<SqlStatement>> {
    let SqlStatement::Truncate(truncate) = sql else {
        return Ok(None);
    };
    let ([target], None | Some(TruncateIdentityOption::Continue)) =
        (truncate.table_names.as_slice(), &truncate.identity)
    else {
        return Ok(None);
    };
    match table_of(state, &target.name).await? {
        Some(table) if row_store(&table).is_some() => {
            parse_statement(&format!("DELETE FROM {}", target.name)).map(Some)
        }
        _ => Ok(None),
    }
}

async fn prepare_update(state: &SessionState, update: &mut Update) -> Result<()> {
    let TableFactor::Table { name, .. } = &update.table.relation else {
        return Ok(());
    };
    let Some(table) = table_of(state, name).await? else {
        return Ok(());
    };
    for assignment in &mut update.assignments {
        if let AssignmentTarget::ColumnName(column) = &assignment.target
            && let Some(column) = column.0.last().and_then(|part| part.as_ident())
        {
            cast_assignment(&table, &normalized(column), &mut assignment.value)?;
        }
    }
    Ok(())
}

/// A value for a column of pgvector's types as one of that type.
///
/// # Errors
/// The type does not parse.
pub(crate) fn cast_assignment(
    table: &Arc<dyn TableProvider>,
    column: &str,
    value: &mut Expr,
) -> Result<()> {
    if let Some(cast) = cast_to(table, column)
        && takes_cast(value)
    {
        *value = cast.of(value)?;
    }
    Ok(())
}

async fn prepare_insert(state: &SessionState, insert: &mut Insert, runs: bool) -> Result<()> {
    if let TableObject::TableName(name) = &insert.table
        && let Some(table) = table_of(state, name).await?
    {
        if insert.columns.is_empty()
            && let Some(columns) = insert_columns(&table)
        {
            insert.columns = columns
                .into_iter()
                .map(|name| ObjectName::from(vec![Ident::with_quote('"', name)]))
                .collect();
        }
        let targets = targets(insert, &table);
        if let Some(source) = &mut insert.source
            && let SetExpr::Values(values) = source.body.as_mut()
        {
            put_defaults(&mut values.rows, &targets, table.as_ref())?;
            if runs {
                refuse_nulls(&values.rows, &targets, table.as_ref(), name)?;
            }
        }
        if targets.iter().any(|(_, cast)| cast.is_some())
            && let Some(source) = &mut insert.source
        {
            cast_values(source, &targets)?;
        }
    }
    Ok(())
}

/// What columns get that are set to `DEFAULT`: NULL where they have none.
fn put_defaults(
    rows: &mut [Parens<Vec<Expr>>],
    targets: &[(Ident, Option<Cast>)],
    table: &dyn TableProvider,
) -> Result<()> {
    for row in rows {
        for (value, (column, _)) in row.iter_mut().zip(targets) {
            if is_default(value) {
                *value = default_of(table, &normalized(column))?;
            }
        }
    }
    Ok(())
}

fn default_of(table: &dyn TableProvider, column: &str) -> Result<Expr> {
    let mut default = table.get_column_default(column);
    // A vector's text is cast to the column's type like any other.
    while let Some(LogicalExpr::Cast(cast)) = default
        && cast.field.data_type().is_nested()
    {
        default = Some(cast.expr.as_ref());
    }
    match default {
        None => Ok(Expr::Value(Value::Null.with_empty_span())),
        Some(default) => parse_expression(&expr_to_sql(default)?.to_string()),
    }
}

/// DataFusion makes rows with a NULL written out before it could be checked.
fn refuse_nulls(
    rows: &[Parens<Vec<Expr>>],
    targets: &[(Ident, Option<Cast>)],
    table: &dyn TableProvider,
    name: &ObjectName,
) -> Result<()> {
    let schema = table.schema();
    for (index, (column, _)) in targets.iter().enumerate() {
        let column = normalized(column);
        let is_null = |row: &Parens<Vec<Expr>>| matches!(row.get(index), Some(Expr::Value(value)) if value.value == Value::Null);
        if let Ok(field) = schema.field_with_name(&column)
            && !field.is_nullable()
            && rows.iter().any(is_null)
        {
            let reference = reference_of(name);
            return Err(DataFusionError::External(Box::new(VectorError::new(
                "23502",
                format!(
                    "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
                    reference.table()
                ),
            ))));
        }
    }
    Ok(())
}

/// A name as the catalogues look it up; a path in quotes is one part.
pub(crate) fn reference_of(name: &ObjectName) -> TableReference {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map_or_else(|| part.to_string(), normalized))
        .collect();
    match parts.as_slice() {
        [catalog, schema, table] => {
            TableReference::full(catalog.as_str(), schema.as_str(), table.as_str())
        }
        [schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
        _ => TableReference::bare(parts.join(".")),
    }
}

/// The table of a name, if there is one.
pub(crate) async fn table_of(
    state: &SessionState,
    name: &ObjectName,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let reference = reference_of(name);
    let table_name = reference.table().to_string();
    match state.schema_for_ref(reference) {
        Ok(schema) => schema.table(&table_name).await,
        Err(_) => Ok(None),
    }
}

/// The columns that are inserted into, in order, with the cast of those of a vector type.
fn targets(insert: &Insert, table: &Arc<dyn TableProvider>) -> Vec<(Ident, Option<Cast>)> {
    if insert.columns.is_empty() {
        let quoted = |name| (Ident::with_quote('"', name), cast_to(table, name));
        let schema = table.schema();
        return schema
            .fields()
            .iter()
            .map(|field| quoted(field.name()))
            .collect();
    }
    insert
        .columns
        .iter()
        .filter_map(|column| column.0.last()?.as_ident().cloned())
        .map(|ident| {
            let cast = cast_to(table, &normalized(&ident));
            (ident, cast)
        })
        .collect()
}

/// A name as tables have it.
pub(crate) fn normalized(column: &Ident) -> String {
    match column.quote_style {
        Some(_) => column.value.clone(),
        None => column.value.to_lowercase(),
    }
}

/// The cast to the type of a column, if that is a vector type.
fn cast_to(table: &Arc<dyn TableProvider>, column: &str) -> Option<Cast> {
    let schema = table.schema();
    let field = schema.field_with_name(column).ok()?;
    if let Some(length) = takes_vector_texts(table, column) {
        return Some(Cast {
            function: to_type_udf(SqlVectorType::Vector).name().to_string(),
            length: Some(length),
        });
    }
    let kind = SqlVectorType::of(field)?;
    Some(Cast {
        function: to_type_udf(kind).name().to_string(),
        length: kind.length_of(field),
    })
}

/// Whether a value is neither NULL nor the word `DEFAULT`.
fn takes_cast(value: &Expr) -> bool {
    match value {
        Expr::Value(value) => value.value != Value::Null,
        _ => !is_default(value),
    }
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
                // A NULL too: all values of a column are to be of one type.
                if let Some(cast) = cast
                    && !is_default(value)
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
        && let TableFactor::Derived { subquery, .. } = &mut from.relation
    {
        std::mem::swap(subquery, source);
        *source = parsed;
    }
    Ok(())
}
