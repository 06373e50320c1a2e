//! Tables out of paths: `CREATE EXTERNAL TABLE` and `FROM 'path'`.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    DynamicFileCatalog, Session, TableProvider, TableProviderFactory, UrlTableFactory,
};
use datafusion::common::{exec_datafusion_err, plan_err};
use datafusion::datasource::listing::{
    ListingTable, ListingTableConfig, ListingTableConfigExt, ListingTableUrl,
};
use datafusion::datasource::listing_table_factory::ListingTableFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::CreateExternalTable;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use ogive_table_providers::{VectorTable, listing_url};
use parking_lot::RwLock;
use std::sync::Weak;
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
        let mut examples = command.clone();
        for (location, url) in examples.locations.iter_mut().zip(&urls) {
            // DataFusion takes a pattern in a URL for a name, so it is given a file that matches.
            if url.get_glob().is_some() && location.contains("://") {
                *location = example(state, url, location).await?;
            }
        }
        let table = self.listing.create(state, &examples).await?;
        let listing = match table.downcast_ref::<ListingTable>() {
            Some(listing) if examples.locations != command.locations => listing,
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
        || std::path::Path::new(name)
            .extension()
            .is_some_and(|e| !e.is_empty())
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

/// DataFusion says of a missing file that its format cannot be inferred.
async fn check_present(state: &SessionState, url: &ListingTableUrl, path: &str) -> Result<()> {
    let store = state.runtime_env().object_store(url)?;
    let mut files = url.list_all_files(state, store.as_ref(), "").await?;
    loop {
        match files.next().await {
            None => return plan_err!("no such file: '{path}'"),
            Some(Err(error)) => {
                return Err(error.context(format!("looking for '{path}'")));
            }
            // Folders of object stores may show up as empty objects.
            Some(Ok(meta)) if meta.size == 0 && url.is_collection() => {}
            Some(Ok(_)) => return Ok(()),
        }
    }
}

fn explain(path: &str, error: DataFusionError) -> DataFusionError {
    error.context(format!(
        "cannot tell the format of '{path}' by its extension; there are cvc, npy, fvecs, bvecs, ivecs, parquet, csv, json, arrow and avro"
    ))
}
