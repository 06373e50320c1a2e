//! Tables made and dropped in what is attached, and `CHECKPOINT`, `VACUUM`, `ANALYZE`, `REFRESH` of it.
//!
//! ```text
//! CREATE TABLE notes.kv.sessions (key BYTEA, value BYTEA)
//! CREATE TABLE notes.vectors.docs (id BIGINT, vector vector(384), value BYTEA) WITH (metric = 'cosine')
//! DROP TABLE IF EXISTS notes.kv.sessions
//! CHECKPOINT notes
//! ```

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result, not_impl_err, plan_err};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    CreateTable, CreateTableOptions, Expr, Ident, ObjectName, ObjectType, SqlOption,
    Statement as SqlStatement, Value,
};
use ogive_table_providers::{Attachment, Maintenance, NewColumn, NewTable};
use ogive_vectors::VectorError;

use crate::catalog::{Catalogs, MAIN};
use crate::commands::settings::empty;
use crate::commands::transaction::Transaction;
use crate::parser::{CHECKPOINT, REFRESH};
use crate::statement::normalized;

/// Runs such a statement; `None` for one about something else.
///
/// # Errors
/// What the attached file says.
pub(crate) async fn run(
    context: &SessionContext,
    catalogs: &Catalogs,
    transaction: &Transaction,
    statement: &SqlStatement,
) -> Result<Option<DataFrame>> {
    match statement {
        SqlStatement::CreateTable(create) => {
            let Some((attachment, schema, name)) = place(context, catalogs, &create.name) else {
                return Ok(None);
            };
            let table = new_table(create, schema, name)?;
            transaction.begin_in(attachment.as_ref()).await?;
            attachment.create_table(table).await?;
        }
        SqlStatement::Drop {
            object_type: ObjectType::Table | ObjectType::View,
            if_exists,
            names,
            ..
        } => {
            let places: Vec<_> = names
                .iter()
                .filter_map(|name| place(context, catalogs, name))
                .collect();
            if places.is_empty() {
                return Ok(None);
            }
            if places.len() != names.len() {
                return plan_err!("DROP TABLE drops tables of one database at a time");
            }
            for (attachment, schema, name) in places {
                transaction.begin_in(attachment.as_ref()).await?;
                if !attachment.drop_table(&schema, &name).await? && !if_exists {
                    return Err(DataFusionError::External(Box::new(VectorError::new(
                        "42P01",
                        format!("table \"{schema}.{name}\" does not exist"),
                    ))));
                }
            }
        }
        SqlStatement::Vacuum(vacuum) => {
            let Some(name) = &vacuum.table_name else {
                return Ok(None);
            };
            return maintain(context, catalogs, name, Maintenance::Vacuum).await;
        }
        SqlStatement::Analyze(analyze) => {
            let Some(name) = &analyze.table_name else {
                return Ok(None);
            };
            return maintain(context, catalogs, name, Maintenance::Analyze).await;
        }
        SqlStatement::Pragma {
            name,
            value: Some(value),
            ..
        } => {
            let maintenance = match name.to_string().as_str() {
                CHECKPOINT => Maintenance::Checkpoint,
                REFRESH => Maintenance::Refresh,
                _ => return Ok(None),
            };
            let Value::SingleQuotedString(database) = &value.value else {
                return Ok(None);
            };
            let database = ObjectName::from(vec![Ident::with_quote('"', database)]);
            return maintain(context, catalogs, &database, maintenance).await;
        }
        _ => return Ok(None),
    }
    empty(context).map(Some)
}

async fn maintain(
    context: &SessionContext,
    catalogs: &Catalogs,
    name: &ObjectName,
    maintenance: Maintenance,
) -> Result<Option<DataFrame>> {
    let [part] = name.0.as_slice() else {
        return Ok(None);
    };
    let Some(database) = part.as_ident().map(normalized) else {
        return Ok(None);
    };
    let Some(attachment) = catalogs.attachment(&database) else {
        return Err(DataFusionError::External(Box::new(
            VectorError::new("3D000", format!("database \"{database}\" does not exist")).with_hint(
                format!(
                    "{} takes the name of an attached database; SHOW DATABASES lists them.",
                    maintenance.name()
                ),
            ),
        )));
    };
    attachment.maintain(maintenance).await?;
    empty(context).map(Some)
}

/// The attachment, schema and table that a name means, if it is in one.
fn place(
    context: &SessionContext,
    catalogs: &Catalogs,
    name: &ObjectName,
) -> Option<(Arc<dyn Attachment>, String, String)> {
    let parts: Option<Vec<String>> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(normalized))
        .collect();
    let state = context.state_ref();
    let state = state.read();
    let defaults = &state.config_options().catalog;
    match parts?.as_slice() {
        [catalog, schema, table] => {
            Some((catalogs.attachment(catalog)?, schema.clone(), table.clone()))
        }
        [first, table] => match catalogs.attachment(&defaults.default_catalog) {
            Some(used) if used.schema(first).is_some() => {
                Some((used, first.clone(), table.clone()))
            }
            _ => Some((catalogs.attachment(first)?, MAIN.to_string(), table.clone())),
        },
        [table] => Some((
            catalogs.attachment(&defaults.default_catalog)?,
            defaults.default_schema.clone(),
            table.clone(),
        )),
        _ => None,
    }
}

fn new_table(create: &CreateTable, schema: String, name: String) -> Result<NewTable> {
    if create.query.is_some() {
        return not_impl_err!(
            "CREATE TABLE {} AS a query: CREATE TABLE with its columns, then INSERT INTO it",
            create.name
        );
    }
    if create.or_replace || create.temporary {
        return not_impl_err!("CREATE OR REPLACE and TEMPORARY of {}", create.name);
    }
    let columns = create
        .columns
        .iter()
        .map(|column| NewColumn {
            name: normalized(&column.name),
            data_type: column.data_type.to_string().to_lowercase(),
        })
        .collect();
    let mut parts: Vec<String> = create.columns.iter().map(ToString::to_string).collect();
    parts.extend(create.constraints.iter().map(ToString::to_string));
    let given = match &create.table_options {
        CreateTableOptions::None => &[][..],
        CreateTableOptions::With(options) | CreateTableOptions::Options(options) => options,
        other => return not_impl_err!("CREATE TABLE {} with {other}", create.name),
    };
    let mut options = Vec::with_capacity(given.len());
    for option in given {
        match option {
            SqlOption::KeyValue {
                key,
                value: Expr::Value(value),
            } => {
                let text = match &value.value {
                    Value::SingleQuotedString(text) => text.clone(),
                    other => other.to_string(),
                };
                options.push((key.value.to_lowercase(), text));
            }
            other => {
                return plan_err!(
                    "CREATE TABLE {}: expected name = 'value', found {other}",
                    create.name
                );
            }
        }
    }
    Ok(NewTable {
        schema,
        name,
        columns,
        definition: parts.join(", "),
        options,
        if_not_exists: create.if_not_exists,
    })
}
