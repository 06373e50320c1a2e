//! A table of a vault as writers know it.

use arrow::datatypes::SchemaRef;
use ogive_vault::{OnConflict, Place, Store, Vault};

/// What the file has under a name, and what an `INSERT` does about keys that are there.
#[derive(Debug, Clone)]
pub struct VaultTarget {
    pub(super) vault: Vault,
    pub(super) store: Store,
    pub(super) place: Place,
    pub(super) schema: SchemaRef,
    pub(super) on_conflict: OnConflict,
}

impl VaultTarget {
    /// What the file has under this name.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(super) fn schema_ref(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn on_conflict(&self) -> OnConflict {
        self.on_conflict
    }
}
