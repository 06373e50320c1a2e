//! What the catalog of a vault, its schemas and tables have in common.

use std::sync::Arc;

use datafusion_common::Result;
use ogive_vault::{Contents, Vault};
use parking_lot::Mutex;

use crate::error::vault_error;
use crate::vault::block::Block;
use crate::vault::schema::SqliteTypes;
use crate::vault::snapshot::Statements;

/// An open file, and what goes on over it.
#[derive(Debug)]
pub struct SharedVault {
    /// The file.
    pub vault: Vault,
    /// The statements that are running over it.
    pub statements: Arc<Statements>,
    /// The transaction block of the session.
    pub block: Arc<Block>,
    /// What is done with values that do not fit.
    pub types: Mutex<SqliteTypes>,
}

impl SharedVault {
    /// What the file holds now, the open block's tables among it.
    pub fn contents(&self) -> Result<Arc<Contents>> {
        if let Some(open) = self.block.current() {
            return open.with(|transaction| {
                let contents = Contents::read(transaction.connection(), &self.vault.place());
                contents.map(Arc::new).map_err(vault_error)
            });
        }
        self.vault.contents().map_err(vault_error)
    }
}
