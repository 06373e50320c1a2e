//! Vector columns of Parquet files that have been looked at, kept between queries.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Field;
use bytes::Bytes;
use datafusion_common::Result;
use object_store::{ObjectMeta, ObjectStore};
use parking_lot::Mutex;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::pages::{VectorPages, vector_pages};
use crate::scan::{FileBytes, Identity, MemoryMap};

/// Columns kept at most: each holds a map of its file, and what had to be decoded.
const COLUMNS_MAX: usize = 256;

/// The vector columns of a session's Parquet files.
#[derive(Debug, Default)]
pub struct ParquetVectors {
    columns: Mutex<Columns>,
}

#[derive(Debug, Default)]
struct Columns {
    by_file: HashMap<(String, String), Entry>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    identity: Identity,
    pages: Option<Arc<VectorPages>>,
    used_at: u64,
}

impl ParquetVectors {
    /// The pages of column `field` of a local file; `None` when they cannot be searched in place.
    pub async fn open(
        &self,
        store: &Arc<dyn ObjectStore>,
        meta: &ObjectMeta,
        field: &Field,
        map: MemoryMap,
    ) -> Result<Option<Arc<VectorPages>>> {
        if map == MemoryMap::Off {
            return Ok(None);
        }
        let name = format!("/{}", meta.location);
        let key = (name.clone(), field.name().clone());
        let identity = Identity::of(meta);
        if let Some(known) = self.get(&key, &identity) {
            return Ok(known);
        }
        let bytes = FileBytes::open(store, crate::scan::is_local(store), meta, &name, map)?;
        if !bytes.is_mapped() {
            return Ok(None);
        }
        let (parts, _) = bytes.read(std::slice::from_ref(&(0..meta.size))).await?;
        // What is wrong with a file is for the reader of the whole file to say.
        let pages = match parts.first() {
            Some(file) => pages_of(file, field).unwrap_or_default().map(Arc::new),
            None => None,
        };
        let mut columns = self.columns.lock();
        columns.clock += 1;
        let used_at = columns.clock;
        if columns.by_file.len() >= COLUMNS_MAX {
            let oldest = columns
                .by_file
                .iter()
                .min_by_key(|(_, entry)| entry.used_at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                columns.by_file.remove(&oldest);
            }
        }
        let entry = Entry {
            identity,
            pages: pages.clone(),
            used_at,
        };
        columns.by_file.insert(key, entry);
        Ok(pages)
    }

    fn get(&self, key: &(String, String), identity: &Identity) -> Option<Option<Arc<VectorPages>>> {
        let mut columns = self.columns.lock();
        columns.clock += 1;
        let now = columns.clock;
        let entry = columns.by_file.get_mut(key)?;
        if entry.identity != *identity {
            return None;
        }
        entry.used_at = now;
        Some(entry.pages.clone())
    }
}

fn pages_of(file: &Bytes, field: &Field) -> parquet::errors::Result<Option<VectorPages>> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
    match leaf_of(&metadata, field)? {
        Some(leaf) => vector_pages(file, &metadata, leaf),
        None => Ok(None),
    }
}

/// The leaf that holds the numbers of a column, if the file has the column in the table's type.
fn leaf_of(metadata: &ParquetMetaData, field: &Field) -> parquet::errors::Result<Option<usize>> {
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let Ok(stored) = schema.field_with_name(field.name()) else {
        return Ok(None);
    };
    if !stored.data_type().equals_datatype(field.data_type()) {
        return Ok(None);
    }
    let descriptor = file.schema_descr();
    let mut leaves = (0..descriptor.num_columns())
        .filter(|leaf| descriptor.get_column_root(*leaf).name() == field.name());
    let leaf = leaves.next();
    Ok(leaf.filter(|_| leaves.next().is_none()))
}
