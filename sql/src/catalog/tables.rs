//! Tables out of paths: `CREATE EXTERNAL TABLE` and `FROM 'path'`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Weak};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{
    DynamicFileCatalog, Session, TableProvider, TableProviderFactory, UrlTableFactory,
};
use datafusion::common::{
    TableReference, exec_datafusion_err, internal_err, plan_datafusion_err, plan_err,
};
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory};
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::provider::DefaultTableFactory;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::CreateExternalTable;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{ObjectName, ObjectNamePart};
use object_store::{ObjectMeta, ObjectStore};
use ogive_table_providers::{
    FileKind, ROW_COLUMN, file_table, infer_partitions, is_pattern, list_files, listing_url,
    refuse_empty_file,
};
use parking_lot::RwLock;

/// `CREATE EXTERNAL TABLE .. STORED AS ..` for every format.
///
/// DataFusion's own factory reads locations its way: what a pattern means, which names are patterns, and that a location
/// with a `#` ends there.
#[derive(Debug, Default)]
pub struct FileTableFactory {
    default: DefaultTableFactory,
}

#[async_trait]
impl TableProviderFactory for FileTableFactory {
    async fn create(
        &self,
        state: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        if command.unbounded {
            return self.default.create(state, command).await;
        }
        create_external(state, command).await
    }
}

async fn create_external(
    state: &dyn Session,
    command: &CreateExternalTable,
) -> Result<Arc<dyn TableProvider>> {
    let Some(session) = state.as_any().downcast_ref::<SessionState>() else {
        return internal_err!("external tables are made by a session of DataFusion");
    };
    let format = format_factory(session, &command.file_type)?.create(session, &command.options)?;
    let kind = FileKind::from_extension(&command.file_type);
    let locations = Locations::read(state, command, kind).await?;
    let declared = with_row_column(command, kind)?;
    let mut options = ListingOptions::new(Arc::clone(&format))
        .with_file_extension("")
        .with_file_sort_order(command.order_exprs.clone());
    let is_declared = !declared.fields().is_empty();
    let (schema, partitions) = if is_declared {
        locations.create_directories();
        split_partitions(&declared, &command.table_partition_cols)?
    } else {
        // Of a directory, the files that are called like the format's.
        let by_name = locations
            .are_directories()
            .then(|| extension_of(&format, command));
        options = options.with_file_extension(by_name.unwrap_or_default());
        locations.infer(state, &options, command).await?
    };
    let columns = schema.fields().iter().map(|field| field.name().clone());
    let columns: Vec<String> = columns.collect();
    for sort in command.order_exprs.iter().flatten() {
        for column in sort.expr.column_refs() {
            if !columns.contains(&column.name) {
                return plan_err!("Column {column} is not in schema");
            }
        }
    }
    let config = ListingTableConfig::new_with_multi_paths(locations.urls)
        .with_listing_options(options.with_table_partition_cols(partitions))
        .with_schema(schema);
    let table = ListingTable::try_new(config)?
        .with_definition(command.definition.clone())
        .with_constraints(command.constraints.clone())
        .with_column_defaults(command.column_defaults.clone());
    Ok(file_table(table, is_declared))
}

/// What the locations of a table stand for.
struct Locations {
    store: Arc<dyn ObjectStore>,
    urls: Vec<ListingTableUrl>,
    /// Of each, what lies there now.
    files: Vec<Vec<ObjectMeta>>,
}

impl Locations {
    async fn read(
        state: &dyn Session,
        command: &CreateExternalTable,
        kind: Option<FileKind>,
    ) -> Result<Self> {
        let urls = command
            .locations
            .iter()
            .map(|location| Ok(listing_url(location)?.with_table_ref(command.name.clone())))
            .collect::<Result<Vec<_>>>()?;
        let Some(first) = urls.first() else {
            return plan_err!("CREATE EXTERNAL TABLE needs a location");
        };
        for (index, url) in urls.iter().enumerate() {
            if url.object_store() != first.object_store() {
                return plan_err!(
                    "the locations of one table must lie in one store, found '{}' and '{}'",
                    first.object_store().as_str(),
                    url.object_store().as_str()
                );
            }
            if urls.iter().take(index).any(|other| other == url) {
                return plan_err!(
                    "Duplicate location '{}' in CREATE EXTERNAL TABLE",
                    url.as_str()
                );
            }
        }
        let store = state.runtime_env().object_store(first)?;
        let mut files = Vec::new();
        for url in &urls {
            let is_named = !url.is_collection() && url.get_glob().is_none();
            let listed = list_files(&store, url).await?;
            for file in &listed {
                refuse_empty_file(&store, file, kind.filter(|_| is_named)).await?;
            }
            files.push(listed);
        }
        Ok(Self { store, urls, files })
    }

    fn are_directories(&self) -> bool {
        self.urls
            .iter()
            .all(|url| url.is_collection() && url.get_glob().is_none())
    }

    /// A table that is declared over a directory has one from now on: that it is gone later is an error.
    fn create_directories(&self) {
        for url in &self.urls {
            if url.scheme() == "file"
                && url.is_collection()
                && url.get_glob().is_none()
                && let Ok(path) = url.get_url().to_file_path()
                && let Err(error) = std::fs::create_dir_all(&path)
            {
                log::warn!("cannot create {}: {error}", path.display());
            }
        }
    }

    /// The columns of the files, which must have the same, and those of the partitions.
    async fn infer(
        &self,
        state: &dyn Session,
        options: &ListingOptions,
        command: &CreateExternalTable,
    ) -> Result<(SchemaRef, Vec<(String, DataType)>)> {
        let mut first: Option<(SchemaRef, Vec<String>, &str)> = None;
        for ((url, files), location) in self.urls.iter().zip(&self.files).zip(&command.locations) {
            let files: Vec<ObjectMeta> = files
                .iter()
                .filter(|file| {
                    file.size > 0 && file.location.as_ref().ends_with(&options.file_extension)
                })
                .cloned()
                .collect();
            if files.is_empty() {
                return plan_err!(
                    "No files found at '{location}': no such file, and no columns are declared that it would have"
                );
            }
            let partitions = infer_partitions(url, &files)?;
            let schema = options
                .format
                .infer_schema(state, &self.store, &files)
                .await?;
            match &first {
                None => first = Some((schema, partitions, location)),
                Some((expected, same, other))
                    if expected.fields() != schema.fields() || *same != partitions =>
                {
                    return plan_err!(
                        "All locations of a CREATE EXTERNAL TABLE must have the same schema: '{other}' and '{location}' differ"
                    );
                }
                Some(_) => {}
            }
        }
        let Some((schema, mut partitions, _)) = first else {
            return plan_err!("CREATE EXTERNAL TABLE needs a location");
        };
        let infers = state
            .config_options()
            .execution
            .listing_table_factory_infer_partitions;
        if !command.table_partition_cols.is_empty() {
            if !partitions.starts_with(&command.table_partition_cols) {
                return plan_err!(
                    "the table is partitioned by ({}) and its files by ({})",
                    command.table_partition_cols.join(", "),
                    partitions.join(", ")
                );
            }
            partitions.clone_from(&command.table_partition_cols);
        } else if !infers {
            partitions.clear();
        }
        Ok((schema, partition_columns(partitions)))
    }
}

/// Columns whose values repeat for all rows of a file.
fn partition_columns(names: Vec<String>) -> Vec<(String, DataType)> {
    let text = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    names.into_iter().map(|name| (name, text.clone())).collect()
}

/// Declared columns, without those that partition, and the latter.
fn split_partitions(
    declared: &Schema,
    names: &[String],
) -> Result<(SchemaRef, Vec<(String, DataType)>)> {
    let partitions = names
        .iter()
        .map(|name| {
            Ok((
                name.clone(),
                declared.field_with_name(name)?.data_type().clone(),
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let stored: Vec<_> = declared
        .fields()
        .iter()
        .filter(|field| !names.contains(field.name()))
        .cloned()
        .collect();
    let schema = Schema::new_with_metadata(stored, declared.metadata().clone());
    Ok((Arc::new(schema), partitions))
}

/// How the files of a format end, compressed ones too.
fn extension_of(format: &Arc<dyn FileFormat>, command: &CreateExternalTable) -> String {
    let compressed = format
        .compression_type()
        .and_then(|compression| format.get_ext_with_compression(&compression).ok())
        .filter(|extension| extension.contains('.'));
    let extension = compressed.unwrap_or_else(|| command.file_type.to_lowercase());
    format!(".{}", extension.trim_start_matches('.'))
}

fn format_factory(session: &SessionState, extension: &str) -> Result<Arc<dyn FileFormatFactory>> {
    session.get_file_format_factory(extension).ok_or_else(|| {
        plan_datafusion_err!(
            "no format is called '{}'; {KINDS}",
            extension.to_ascii_lowercase()
        )
    })
}

/// The declared columns, and `_row` where files have numbers for their rows; of columns that are not declared the files tell.
fn with_row_column(command: &CreateExternalTable, kind: Option<FileKind>) -> Result<SchemaRef> {
    let declared = command.schema.inner();
    let has_rows = declared.field_with_name(ROW_COLUMN).is_ok();
    if kind.is_none() || declared.fields().is_empty() || has_rows {
        return Ok(Arc::clone(declared));
    }
    let mut fields = declared.fields().to_vec();
    fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::Int64, false)));
    let schema = Schema::new_with_metadata(fields, declared.metadata().clone());
    Ok(Arc::new(schema))
}

/// Makes quoted paths tables: `SELECT .. FROM 'x.cvc'`, `FROM 's3://bucket/prefix/*.cvc'`, and
/// the same for Parquet, CSV, JSON, Arrow and Avro.
///
/// A path that cannot be read is an error that says why, not an unknown table. It replaces
/// [`SessionContext::enable_url_table`], whose tables would not answer top-k inside the scan.
pub fn enable_paths(context: SessionContext) -> SessionContext {
    let factory = Arc::new(PathTables::default());
    let catalogs = Arc::clone(context.state_ref().read().catalog_list());
    let session_id = context.session_id();
    let catalogs =
        DynamicFileCatalog::new(catalogs, Arc::clone(&factory) as Arc<dyn UrlTableFactory>);
    let state = context
        .into_state_builder()
        .with_session_id(session_id)
        .with_catalog_list(Arc::new(catalogs))
        .build();
    let context = SessionContext::new_with_state(state);
    *factory.state.write() = Some(context.state_weak_ref());
    context
}

type StateRef = Weak<RwLock<SessionState>>;

/// Opens the table behind a quoted path.
#[derive(Default)]
struct PathTables {
    /// The session, which owns this through its catalogs: hence weak.
    state: RwLock<Option<StateRef>>,
}

impl fmt::Debug for PathTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathTables")
    }
}

impl PathTables {
    fn session_state(&self) -> Result<SessionState> {
        let state = self.state.read().as_ref().and_then(Weak::upgrade);
        let state = state.ok_or_else(|| exec_datafusion_err!("the session is closed"))?;
        let state = state.read().clone();
        Ok(state)
    }
}

#[async_trait]
impl UrlTableFactory for PathTables {
    async fn try_new(&self, path: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !looks_like_path(path) {
            return Ok(None);
        }
        let state = self.session_state()?;
        open(&state, path).await.map(Some)
    }
}

/// Whether a name that is no table was meant as a path.
fn looks_like_path(name: &str) -> bool {
    name.contains('/')
        || is_pattern(name)
        || Path::new(name).extension().is_some_and(|e| !e.is_empty())
}

/// Gives the slash of a path to a directory called by a quoted word: `FROM 'docs'` becomes `FROM 'docs/'`, unless there is a
/// table of that name. A word without such quotes stays one: DataFusion looks for tables that are about to be created, and
/// those may be called like any directory.
pub(crate) fn complete_directory(context: &SessionContext, relation: &mut ObjectName) {
    if let [ObjectNamePart::Identifier(name)] = relation.0.as_mut_slice()
        && name.quote_style == Some('\'')
        && !looks_like_path(&name.value)
        && Path::new(&name.value).is_dir()
        && let Ok(false) = context.table_exist(TableReference::bare(name.value.as_str()))
    {
        name.value.push('/');
    }
}

/// The table of a path or URL: one file, a directory, or a glob.
///
/// # Errors
/// Nothing there; files of no known format; files of several formats; what the format says of
/// the first file.
pub async fn open(state: &SessionState, path: &str) -> Result<Arc<dyn TableProvider>> {
    let url = listing_url(path)?;
    let store = state.runtime_env().object_store(&url)?;
    let listed = list_files(&store, &url)
        .await
        .map_err(|error| error.context(format!("looking for '{path}'")))?;
    let mut files = present(&store, &url, path, listed).await?;
    let (extension, format) = format_of(state, path, &files)?;
    files.retain(|file| file.location.as_ref().ends_with(&extension));
    let partitions = infer_partitions(&url, &files)?;
    let schema = format.infer_schema(state, &store, &files).await?;
    let options = ListingOptions::new(format)
        .with_file_extension(extension)
        .with_table_partition_cols(partition_columns(partitions));
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(file_table(ListingTable::try_new(config)?, false))
}

/// The files with bytes. DataFusion says of a missing file that its format cannot be inferred, and nothing of one without
/// bytes.
async fn present(
    store: &Arc<dyn ObjectStore>,
    url: &ListingTableUrl,
    path: &str,
    listed: Vec<ObjectMeta>,
) -> Result<Vec<ObjectMeta>> {
    let is_named = !url.is_collection() && url.get_glob().is_none();
    let mut files = Vec::with_capacity(listed.len());
    for file in listed {
        refuse_empty_file(store, &file, None).await?;
        // Folders of object stores may show up as empty objects.
        if file.size > 0 || is_named {
            files.push(file);
        }
    }
    if !files.is_empty() {
        return Ok(files);
    }
    if Path::new(path).is_dir() {
        return plan_err!("the directory '{path}' holds no files of a known kind; {KINDS}");
    }
    plan_err!("no such file: '{path}'")
}

/// How the names of the files end, and the format of that. Files of no known format are passed over beside others.
fn format_of(
    state: &SessionState,
    path: &str,
    files: &[ObjectMeta],
) -> Result<(String, Arc<dyn FileFormat>)> {
    let mut found: Option<(String, Arc<dyn FileFormat>, &ObjectMeta)> = None;
    for file in files {
        let name = file.location.filename().unwrap_or_default();
        let (extension, compression) =
            ListingTableConfig::infer_file_extension_and_compression_type(name)?;
        let Some(factory) = state.get_file_format_factory(&extension) else {
            continue;
        };
        let ending = match &compression {
            Some(compression) => format!(".{extension}.{compression}"),
            None => format!(".{extension}"),
        };
        match &found {
            Some((expected, _, _)) if *expected == ending => {}
            Some((expected, _, example)) => {
                return plan_err!(
                    "'{path}' holds files of several kinds, {} and {}: name one kind, as in '{}'",
                    example.location,
                    file.location,
                    one_kind(path, expected)
                );
            }
            None => {
                let compression =
                    compression.map(|compression| ("format.compression".to_string(), compression));
                let options = HashMap::from_iter(compression);
                found = Some((ending, factory.create(state, &options)?, file));
            }
        }
    }
    match (found, files) {
        (Some((ending, format, _)), _) => Ok((ending, format)),
        (None, [_]) => plan_err!("cannot tell the format of '{path}' by its extension; {KINDS}"),
        (None, _) => plan_err!("'{path}' holds no files of a known extension; {KINDS}"),
    }
}

/// A pattern of the files of a location that end so.
fn one_kind(path: &str, ending: &str) -> String {
    let directory = path.find(['*', '?', '[', '{']).unwrap_or(path.len());
    let directory = path.get(..directory).unwrap_or(path);
    let directory = directory
        .rfind('/')
        .filter(|_| directory.len() < path.len())
        .map_or(directory.trim_end_matches('/'), |slash| {
            directory.get(..slash).unwrap_or_default()
        });
    format!("{directory}/**/*{ending}")
}

const KINDS: &str = "there are cvc, npy, fvecs, bvecs, ivecs, parquet, csv, tsv, json, jsonl, ndjson, arrow, feather and avro";
