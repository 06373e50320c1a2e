//! Tables whose rows can be deleted and changed where they are.
//!
//! DataFusion gives a table the filters of a `DELETE` that its optimizer left; a condition that was
//! folded away or became a join is not among them, and the table would delete every row. So the
//! statement is run as a query over [`RowStore::scan_with_ids`], and the rows that it returned are
//! changed by their ids. A kind of table that can be changed implements [`RowStore`], and
//! [`row_store`] knows it.

mod key_index;
mod keys;
mod memory;
mod store;

use std::sync::Arc;

use datafusion_catalog::TableProvider;

pub use keys::{KeyColumns, keys_of, refuse_nulls};
use memory::MemoryRows;
pub use store::{ROW_ID, RestorePoint, RowStore, RowWriter};

use crate::vault::VaultRows;

/// The rows of a table of a kind that can be changed.
pub fn row_store(table: &Arc<dyn TableProvider>) -> Option<Arc<dyn RowStore>> {
    if let Some(rows) = VaultRows::of(table) {
        return Some(Arc::new(rows));
    }
    MemoryRows::of(table).map(|rows| Arc::new(rows) as Arc<dyn RowStore>)
}
