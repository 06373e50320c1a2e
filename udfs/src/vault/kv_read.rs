//! `kv_read`: parts of stored values, read out of a file without the rest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, Int64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::{ScalarUDF, Volatility};
use ogive_vault::{Kv, OpenOptions, Reader, Store, Vault};

use super::function::{VaultFunction, binary, bytes_argument, name_argument};

const NAME: &str = "kv_read";

/// `kv_read(file, table, key, offset, length)`.
pub(super) fn kv_read() -> Arc<ScalarUDF> {
    VaultFunction::udf_of(
        NAME,
        (
            "kv_read(file, table, key, offset, length)",
            "Part of a stored value, its header included: up to `length` bytes from byte `offset` on, without reading what comes before or after. Fewer at the end of the value, none behind it; NULL where the key is not there. The file is a SQLite file's path; it is read as of its last commit.",
        ),
        Volatility::Volatile,
        |types| match types {
            [file, table, key, offset, length] => {
                for (what, found) in [("offset", offset), ("length", length)] {
                    if !(found.is_integer() || found.is_null()) {
                        return plan_err!("{NAME}: {what} must be an integer, found {found}");
                    }
                }
                Ok(vec![
                    name_argument(NAME, file)?,
                    name_argument(NAME, table)?,
                    bytes_argument(NAME, key)?,
                    DataType::Int64,
                    DataType::Int64,
                ])
            }
            other => plan_err!(
                "{NAME}: expected a file, a table, a key, an offset and a length, found {} arguments",
                other.len()
            ),
        },
        |_, _| Ok(DataType::Binary),
        |arrays, _, _| match arrays {
            [files, tables, keys, offsets, lengths] => {
                read_parts(files, tables, keys, (offsets, lengths))
            }
            other => exec_err!("{NAME} was called with {} arguments", other.len()),
        },
    )
}

fn read_parts(
    files: &ArrayRef,
    tables: &ArrayRef,
    keys: &ArrayRef,
    (offsets, lengths): (&ArrayRef, &ArrayRef),
) -> Result<ArrayRef> {
    let (files, tables) = (strings(files)?, strings(tables)?);
    let keys = binary(NAME, keys.as_ref())?;
    let (offsets, lengths) = (integers(offsets)?, integers(lengths)?);
    // All rows of a batch that are of one file see it as of one moment.
    let mut opened: HashMap<&str, (Vault, Reader)> = HashMap::new();
    let mut parts = BinaryBuilder::new();
    for row in 0..keys.len() {
        let any_null = files.is_null(row)
            || tables.is_null(row)
            || keys.is_null(row)
            || offsets.is_null(row)
            || lengths.is_null(row);
        if any_null {
            parts.append_null();
            continue;
        }
        let size = |what: &str, size: i64| {
            u64::try_from(size).map_err(|_| {
                exec_datafusion_err!("{NAME}: {what} is {size}, expected no negative number")
            })
        };
        let offset = size("offset", offsets.value(row))?;
        let length = size("length", lengths.value(row))?;
        let file = files.value(row);
        let (vault, reader) = match opened.entry(file) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let options = OpenOptions {
                    read_only: true,
                    ..OpenOptions::default()
                };
                let vault = Vault::open(file, options).map_err(failed)?;
                let reader = vault.reader().map_err(failed)?;
                entry.insert((vault, reader))
            }
        };
        let name = tables.value(row);
        let contents = vault.contents().map_err(failed)?;
        let Some(Store::Kv(table)) = contents.find("kv", name) else {
            return exec_err!("{NAME}: {file}: there is no key-value table '{name}'");
        };
        let kv = Kv::new(reader, file, &table);
        parts.append_option(
            kv.read_at(keys.value(row), offset, length)
                .map_err(failed)?,
        );
    }
    Ok(Arc::new(parts.finish()))
}

fn failed(error: ogive_vault::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn strings(array: &ArrayRef) -> Result<&StringArray> {
    array
        .as_any()
        .downcast_ref()
        .ok_or_else(|| exec_datafusion_err!("{NAME}: {} after coercion", array.data_type()))
}

fn integers(array: &ArrayRef) -> Result<&Int64Array> {
    array
        .as_any()
        .downcast_ref()
        .ok_or_else(|| exec_datafusion_err!("{NAME}: {} after coercion", array.data_type()))
}
