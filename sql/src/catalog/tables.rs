//! Tables out of paths: `CREATE EXTERNAL TABLE` and `FROM 'path'`.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Weak};

use arrow::datatypes::{DataType, Field, Schema};
use async_trait::async_trait;
use datafusion::catalog::{
    DynamicFileCatalog, Session, TableProvider, TableProviderFactory, UrlTableFactory,
};
use datafusion::common::{DFSchema, TableReference, exec_datafusion_err, plan_err};
use datafusion::datasource::listing::{
    ListingTable, ListingTableConfig, ListingTableConfigExt, ListingTableUrl,
};
use datafusion::datasource::listing_table_factory::ListingTableFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::CreateExternalTable;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{ObjectName, ObjectNamePart};
use futures::StreamExt;
use ogive_table_providers::{
    FileKind, ROW_COLUMN, VectorTable, listing_url, refuse_empty_file, refuse_empty_files,
};
use parking_lot::RwLock;
use url::Url;

/// `CREATE EXTERNAL TABLE .. STORED AS CVC` and kin.
#[derive(Debug, Default)]
pub struct VectorTableFactory {
    listing: ListingTableFactory,
}

#[async_trait]
impl TableProviderFactory for VectorTableFactory {
    async fn create(
        &self,
        state: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        let urls = command
            .locations
            .iter()
            .map(|location| listing_url(location));
        let urls = urls.collect::<Result<Vec<_>>>()?;
        let kind = FileKind::from_extension(&command.file_type);
        refuse_empty_files(state, &urls, kind).await?;
        let mut examples = with_row_column(command)?;
        let mut has_pattern = false;
        for (location, url) in examples.locations.iter_mut().zip(&urls) {
            if url.get_glob().is_some() && location.contains("://") {
                // DataFusion takes a pattern in a URL for a name, so it is given a file that matches.
                *location = example(state, url, location).await?;
                has_pattern = true;
            } else if url.get_glob().is_none() && location.contains(['*', '?', '[']) {
                // And the name of a file for a pattern.
                *location = url.to_string();
            }
        }
        let table = self.listing.create(state, &examples).await?;
        let listing = match table.downcast_ref::<ListingTable>() {
            Some(listing) if has_pattern => listing,
            _ => return Ok(VectorTable::wrap(table)),
        };
        let urls = urls
            .into_iter()
            .map(|url| url.with_table_ref(command.name.clone()));
        let config = ListingTableConfig::new_with_multi_paths(urls.collect())
            .with_listing_options(listing.options().clone().with_file_extension(""))
            .infer_schema(state)
            .await?;
        let statistics = state.runtime_env().cache_manager.get_file_statistic_cache();
        let table = ListingTable::try_new(config)?
            .with_cache(statistics)
            .with_definition(command.definition.clone());
        Ok(VectorTable::wrap(Arc::new(table)))
    }
}

/// The statement with `_row` among the columns that it declares; of columns that are not declared the files tell.
fn with_row_column(command: &CreateExternalTable) -> Result<CreateExternalTable> {
    let mut command = command.clone();
    let declared = command.schema.as_arrow();
    if declared.fields().is_empty() || declared.field_with_name(ROW_COLUMN).is_ok() {
        return Ok(command);
    }
    let mut fields = declared.fields().to_vec();
    fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::Int64, false)));
    let schema = Schema::new_with_metadata(fields, declared.metadata().clone());
    command.schema = Arc::new(DFSchema::try_from(schema)?);
    Ok(command)
}

/// The URL of the first file that a pattern matches.
async fn example(state: &dyn Session, url: &ListingTableUrl, pattern: &str) -> Result<String> {
    let store = state.runtime_env().object_store(url)?;
    let mut files = url.list_all_files(state, store.as_ref(), "").await?;
    let Some(file) = files.next().await.transpose()? else {
        return plan_err!("no such file: '{pattern}'");
    };
    let mut example = Url::parse(url.as_str()).map_err(|e| DataFusionError::External(e.into()))?;
    example.set_path(file.location.as_ref());
    Ok(example.into())
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
        || name.contains('*')
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
    check_present(state, &url, path).await?;
    let config = ListingTableConfig::new(url)
        .infer_options(state)
        .await
        .map_err(|error| explain(path, error))?
        .infer_partitions_from_path(state)
        .await?
        .infer_schema(state)
        .await?;
    let statistics = state.runtime_env().cache_manager.get_file_statistic_cache();
    let table = ListingTable::try_new(config)?.with_cache(statistics);
    Ok(VectorTable::wrap(Arc::new(table)))
}

/// DataFusion says of a missing file that its format cannot be inferred, and nothing of one without bytes.
async fn check_present(state: &SessionState, url: &ListingTableUrl, path: &str) -> Result<()> {
    let store = state.runtime_env().object_store(url)?;
    let mut files = url.list_all_files(state, store.as_ref(), "").await?;
    let mut is_present = false;
    while let Some(file) = files.next().await {
        let file = file.map_err(|error| error.context(format!("looking for '{path}'")))?;
        refuse_empty_file(&store, &file, None).await?;
        // Folders of object stores may show up as empty objects.
        is_present |= file.size > 0 || !url.is_collection();
    }
    if is_present {
        Ok(())
    } else if Path::new(path).is_dir() {
        plan_err!("the directory '{path}' holds no files of a known kind; {KINDS}")
    } else {
        plan_err!("no such file: '{path}'")
    }
}

const KINDS: &str = "there are cvc, npy, fvecs, bvecs, ivecs, parquet, csv, json, arrow and avro";

fn explain(path: &str, error: DataFusionError) -> DataFusionError {
    error.context(format!(
        "cannot tell the format of '{path}' by its extension; {KINDS}"
    ))
}
