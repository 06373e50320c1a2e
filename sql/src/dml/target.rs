//! The catalogue in which the statement's query finds its target with row ids.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::common::Result;
use datafusion::execution::{SessionState, SessionStateBuilder};

/// The name of the catalogue, of its schema and of the table.
pub(super) const TARGET: &str = "__target";

/// The session's catalogues and one more.
#[derive(Debug)]
struct WithTarget {
    catalogs: Arc<dyn CatalogProviderList>,
    target: Arc<dyn CatalogProvider>,
}

impl CatalogProviderList for WithTarget {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        self.catalogs.register_catalog(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        self.catalogs.catalog_names()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        match name {
            TARGET => Some(Arc::clone(&self.target)),
            _ => self.catalogs.catalog(name),
        }
    }
}

/// The session with `table` as `__target.__target.__target`.
pub(super) fn with_target(
    state: &SessionState,
    table: Arc<dyn TableProvider>,
) -> Result<SessionState> {
    let schema = MemorySchemaProvider::new();
    schema.register_table(TARGET.to_string(), table)?;
    let target = MemoryCatalogProvider::new();
    target.register_schema(TARGET, Arc::new(schema))?;
    let catalogs = WithTarget {
        catalogs: Arc::clone(state.catalog_list()),
        target: Arc::new(target),
    };
    Ok(SessionStateBuilder::new_from_existing(state.clone())
        .with_catalog_list(Arc::new(catalogs))
        .build())
}
