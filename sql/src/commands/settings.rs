//! `SET`, `SHOW`, `RESET`; `CREATE EXTENSION vector`.
//!
//! PostgreSQL's rules: `SET LOCAL` holds until the transaction block ends, and `SET` inside a block is
//! undone by `ROLLBACK` (see `transaction`).

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    ContextModifier, Expr, ObjectName, Set, Statement as SqlStatement, Value,
};
use ogive_table_providers::Warnings;
use ogive_vectors::VectorError;

use crate::settings::postgres_setting;

/// Settings that PostgreSQL knows without a prefix, and ours that they stand for.
const PLANNER_SETTINGS: &[(&str, &str)] = &[
    ("enable_seqscan", "ogive.enable_seqscan"),
    ("enable_indexscan", "ogive.enable_indexscan"),
];
/// The one setting of these that is a list.
const SEARCH_PATH: &str = "postgresql.search_path";
/// The prefixes whose names are checked and that `SHOW` answers as PostgreSQL does.
const PREFIXES: &[&str] = &["hnsw", "ivfflat", "ogive", "postgresql"];

/// A setting before it was changed.
#[derive(Debug)]
pub(crate) struct SettingBefore {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    /// Changed by `SET LOCAL`.
    pub(crate) local: bool,
}

/// The transaction block that settings are changed in, if one is open.
pub(crate) trait SettingsBlock {
    /// Whether one is.
    fn is_open(&self) -> bool;
    /// Takes down what a setting was.
    fn note_setting(&self, before: SettingBefore);
}

/// Runs a statement about the session; `None` when it is about something else.
pub async fn run(
    context: &SessionContext,
    block: &(dyn SettingsBlock + Sync),
    warnings: &Warnings,
    statement: &SqlStatement,
) -> Result<Option<DataFrame>> {
    match statement {
        SqlStatement::Set(Set::SingleAssignment {
            scope,
            variable,
            values,
            ..
        }) => {
            let name = setting_name(variable);
            let local = matches!(scope, Some(ContextModifier::Local));
            let ours = is_ours(&name);
            if !ours && !local && !block.is_open() {
                return Ok(None);
            }
            check_known(context, &name)?;
            if local && !block.is_open() {
                warnings.push("SET LOCAL can only be used in transaction blocks".to_string());
                return empty(context).map(Some);
            }
            let value = match values.as_slice() {
                [value] => text_of(value)?,
                several if name == SEARCH_PATH => {
                    let schemas = several.iter().map(text_of).collect::<Result<Vec<_>>>()?;
                    schemas.join(", ")
                }
                _ => return plan_err!("SET {name} takes one value"),
            };
            let before = value_of(context, &name);
            if value.eq_ignore_ascii_case("default") {
                assign(context, &name, &default_of(&name)?)?;
            } else {
                assign(context, &name, &value)?;
            }
            block.note_setting(SettingBefore {
                name,
                value: before,
                local,
            });
            empty(context).map(Some)
        }
        SqlStatement::ShowVariable { variable } => {
            let name = variable
                .iter()
                .map(|part| part.value.to_ascii_lowercase())
                .collect::<Vec<_>>()
                .join(".");
            if !is_ours(&name) {
                return Ok(None);
            }
            check_known(context, &actual(&name))?;
            let mut value = value_of(context, &actual(&name));
            if actual(&name).starts_with("ogive.") && actual(&name) != name {
                value = value.map(|value| if value == "true" { "on" } else { "off" }.to_string());
            }
            let schema = Arc::new(Schema::new(vec![Field::new(&name, DataType::Utf8, true)]));
            let column: ArrayRef = Arc::new(StringArray::from(vec![value]));
            let batch = RecordBatch::try_new(schema, vec![column])?;
            context.read_batch(batch).map(Some)
        }
        // The first line of every script for pgvector; what it adds is here already.
        SqlStatement::CreateExtension(create) => match create.name.value.as_str() {
            "vector" => empty(context).map(Some),
            other => Err(DataFusionError::External(Box::new(VectorError::new(
                "0A000",
                format!("extension \"{other}\" is not available"),
            )))),
        },
        _ => Ok(None),
    }
}

/// `RESET name` and `RESET ALL`; `None` for a setting of DataFusion's own.
pub fn reset(context: &SessionContext, variable: &ObjectName) -> Result<Option<DataFrame>> {
    let name = setting_name(variable);
    let names = if name == "all" {
        names(context)
    } else if is_ours(&name) {
        check_known(context, &name)?;
        vec![name]
    } else {
        return Ok(None);
    };
    for name in names {
        assign(context, &name, &default_of(&name)?)?;
    }
    empty(context).map(Some)
}

/// Puts settings back to what they were, the newest change first.
pub(crate) fn put_back(
    context: &SessionContext,
    changes: impl IntoIterator<Item = SettingBefore>,
) -> Result<()> {
    let mut changes: Vec<_> = changes.into_iter().collect();
    while let Some(change) = changes.pop() {
        if let Some(before) = &change.value {
            assign(context, &change.name, before)?;
        }
    }
    Ok(())
}

fn setting_name(variable: &ObjectName) -> String {
    let name = variable
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|part| part.value.to_ascii_lowercase())
        .collect::<Vec<_>>()
        .join(".");
    actual(&name)
}

fn actual(name: &str) -> String {
    PLANNER_SETTINGS
        .iter()
        .find(|(written, _)| *written == name)
        .map(|(_, ours)| (*ours).to_string())
        .or_else(|| postgres_setting(name))
        .unwrap_or_else(|| name.to_string())
}

fn is_ours(name: &str) -> bool {
    let name = actual(name);
    name.split_once('.')
        .is_some_and(|(prefix, _)| PREFIXES.contains(&prefix))
}

fn names(context: &SessionContext) -> Vec<String> {
    let state = context.state();
    state
        .config_options()
        .entries()
        .into_iter()
        .map(|entry| entry.key)
        .filter(|key| {
            key.split_once('.')
                .is_some_and(|(prefix, _)| PREFIXES.contains(&prefix))
        })
        .collect()
}

/// PostgreSQL's error for a name that does not exist under one of our prefixes, with the nearest.
fn check_known(context: &SessionContext, name: &str) -> Result<()> {
    if !is_ours(name) {
        return Ok(());
    }
    let known = names(context);
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    let mut error = VectorError::new(
        "42704",
        format!("unrecognized configuration parameter \"{name}\""),
    );
    let nearest = known.iter().min_by_key(|known| distance(known, name));
    if let Some(nearest) = nearest {
        error = error.with_hint(format!("Perhaps you meant \"{nearest}\"."));
    }
    Err(DataFusionError::External(Box::new(error)))
}

fn value_of(context: &SessionContext, name: &str) -> Option<String> {
    let state = context.state();
    let mut entries = state.config_options().entries().into_iter();
    entries.find(|entry| entry.key == name)?.value
}

fn default_of(name: &str) -> Result<String> {
    let fresh = crate::settings::default_options();
    let entry = fresh.entries().into_iter().find(|entry| entry.key == name);
    match entry.and_then(|entry| entry.value) {
        Some(value) => Ok(value),
        None => plan_err!("{name} has no default"),
    }
}

fn assign(context: &SessionContext, name: &str, value: &str) -> Result<()> {
    let state = context.state_ref();
    let mut state = state.write();
    state.config_mut().options_mut().set(name, value)
}

/// The value as it was written, without quotes.
fn text_of(value: &Expr) -> Result<String> {
    Ok(match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) => word.value.clone(),
        Expr::UnaryOp { .. } => value.to_string().replace(' ', ""),
        other => return plan_err!("{other} is not a value for a setting"),
    })
}

/// No rows.
pub(crate) fn empty(context: &SessionContext) -> Result<DataFrame> {
    context
        .read_empty()
        .and_then(|frame| frame.limit(0, Some(0)))
}

/// Edits between two names (Levenshtein 1966).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
