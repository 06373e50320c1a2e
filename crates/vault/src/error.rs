//! What can be wrong with a file, or with what is asked of this crate.

use std::fmt;

/// Result of everything fallible here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in a file something is: the file, a table of it, a row of that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Path of the file.
    pub file: Box<str>,
    /// The table or column, with the name of its schema: `kv.docs`.
    pub table: Option<Box<str>>,
    /// The row: `row 5`, `key 'user:1'`, `chunk 2`.
    pub row: Option<Box<str>>,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: &str) -> Self {
        Self {
            file: file.into(),
            ..Self::default()
        }
    }

    /// A table of the file.
    pub fn table(file: &str, schema: &str, table: &str) -> Self {
        Self {
            file: file.into(),
            table: Some(format!("{schema}.{table}").into()),
            row: None,
        }
    }

    /// The same table, at a row.
    #[must_use]
    pub fn at(&self, row: impl fmt::Display) -> Self {
        Self {
            row: Some(row.to_string().into()),
            ..self.clone()
        }
    }

    /// The error that what is stored here is not what it should be.
    pub fn damaged(
        &self,
        what: &'static str,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Error {
        Error::Damaged {
            place: self.clone(),
            what,
            found: found.to_string().into(),
            expected: expected.to_string().into(),
        }
    }

    /// The error that a call does not fit what is stored here.
    pub fn bad_request(
        &self,
        what: &'static str,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Error {
        Error::BadRequest {
            place: self.clone(),
            what,
            found: found.to_string().into(),
            expected: expected.to_string().into(),
        }
    }

    /// A value here that cannot be decoded or encoded.
    pub fn value(&self, source: ValueError) -> Error {
        Error::BadValue {
            place: self.clone(),
            source,
        }
    }

    /// What SQLite says of this place.
    pub fn sqlite(&self, doing: &'static str, source: rusqlite::Error) -> Error {
        use rusqlite::ErrorCode;
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy {
                place: self.clone(),
                doing,
                source: Box::new(source),
            },
            Some(ErrorCode::ReadOnly) => Error::ReadOnly {
                place: self.clone(),
                doing,
                source: Box::new(source),
            },
            Some(ErrorCode::NotADatabase) => Error::NotSqlite {
                file: self.file.clone(),
                found: "other bytes".into(),
            },
            _ => Error::Sqlite {
                place: self.clone(),
                doing,
                source: Box::new(source),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(table) = &self.table {
            write!(f, ": {table}")?;
        }
        if let Some(row) = &self.row {
            write!(f, ": {row}")?;
        }
        Ok(())
    }
}

/// Why a file cannot be read or written. [`Error::kind`] is stable and coarse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first bytes are not SQLite's.
    #[error(
        "{file}: not a SQLite database: it starts with {found}, expected \"SQLite format 3\"; an encrypted database starts with other bytes too, and has to be decrypted first"
    )]
    NotSqlite {
        /// Path of the file.
        file: Box<str>,
        /// The first bytes, printable.
        found: Box<str>,
    },
    /// The file cannot be opened.
    #[error("{file}: cannot be opened: {reason}")]
    Open {
        /// Path of the file.
        file: Box<str>,
        /// What is the matter, and what would help.
        reason: Box<str>,
    },
    /// Stored bytes are not what the format says.
    #[error("{place}: {what} is {found}, expected {expected}; the file is damaged")]
    Damaged {
        /// Where.
        place: Place,
        /// What is bad.
        what: &'static str,
        /// What it is.
        found: Box<str>,
        /// What it should be.
        expected: Box<str>,
    },
    /// A value cannot be decoded or encoded.
    #[error("{place}: {source}")]
    BadValue {
        /// Where.
        place: Place,
        /// What is wrong with it.
        source: ValueError,
    },
    /// A call that does not fit what is there.
    #[error("{place}: {what}: found {found}, expected {expected}")]
    BadRequest {
        /// Where.
        place: Place,
        /// What is wrong with the call.
        what: &'static str,
        /// What was given.
        found: Box<str>,
        /// What would have been right.
        expected: Box<str>,
    },
    /// Another connection holds the lock for longer than the time that was given.
    #[error(
        "{place}: {doing}: another connection is writing ({source}); wait for it to end or raise the busy time-out"
    )]
    Busy {
        /// Where.
        place: Place,
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: Box<rusqlite::Error>,
    },
    /// A write to a file that is opened, or can be opened, for reading alone.
    #[error(
        "{place}: {doing}: the file is open for reading only ({source}); attach it without READ_ONLY, from a folder that can be written"
    )]
    ReadOnly {
        /// Where.
        place: Place,
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: Box<rusqlite::Error>,
    },
    /// Anything else that SQLite refuses.
    #[error("{place}: {doing}: {source}")]
    Sqlite {
        /// Where.
        place: Place,
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: Box<rusqlite::Error>,
    },
    /// The program's own reader or writer failed while a value was streamed.
    #[error("{place}: {source}")]
    Stream {
        /// Where.
        place: Place,
        /// What it says.
        source: std::io::Error,
    },
}

/// What a caller would do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is not a database, or cannot be opened.
    Open,
    /// The file is damaged.
    Damaged,
    /// The request does not fit the file.
    BadRequest,
    /// Try again.
    Busy,
    /// Open it for writing.
    ReadOnly,
    /// SQLite or the operating system.
    Other,
}

impl Error {
    /// What a caller would do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotSqlite { .. } | Self::Open { .. } => ErrorKind::Open,
            Self::Damaged { .. } => ErrorKind::Damaged,
            Self::BadValue { .. } | Self::BadRequest { .. } => ErrorKind::BadRequest,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Sqlite { source, .. } => match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => ErrorKind::Damaged,
                _ => ErrorKind::Other,
            },
            Self::Stream { .. } => ErrorKind::Other,
        }
    }
}

/// A rule of a table that a row breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Another row has its key.
    Unique,
    /// A value is missing.
    NotNull,
    /// A condition is false.
    Check,
    /// There is no row that it refers to.
    ForeignKey,
}

impl Error {
    /// The rule that a row breaks, if that is what happened.
    pub fn broken_constraint(&self) -> Option<Constraint> {
        let Self::Sqlite { source, .. } = self else {
            return None;
        };
        match source.sqlite_error()?.extended_code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => Some(Constraint::Unique),
            rusqlite::ffi::SQLITE_CONSTRAINT_NOTNULL => Some(Constraint::NotNull),
            rusqlite::ffi::SQLITE_CONSTRAINT_CHECK => Some(Constraint::Check),
            rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(Constraint::ForeignKey),
            _ => None,
        }
    }
}

/// Bytes that are not the value that they are taken for, or a value that has no such bytes. The functions that say so know
/// no file; who calls them adds the [`Place`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {found}, expected {expected}")]
pub struct ValueError {
    /// What is wrong.
    pub what: &'static str,
    /// What was found.
    pub found: Box<str>,
    /// What would have been right.
    pub expected: Box<str>,
}

impl ValueError {
    /// A value error of these facts.
    pub fn new(what: &'static str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self {
            what,
            found: found.to_string().into(),
            expected: expected.to_string().into(),
        }
    }
}
