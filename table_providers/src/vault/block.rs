//! The transaction block that a session has open over a vault: one write transaction that all its statements share.
//!
//! From the first change on, scans read through the connection that writes, so that a block sees its own rows. That connection
//! serves one at a time: a scan is read whole before its first batch is passed on, and a statement's rows are all there before the first
//! is written.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{Result, exec_datafusion_err};
use ogive_vault::Vault;
use parking_lot::Mutex;

use crate::blocking::blocking;
use crate::changes::RestorePoint;
use crate::vault::changes::VaultTransaction;

/// Where the block of a vault is kept, if one is open.
#[derive(Debug, Default)]
pub struct Block {
    open: Mutex<Option<Arc<OpenBlock>>>,
}

/// The transaction of an open block.
#[derive(Debug)]
pub struct OpenBlock {
    /// Until it is committed or rolled back.
    transaction: Mutex<Option<VaultTransaction>>,
}

impl Block {
    /// The open block.
    pub fn current(&self) -> Option<Arc<OpenBlock>> {
        self.open.lock().clone()
    }

    /// Begins the block's transaction, which ends with what this returns.
    pub async fn begin(self: &Arc<Self>, vault: &Vault) -> Result<Box<dyn RestorePoint>> {
        let vault = vault.clone();
        let transaction = blocking(move || VaultTransaction::begin(&vault)).await?;
        let open = Arc::new(OpenBlock {
            transaction: Mutex::new(Some(transaction)),
        });
        *self.open.lock() = Some(Arc::clone(&open));
        Ok(Box::new(BlockEnd {
            block: Arc::clone(self),
            open,
        }))
    }

    /// Where the block is kept, as a number.
    pub fn identity(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self) as usize
    }
}

impl OpenBlock {
    /// Works in the transaction. Blocks while a scan reads through it.
    pub fn with<T>(&self, work: impl FnOnce(&VaultTransaction) -> Result<T>) -> Result<T> {
        match self.transaction.lock().as_ref() {
            Some(transaction) => work(transaction),
            None => Err(exec_datafusion_err!(
                "the transaction block in which this statement began is over"
            )),
        }
    }

    fn take(&self) -> Option<VaultTransaction> {
        self.transaction.lock().take()
    }
}

/// Ends a block.
#[derive(Debug)]
struct BlockEnd {
    block: Arc<Block>,
    open: Arc<OpenBlock>,
}

impl BlockEnd {
    fn take(&self) -> Option<VaultTransaction> {
        *self.block.open.lock() = None;
        self.open.take()
    }
}

#[async_trait]
impl RestorePoint for BlockEnd {
    async fn restore(&self) {
        let transaction = self.take();
        // Dropped, it is rolled back.
        let _ = blocking(move || {
            drop(transaction);
            Ok(())
        })
        .await;
    }

    async fn keep(&self) -> Result<()> {
        let transaction = self.take();
        blocking(move || transaction.map_or(Ok(()), VaultTransaction::commit)).await
    }

    fn is_file(&self) -> bool {
        true
    }
}

impl Drop for BlockEnd {
    fn drop(&mut self) {
        drop(self.take());
    }
}
