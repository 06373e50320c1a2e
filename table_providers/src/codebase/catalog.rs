//! A checkout as a catalogue with one schema, `main`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, plan_err};
use datafusion_session::{CatalogProvider, SchemaProvider, TableProvider};

use super::checkout::CodeCheckout;
use super::schema::CodeTable;
use super::table::CodebaseTable;

/// The schema of a checkout's tables.
pub(super) const MAIN: &str = "main";

/// A checkout of source code as a catalogue.
#[derive(Debug, Clone)]
pub struct CodebaseCatalog {
    checkout: CodeCheckout,
}

impl CodebaseCatalog {
    /// The catalogue of a checkout.
    pub fn new(checkout: CodeCheckout) -> Self {
        Self { checkout }
    }

    /// The checkout.
    pub fn checkout(&self) -> &CodeCheckout {
        &self.checkout
    }
}

impl CatalogProvider for CodebaseCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![MAIN.to_string()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == MAIN).then(|| {
            Arc::new(CodebaseSchema {
                catalog: self.clone(),
            }) as Arc<dyn SchemaProvider>
        })
    }
}

#[derive(Debug)]
struct CodebaseSchema {
    catalog: CodebaseCatalog,
}

#[async_trait]
impl SchemaProvider for CodebaseSchema {
    fn table_names(&self) -> Vec<String> {
        let names = CodeTable::ALL.map(|table| table.name().to_string());
        names.to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let table = CodeTable::ALL
            .into_iter()
            .find(|table| table.name() == name);
        let checkout = || self.catalog.checkout.clone();
        Ok(table.map(|table| Arc::new(CodebaseTable::new(checkout(), table)) as _))
    }

    fn register_table(
        &self,
        name: String,
        _table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        plan_err!(
            "{}: {name}: a checkout has the tables of its files and no others",
            self.catalog.checkout.path()
        )
    }

    fn table_exist(&self, name: &str) -> bool {
        CodeTable::ALL.iter().any(|table| table.name() == name)
    }
}
