//! Files as DataFusion tables: CVC, `.npy` and the TexMex formats; vectors in Parquet files; SQLite databases as catalogs.
//!
//! [`VectorTable`] is the table, [`VectorFormatFactory`] the file format to register,
//! [`cvc_table_functions`] the functions that look inside a CVC file, [`page_table_functions`] those over pages of bytes. A scan computes filters and
//! the top-k by distance itself, over the stored codes, and decodes only what is left.
//!
//! The engines that know the bytes are `ogive-cvc`, `ogive-npy` and `ogive-kernels`; what a
//! session sets up with all this is in `ogive-sql`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_catalog::TableProvider;

mod arguments;
mod attachment;
mod blocking;
mod changes;
mod codebase;
mod cvc;
mod error;
mod index;
mod listing;
mod npy;
mod options;
mod pages;
mod parquet;
mod scan;
mod vault;
mod warnings;

pub use attachment::{AttachOptions, Attachment, AttachmentKind, Maintenance, NewColumn, NewTable};
pub use changes::{
    KeyColumns, ROW_ID, RestorePoint, RowStore, RowWriter, keys_of, refuse_nulls, row_store,
};
pub use codebase::{
    CodeCheckout, CodebaseCatalog, CodebaseKind, code_table_functions, selection_argument,
};
pub use cvc::{CvcTableFunction, WriteOptions, cvc_table_functions};
pub use error::{is_damage, sqlstate_of};
pub use index::{
    BuildIndex, BuildProgress, FOLDER as INDEX_FOLDER, Indexes, SearchTotals, Sidecar, SourceFile,
    collect_garbage, drop_sidecar,
};
pub use listing::{
    FileTable, NULL_PARTITION, NamedFormatFactory, file_table, infer_partitions, is_pattern,
    list_files, listing_url, literal_url, partition_name,
};
pub use ogive_cvc::TemporaryFile;
pub use ogive_index::flat::Measure as IndexMeasure;
pub use ogive_vault::{OnConflict, OpenOptions as VaultOpenOptions, Store as VaultStore};
pub use options::{IndexAccess, OgiveOptions, OnCorruption, ReadOptions, TableOptions};
pub use pages::page_table_functions;
pub use parquet::{ParquetSearch, ParquetVectors};
pub use scan::{
    Access, FileCache, FileKind, IndexFile, MemoryMap, ROW_COLUMN, Search, TopKRequest,
    VectorFormat, VectorFormatFactory, VectorSource, VectorTable, is_searchable, mapped_file_at,
    refuse_empty_file,
};
pub use vault::{
    ColumnsTableFunction, FTS_MATCH, FtsText, ROWID_COLUMN, SqliteTypes, VaultCatalog,
    VaultInfoFunction, VaultKind, VaultScanExec, VaultSchema, VaultTable, VaultTarget,
    VaultTransaction, fts_match_udf, is_vault, open_vault, register_vault, vault_table_functions,
};
pub use warnings::Warnings;

/// The columns that an `INSERT` without a list of them gives values for, where the table has others beside them.
pub fn insert_columns(table: &Arc<dyn TableProvider>) -> Option<Vec<String>> {
    if let Some(table) = table.downcast_ref::<VaultTable>() {
        return Some(table.insert_columns());
    }
    table.is::<VectorTable>().then(|| {
        let schema = table.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.filter(|name| name != ROW_COLUMN).collect()
    })
}

/// The length of the vectors of a column that is no `vector` in SQL and takes their texts all the same.
pub fn takes_vector_texts(table: &Arc<dyn TableProvider>, column: &str) -> Option<usize> {
    let schema = table.schema();
    match schema.field_with_name(column).ok()?.data_type() {
        DataType::FixedSizeList(element, length)
            if table.is::<VaultTable>() && element.data_type() == &DataType::Float32 =>
        {
            usize::try_from(*length).ok()
        }
        _ => None,
    }
}

/// What `ATTACH` can attach; of a path that several kinds call their own, the first has it.
pub fn attachment_kinds() -> &'static [&'static dyn AttachmentKind] {
    &[&VaultKind, &CodebaseKind]
}
