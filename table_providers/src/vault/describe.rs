//! A store in a few words: its layout, type, rows and bytes.

use datafusion_common::Result;
use ogive_vault::{
    ColumnSource, MainKind, MainTable, Place, Reader, Store, Stream, Vec0Table, quoted,
};

use crate::error::vault_error;

/// What `vault_info` says of a store.
#[derive(Debug)]
pub struct Description {
    /// How it lies in the file.
    pub layout: String,
    /// What its rows hold.
    pub value_type: String,
    /// Rows, where counting them is not running a query.
    pub rows: Option<i64>,
    /// Bytes of its pages, or of a typed column's blocks.
    pub bytes: Option<i64>,
}

/// Describes a store of the file that a connection reads.
pub fn describe(reader: &Reader, place: &Place, store: &Store) -> Result<Description> {
    let ask = |sql: &str| -> Result<Option<i64>> {
        reader
            .query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
            .map_err(|error| vault_error(place.sqlite("describing what it holds", error)))
    };
    let pages = |tables: &[String]| {
        let names: Vec<String> = tables
            .iter()
            .map(|table| format!("'{}'", table.replace('\'', "''")))
            .collect();
        // Indexes belong to their tables.
        ask(&format!(
            "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN (SELECT name FROM sqlite_master WHERE tbl_name IN ({}))",
            names.join(", ")
        ))
    };
    let count = |table: &str| ask(&format!("SELECT count(*) FROM {}", quoted(table)));
    Ok(match store {
        Store::Kv(kv) => Description {
            layout: if kv.sized {
                "id, key, value, size"
            } else {
                "key, value"
            }
            .to_owned(),
            value_type: "bytes".to_owned(),
            rows: count(&kv.name)?,
            bytes: pages(std::slice::from_ref(&kv.name))?,
        },
        Store::Column(column) => {
            let chunks = |ids: &[&Stream]| {
                let ids: Vec<String> = ids.iter().map(|stream| stream.col_id.to_string()).collect();
                format!(
                    "SELECT sum(actual_size) FROM col_chunks WHERE col_id IN ({})",
                    ids.join(", ")
                )
            };
            let sql = match &column.source {
                ColumnSource::Blocks {
                    col_id, elem_size, ..
                } => format!(
                    "SELECT coalesce(sum(capacity_bytes{}), 0) FROM kvault_col_blocks WHERE col_id = {col_id}",
                    if *elem_size == 0 {
                        " + 8 * (row_capacity + 1)"
                    } else {
                        ""
                    }
                ),
                ColumnSource::Stream(stream) => chunks(&[stream]),
                ColumnSource::Triples { index, data_id } => format!(
                    "SELECT sum(actual_size) FROM col_chunks WHERE col_id IN ({}, {data_id})",
                    index.col_id
                ),
                ColumnSource::Ends { index, data, .. } => chunks(&[index, data]),
            };
            Description {
                layout: column.layout.number().to_string(),
                value_type: column.dtype_name.clone(),
                rows: i64::try_from(column.length).ok(),
                bytes: ask(&sql)?,
            }
        }
        Store::Vectors(table) => {
            let mut tables = table.shadow_tables();
            tables.push(format!("{}_values", table.name));
            Description {
                layout: "vec0".to_owned(),
                value_type: vector_type(table),
                rows: count(&format!("{}_rowids", table.name))?,
                bytes: pages(&tables)?,
            }
        }
        Store::Text(table) => {
            let mut tables = fts5_tables(&table.name);
            tables.push(format!("{}_values", table.name));
            Description {
                layout: "fts5".to_owned(),
                value_type: table.columns.join(", "),
                rows: count(&table.name)?,
                bytes: pages(&tables)?,
            }
        }
        Store::Main(MainTable { name, kind }) => {
            let (value_type, rows, tables) = match kind {
                MainKind::Table { columns, .. } => {
                    let columns: Vec<String> = columns
                        .iter()
                        .map(|column| {
                            format!("{} {}", column.name, column.declared)
                                .trim()
                                .to_owned()
                        })
                        .collect();
                    (columns.join(", "), count(name)?, vec![name.clone()])
                }
                MainKind::Fts5 { columns } => (columns.join(", "), count(name)?, fts5_tables(name)),
                MainKind::Vec0(table) => (
                    vector_type(table),
                    count(&format!("{name}_rowids"))?,
                    table.shadow_tables(),
                ),
                MainKind::View { columns } => {
                    let names: Vec<&str> =
                        columns.iter().map(|column| column.name.as_str()).collect();
                    (names.join(", "), None, Vec::new())
                }
                MainKind::Unreadable(reason) => (reason.clone(), None, Vec::new()),
            };
            Description {
                layout: kind.name().to_owned(),
                value_type,
                rows,
                bytes: if tables.is_empty() {
                    None
                } else {
                    pages(&tables)?
                },
            }
        }
    })
}

fn fts5_tables(name: &str) -> Vec<String> {
    ["data", "idx", "content", "docsize", "config"]
        .map(|suffix| format!("{name}_{suffix}"))
        .to_vec()
}

fn vector_type(table: &Vec0Table) -> String {
    use ogive_vault::VectorElement;
    match table.vector() {
        Some((element, dimensions, metric)) => {
            let element = match element {
                VectorElement::Float32 => "float",
                VectorElement::Int8 => "int8",
                VectorElement::Bit => "bit",
            };
            format!("{element}[{dimensions}] {metric}")
        }
        None => String::new(),
    }
}
