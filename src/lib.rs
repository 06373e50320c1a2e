//! One SQL over compressed vector files, where they lie.
//!
//! # The model in five minutes
//!
//! A **file is a table**. `'x.cvc'`, a directory, a glob or `'s3://bucket/prefix/'` stands where a table's name would; nothing
//! is imported. A CVC file is a header and *chunks* of rows; each chunk holds its columns as codes (`fp16`, `int8`, `lossless`,
//! `none`) under a checksum. Every table ends with `_row`, the row's number in its file.
//!
//! A **distance is a function**: `l2_distance(vector, [..])`. And
//!
//! ```sql
//! SELECT _row, l2_distance(vector, $1) AS d FROM 'x.cvc' ORDER BY d LIMIT 10
//! ```
//!
//! **goes down into the scan**: distances are computed on the codes as they are stored, with a bound that proves which rows
//! cannot be in the answer; only the ten that are get decoded. DataFusion's Sort and Limit stay above, so the answer is
//! exact, and `EXPLAIN` shows `topk=[l2(vector), k=10, access=exact]`.
//!
//! # Two ways in
//!
//! A [`Session`] is the whole front end:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> datafusion::error::Result<()> {
//! let session = ogive::SessionBuilder::new().with_memory_limit(256 << 20).build()?;
//! let frame = session
//!     .sql("SELECT count(*) AS n FROM 'examples/data/passages.cvc'")
//!     .await?;
//! println!("{}", frame.to_string().await?);
//! # Ok(())
//! # }
//! ```
//!
//! [`register_all`] gives the tables, functions and rules to a DataFusion session that a program builds itself, and
//! [`enable_paths`] makes quoted paths tables there:
//!
//! ```
//! use datafusion::execution::SessionStateBuilder;
//! use datafusion::prelude::SessionContext;
//!
//! let mut builder = SessionStateBuilder::new_with_default_features();
//! ogive::register_all(&mut builder);
//! let context = ogive::enable_paths(SessionContext::new_with_state(builder.build()));
//! # let _ = context;
//! ```
//!
//! What only a [`Session`] adds: PostgreSQL's syntax, `INSERT` that need not name `_row`, stores for `s3://`, `gs://`, `az://` and
//! `http(s)://` URLs with credentials from the environment or a statement's `OPTIONS`, and the warnings of
//! [`Session::take_warnings`].
//!
//! # What it is not
//!
//! There are no servers here yet. Indexes of vector files ([`CREATE INDEX`](https://www.postgresql.org/docs/current/sql-createindex.html))
//! make searches faster and never less exact; other tables are compared row by row.
//! A local file that another program cuts short while it is being read ends the process: files are memory-mapped.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub use ogive_sql::{
    ErrorFields, Session, SessionBuilder, Statement, StoreFailure, enable_paths, parse,
    register_all, register_vault, schema_as_text, shortened, store_failure, vectors_as_text,
    with_short_lists,
};
