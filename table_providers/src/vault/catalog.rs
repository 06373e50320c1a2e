//! A vault as a catalog.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, plan_err};
use datafusion_session::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use ogive_vault::{OpenOptions, SCHEMAS, Store, Vault};

use crate::blocking::blocking;
use crate::error::vault_error;
use crate::vault::block::Block;
use crate::vault::changes::VaultTransaction;
use crate::vault::schema::SqliteTypes;
use crate::vault::shared::SharedVault;
use crate::vault::table::VaultTable;

/// Whether a file starts as SQLite databases do.
pub fn is_vault(path: impl AsRef<Path>) -> bool {
    ogive_vault::is_vault(path.as_ref())
}

/// Opens a SQLite database as a catalog. A file that is not there is an error.
pub fn open_vault(path: impl AsRef<Path>, read_only: bool) -> Result<Arc<VaultCatalog>> {
    VaultCatalog::open(
        path,
        OpenOptions {
            read_only,
            ..OpenOptions::default()
        },
    )
}

/// Opens a SQLite database and gives it to a session's catalogs under a name: `SELECT .. FROM name.kv.table`. A vault that
/// was there under this name is let go of.
pub fn register_vault(
    catalogs: &dyn CatalogProviderList,
    name: &str,
    path: impl AsRef<Path>,
) -> Result<Arc<VaultCatalog>> {
    let catalog = open_vault(path, false)?;
    catalogs.register_catalog(
        name.to_owned(),
        Arc::clone(&catalog) as Arc<dyn CatalogProvider>,
    );
    Ok(catalog)
}

/// The schemas `kv`, `columns`, `vectors`, `text` and `main` of a SQLite database. Clones and tables share connections.
#[derive(Debug)]
pub struct VaultCatalog {
    shared: Arc<SharedVault>,
}

impl VaultCatalog {
    /// Opens a file with options of the engine's.
    pub fn open(path: impl AsRef<Path>, options: OpenOptions) -> Result<Arc<Self>> {
        let vault = Vault::open(path, options).map_err(vault_error)?;
        Ok(Arc::new(Self {
            shared: Arc::new(SharedVault {
                vault,
                statements: Arc::default(),
                block: Arc::default(),
                types: Default::default(),
            }),
        }))
    }

    /// The path as it was given.
    pub fn file(&self) -> &str {
        self.shared.vault.file()
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.shared.vault.options().read_only
    }

    /// What is done with values that do not fit their column, from the next statement on.
    pub fn set_types(&self, types: SqliteTypes) {
        *self.shared.types.lock() = types;
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    pub(super) fn block(&self) -> &Arc<Block> {
        &self.shared.block
    }

    /// Begins a write transaction. Blocks while another connection writes.
    pub fn begin(&self) -> Result<VaultTransaction> {
        VaultTransaction::begin(&self.shared.vault)
    }

    /// Runs a statement of SQLite's outside of any transaction: `VACUUM`, `ANALYZE`, `PRAGMA wal_checkpoint`. Blocks.
    pub fn maintain(&self, doing: &'static str, sql: &str) -> Result<()> {
        self.shared.vault.maintain(doing, sql).map_err(vault_error)
    }
}

impl CatalogProvider for VaultCatalog {
    fn schema_names(&self) -> Vec<String> {
        SCHEMAS.map(str::to_owned).to_vec()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let name = SCHEMAS.into_iter().find(|schema| *schema == name)?;
        Some(Arc::new(VaultSchema {
            shared: Arc::clone(&self.shared),
            name,
        }))
    }
}

/// The tables of one schema of a vault. Every call looks into the file.
#[derive(Debug)]
pub struct VaultSchema {
    shared: Arc<SharedVault>,
    name: &'static str,
}

impl VaultSchema {
    fn find(shared: &SharedVault, schema: &str, name: &str) -> Result<Option<Store>> {
        Ok(shared.contents()?.find(schema, name))
    }
}

#[async_trait]
impl SchemaProvider for VaultSchema {
    fn table_names(&self) -> Vec<String> {
        match self.shared.contents() {
            Ok(contents) => contents.names(self.name),
            Err(error) => {
                // The trait has no way to say so; the next query of a table does.
                log::warn!("{error}");
                Vec::new()
            }
        }
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let (shared, schema, name) = (Arc::clone(&self.shared), self.name, name.to_owned());
        let found = blocking(move || {
            let store = Self::find(&shared, schema, &name)?;
            store
                .map(|store| VaultTable::try_new(&shared, store))
                .transpose()
        })
        .await?;
        Ok(found.map(|table| Arc::new(table) as Arc<dyn TableProvider>))
    }

    fn register_table(
        &self,
        name: String,
        _table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        plan_err!(
            "{}: {}.{name}: tables of a SQLite file are made in the file, not registered",
            self.shared.vault.file(),
            self.name
        )
    }

    fn table_exist(&self, name: &str) -> bool {
        Self::find(&self.shared, self.name, name).is_ok_and(|store| store.is_some())
    }
}
