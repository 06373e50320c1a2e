//! What `ATTACH` can attach: kinds of files and folders that are catalogues of tables.
//!
//! A new kind is a room with an [`AttachmentKind`], and a line in [`attachment_kinds`](crate::attachment_kinds).

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::{Result, not_impl_err};
use datafusion_session::CatalogProvider;

use crate::changes::RestorePoint;
use crate::vault::SqliteTypes;

/// How something is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachOptions {
    /// Refuse writes.
    pub read_only: bool,
    /// Milliseconds to wait for other programs' locks.
    pub busy_timeout_ms: u64,
    /// Where facts of source code are kept: a folder, empty for the user's caches, `off` for nowhere.
    pub code_cache: String,
}

/// A kind of file or folder that can be attached.
#[async_trait]
pub trait AttachmentKind: Debug + Send + Sync {
    /// What `TYPE` may call it, in lower case; the first is its name in messages.
    fn names(&self) -> &'static [&'static str];

    /// What it is, for errors: `a SQLite database`.
    fn describe(&self) -> &'static str;

    /// Whether what is at a path is of this kind. Reads no more than the beginning of a file.
    fn is_own(&self, path: &Path) -> bool;

    /// Whether a path on the command line is this rather than a table: not where a folder may be either.
    fn is_by_path(&self) -> bool {
        false
    }

    /// Whether a path at which nothing is would be of this kind, by its name: `ATTACH` then makes it.
    fn is_new(&self, _path: &Path) -> bool {
        false
    }

    /// The catalogue of what is at a path.
    ///
    /// # Errors
    /// It cannot be opened, or is not of this kind.
    async fn open(&self, path: &Path, options: AttachOptions) -> Result<Arc<dyn Attachment>>;
}

/// Something attached: a catalogue, and what statements can do to it beside changing rows.
#[async_trait]
pub trait Attachment: CatalogProvider {
    /// The name of its kind.
    fn kind(&self) -> &'static str;

    /// Where it is, as it was given.
    fn path(&self) -> &str;

    /// Whether it refuses writes.
    fn is_read_only(&self) -> bool;

    /// What is done with values of SQLite that do not fit their column's type.
    fn set_sqlite_types(&self, _types: SqliteTypes) {}

    /// Makes a table.
    ///
    /// # Errors
    /// It is there already; the kind has no such tables.
    async fn create_table(self: Arc<Self>, _table: NewTable) -> Result<()> {
        not_impl_err!("CREATE TABLE in a {}", self.kind())
    }

    /// Drops a table; false if there is none.
    ///
    /// # Errors
    /// It cannot be dropped.
    async fn drop_table(self: Arc<Self>, _schema: &str, _name: &str) -> Result<bool> {
        not_impl_err!("DROP TABLE in a {}", self.kind())
    }

    /// `CHECKPOINT`, `VACUUM`, `ANALYZE`, `REFRESH`.
    ///
    /// # Errors
    /// What the file's own engine says.
    async fn maintain(self: Arc<Self>, maintenance: Maintenance) -> Result<()> {
        not_impl_err!("{} of a {}", maintenance.name(), self.kind())
    }

    /// Begins a transaction block: changes until its end happen together or not at all.
    ///
    /// # Errors
    /// It has none.
    async fn begin_block(&self) -> Result<Box<dyn RestorePoint>> {
        not_impl_err!("transaction blocks over a {}", self.kind())
    }

    /// Equal for two values over one attachment, and for the stores of its rows.
    fn identity(&self) -> usize;
}

/// A table to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<NewColumn>,
    /// Columns and constraints as they were written.
    pub definition: String,
    /// `WITH (name = 'value')`, names in lower case.
    pub options: Vec<(String, String)>,
    /// It may be there.
    pub if_not_exists: bool,
}

/// A column of a table to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// Its type as it was written, in lower case: `vector(3)`.
    pub data_type: String,
}

/// What keeps a file in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maintenance {
    /// The log goes into the file.
    Checkpoint,
    /// Room that nothing uses is given back.
    Vacuum,
    /// Statistics are taken.
    Analyze,
    /// What is kept of files is thrown away, and made again.
    Refresh,
}

impl Maintenance {
    /// The statement's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "CHECKPOINT",
            Self::Vacuum => "VACUUM",
            Self::Analyze => "ANALYZE",
            Self::Refresh => "REFRESH",
        }
    }
}
