//! Vaults: the SQLite files of the Python package `kohakuvault`, and any other SQLite database.
//!
//! [`Vault::open`] opens a file. [`Vault::reader`] gives a connection in a read transaction, [`Vault::writer`] one in a write
//! transaction; everything else works over such a connection. [`Contents`] says what a file holds: key-value tables
//! ([`Kv`]), typed columns in three layouts ([`ColumnReader`], [`append_rows`]), vector tables of sqlite-vec without its
//! extension ([`Vec0Scan`], [`Vectors`]), text tables over FTS5 ([`Texts`]), and ordinary tables ([`Query`], [`Rows`]).
//!
//! ```
//! use ogive_vault::{Contents, Encoded, Kv, OnConflict, OpenOptions, Value, Vault, create_kv, decode, encode};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("notes.db");
//! let vault = Vault::open(&path, OpenOptions { create: true, ..OpenOptions::default() })?;
//! let writer = vault.writer()?;
//! create_kv(&writer, vault.file(), "kv")?;
//! let contents = Contents::read(&writer, &vault.place())?;
//! let kv = Kv::new(&writer, vault.file(), &contents.kv[0]);
//! kv.put(b"user:1", &encode(Encoded::Text("Ada")).unwrap(), OnConflict::Replace)?;
//! writer.commit()?;
//!
//! let reader = vault.reader()?;
//! let kv = Kv::new(&reader, vault.file(), &contents.kv[0]);
//! kv.prefix(b"user:", |key, value| {
//!     assert_eq!(key, b"user:1");
//!     assert_eq!(decode(value), Ok(Value::Text("Ada".to_owned())));
//!     true
//! })?;
//! # Ok::<(), ogive_vault::Error>(())
//! ```
//!
//! The decoders of stored bytes ([`decode`], [`unpack`], [`read_array`], [`read_msgpack`], [`read_cbor`]) are functions of
//! bytes and know no file. Bytes are hostile: no length is believed before the bytes are there, and every [`Error`] names the
//! file, the table and the row.
//!
//! Pickles are recognised and handed out as bytes: reading one would run the code in it. Not here either: SQL of our own, and
//! searches; the kernels and the planner are elsewhere.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod array;
mod columns;
mod contents;
mod dtype;
mod element;
mod error;
mod kv;
mod open_files;
mod packer;
mod rows;
mod select;
mod sql_text;
mod text;
mod text_encoding;
mod value;
mod vault;
mod vectors;

pub use array::{PackedArray, read_array, split_array, write_array};
pub use columns::{
    BLOCK_BYTES_DEFAULT, ColumnReader, ColumnValues, Numbers, Slices, append_rows, clear_column,
    create_column, delete_column_rows, drop_column, insert_column_rows, read_column, refreshed,
    update_column_rows,
};
pub use contents::{
    Column, ColumnSource, Contents, DeclaredColumn, KvTable, Layout, MainKind, MainTable, Metric,
    SCHEMAS, ScalarType, SqlType, Store, Stream, TextTable, Vec0Column, Vec0Role, Vec0Table,
    VectorElement,
};
pub use dtype::{DType, ROW_BYTES_MAX};
pub use element::Element;
pub use error::{Constraint, Error, ErrorKind, Place, Result, ValueError};
pub use kv::{
    Kv, OnConflict, VALUE_BYTES_MAX, ValueReader, copy_value, create_kv, key_conditions,
    prefix_range,
};
pub use packer::{VectorTag, pack, unpack};
pub use rows::Rows;
pub use rusqlite::Connection as SqliteConnection;
pub use rusqlite::types::Value as SqlValue;
pub use select::{
    BATCH_ROWS_MAX, Condition, Mismatch, Query, ReadAs, RowBatch, RowColumn, RowValues, Select,
};
pub use sql_text::quoted;
pub use text::{Texts, create_texts, drop_texts, text_query};
pub use text_encoding::TextEncoding;
pub use value::{
    DEPTH_MAX, Encoded, Encoding, HEADER_BYTES, Value, ValueType, decode, decode_as,
    decode_to_json, encode, normalize_json, read_cbor, read_json, read_msgpack, split_header,
    value_type, write_cbor, write_header, write_json, write_msgpack,
};
pub use vault::{MAGIC, OpenOptions, Reader, Snapshot, Vault, Writer, is_vault};
pub use vectors::{
    NewVector, Vec0Batch, Vec0BatchColumn, Vec0Scan, Vectors, create_vectors, drop_vectors,
};
