//! `ATTACH`, `DETACH`, `USE`, `SHOW DATABASES`.
//!
//! ```text
//! ATTACH [DATABASE] [IF NOT EXISTS] 'notes.db' [AS notes] [(TYPE VAULT, READ_ONLY)]
//! DETACH [DATABASE] [IF EXISTS] notes
//! USE notes
//! ```

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{AttachDuckDBDatabaseOption, Statement as SqlStatement, Use};
use ogive_table_providers::{
    AttachOptions, AttachmentKind, OgiveOptions, SqliteTypes, attachment_kinds,
};
use ogive_vectors::VectorError;

use crate::catalog::{Catalogs, MAIN};
use crate::commands::settings::empty;
use crate::statement::normalized;

/// The catalogue that is there from the beginning, and its schema.
const OWN: (&str, &str) = ("datafusion", "public");

/// Runs such a statement; `None` for another.
///
/// # Errors
/// Nothing is at the path, or nothing that can be attached; the name is taken, or is not there.
pub(crate) async fn run(
    context: &SessionContext,
    catalogs: &Catalogs,
    statement: &SqlStatement,
) -> Result<Option<DataFrame>> {
    match statement {
        SqlStatement::AttachDuckDBDatabase {
            if_not_exists,
            database_path,
            database_alias,
            attach_options,
            ..
        } => {
            let path = &database_path.value;
            let name = match database_alias {
                Some(alias) => normalized(alias),
                None => stem(path),
            };
            let is_there = context.catalog(&name).is_some();
            if is_there && !if_not_exists {
                return Err(
                    error("42P04", format!("database \"{name}\" already exists"))
                        .with_hint(format!("ATTACH '{path}' AS another_name"))
                        .into(),
                );
            }
            if !is_there {
                let options = Options::of(attach_options)?;
                attach(context, catalogs, path, &name, options).await?;
            }
        }
        SqlStatement::DetachDuckDBDatabase {
            if_exists,
            database_alias,
            ..
        } => {
            let name = normalized(database_alias);
            let used = context
                .state_ref()
                .read()
                .config_options()
                .catalog
                .default_catalog
                .clone();
            if name == OWN.0 || name == used {
                let hint = match name == OWN.0 {
                    true => "It is the session's own.",
                    false => "USE datafusion lets go of it.",
                };
                return Err(error(
                    "55006",
                    format!("database \"{name}\" is in use and cannot be detached"),
                )
                .with_hint(hint)
                .into());
            }
            let is_attached = catalogs.attachment(&name).is_some();
            if is_attached {
                catalogs.detach(&name);
            } else if !if_exists {
                return Err(unknown(&name));
            }
        }
        SqlStatement::Use(Use::Object(name) | Use::Database(name) | Use::Catalog(name)) => {
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident().map(normalized))
                .collect();
            use_database(context, &parts)?;
        }
        SqlStatement::ShowDatabases { .. } => return databases(context, catalogs).map(Some),
        _ => return Ok(None),
    }
    empty(context).map(Some)
}

/// What `ATTACH` says in parentheses.
#[derive(Debug, Default)]
struct Options {
    kind: Option<String>,
    read_only: bool,
}

impl Options {
    fn of(given: &[AttachDuckDBDatabaseOption]) -> Result<Self> {
        let mut options = Self::default();
        for option in given {
            match option {
                AttachDuckDBDatabaseOption::ReadOnly(value) => {
                    options.read_only = value.unwrap_or(true);
                }
                AttachDuckDBDatabaseOption::Type(kind) => {
                    options.kind = Some(kind.value.to_lowercase());
                }
            }
        }
        Ok(options)
    }
}

/// Whether a file or folder is of a kind that is attached, and is no table.
pub(crate) fn is_attachable(path: &str) -> bool {
    attachment_kinds()
        .iter()
        .any(|kind| kind.is_by_path() && kind.is_own(Path::new(path)))
}

/// Attaches what is at a path under the name of its file.
///
/// # Errors
/// As `ATTACH`.
pub(crate) async fn attach_path(
    context: &SessionContext,
    catalogs: &Catalogs,
    path: &str,
) -> Result<String> {
    let name = stem(path);
    if context.catalog(&name).is_some() {
        return Err(error("42P04", format!("database \"{name}\" already exists")).into());
    }
    attach(context, catalogs, path, &name, Options::default()).await?;
    Ok(name)
}

async fn attach(
    context: &SessionContext,
    catalogs: &Catalogs,
    path: &str,
    name: &str,
    options: Options,
) -> Result<()> {
    let kinds = attachment_kinds();
    let on_disk = Path::new(path);
    let kind: &dyn AttachmentKind = match &options.kind {
        Some(wanted) => {
            let Some(kind) = kinds
                .iter()
                .find(|kind| kind.names().contains(&wanted.as_str()))
            else {
                let names: Vec<_> = kinds
                    .iter()
                    .flat_map(|kind| kind.names())
                    .copied()
                    .collect();
                return Err(error("22023", format!("ATTACH: there is no TYPE {wanted}"))
                    .with_hint(format!("There are: {}.", names.join(", ")))
                    .into());
            };
            *kind
        }
        None => {
            let is_there = on_disk.try_exists().unwrap_or(false);
            let fits = |kind: &&&dyn AttachmentKind| match is_there {
                true => kind.is_own(on_disk),
                false => !options.read_only && kind.is_new(on_disk),
            };
            match kinds.iter().find(fits) {
                Some(kind) => *kind,
                None if is_there => {
                    let known: Vec<_> = kinds.iter().map(|kind| kind.describe()).collect();
                    return Err(error(
                        "42809",
                        format!("ATTACH: '{path}' is not {}", known.join(", and not ")),
                    )
                    .with_hint("A file of vectors or rows needs no ATTACH: SELECT .. FROM 'path'.")
                    .into());
                }
                None => {
                    return Err(error("58P01", format!("ATTACH: there is no file '{path}'")).into());
                }
            }
        }
    };
    let settings = context
        .state_ref()
        .read()
        .config_options()
        .extensions
        .get::<OgiveOptions>()
        .cloned()
        .unwrap_or_default();
    let how = AttachOptions {
        read_only: options.read_only,
        busy_timeout_ms: settings.busy_timeout_ms as u64,
        code_cache: settings.code_cache.clone(),
    };
    let attachment = kind.open(on_disk, how).await?;
    attachment.set_sqlite_types(settings.sqlite_types());
    catalogs.attach(name, attachment);
    Ok(())
}

/// Tells what is attached of a setting that changed.
pub(crate) fn tell_settings(context: &SessionContext, catalogs: &Catalogs) {
    let types: SqliteTypes = context
        .state_ref()
        .read()
        .config_options()
        .extensions
        .get::<OgiveOptions>()
        .map_or_else(SqliteTypes::default, OgiveOptions::sqlite_types);
    for (_, attachment) in catalogs.attachments() {
        attachment.set_sqlite_types(types);
    }
}

fn use_database(context: &SessionContext, parts: &[String]) -> Result<()> {
    let (catalog, schema) = match parts {
        [catalog] => (catalog.as_str(), None),
        [catalog, schema] => (catalog.as_str(), Some(schema.as_str())),
        _ => return plan_err!("USE takes the name of a database, or of a schema in one"),
    };
    let Some(provider) = context.catalog(catalog) else {
        return Err(unknown(catalog));
    };
    let default = if catalog == OWN.0 { OWN.1 } else { MAIN };
    let schema = schema.unwrap_or(default);
    if provider.schema(schema).is_none() {
        return Err(error(
            "3F000",
            format!("schema \"{catalog}.{schema}\" does not exist"),
        )
        .with_hint(format!(
            "There are: {}.",
            provider.schema_names().join(", ")
        ))
        .into());
    }
    let state = context.state_ref();
    let mut state = state.write();
    let options = state.config_mut().options_mut();
    options.catalog.default_catalog = catalog.to_string();
    options.catalog.default_schema = schema.to_string();
    Ok(())
}

fn databases(context: &SessionContext, catalogs: &Catalogs) -> Result<DataFrame> {
    let mut names = context.catalog_names();
    names.sort();
    let attached: Vec<_> = names.iter().map(|name| catalogs.attachment(name)).collect();
    let of = |text: fn(&dyn ogive_table_providers::Attachment) -> String| -> ArrayRef {
        let texts = attached.iter().map(|a| a.as_deref().map(text));
        Arc::new(texts.collect::<StringArray>())
    };
    let read_only: BooleanArray = attached
        .iter()
        .map(|a| Some(a.as_ref().is_some_and(|a| a.is_read_only())))
        .collect();
    let rows = RecordBatch::try_from_iter([
        (
            "database_name",
            Arc::new(StringArray::from(names.clone())) as ArrayRef,
        ),
        ("type", of(|attachment| attachment.kind().to_string())),
        ("path", of(|attachment| attachment.path().to_string())),
        ("read_only", Arc::new(read_only)),
    ])?;
    context.read_batch(rows)
}

fn unknown(name: &str) -> DataFusionError {
    error("3D000", format!("database \"{name}\" does not exist"))
        .with_hint("SHOW DATABASES lists what is attached.")
        .into()
}

fn stem(path: &str) -> String {
    let stem = Path::new(path).file_stem();
    stem.map_or_else(
        || path.to_string(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

/// An error on its way.
struct Refusal(VectorError);

impl Refusal {
    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.with_hint(hint))
    }
}

impl From<Refusal> for DataFusionError {
    fn from(refusal: Refusal) -> Self {
        Self::External(Box::new(refusal.0))
    }
}

fn error(sqlstate: &'static str, message: String) -> Refusal {
    Refusal(VectorError::new(sqlstate, message))
}
