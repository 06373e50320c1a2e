//! What can go wrong with a checkout as a whole, and with one of its files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// At which stage a file failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stage {
    /// While folders were listed.
    Walk,
    /// While the file was read.
    Read,
    /// While its bytes were made text.
    Decode,
    /// While its text was parsed.
    Parse,
    /// The file is beyond a limit of size, line length, time or depth.
    Limit,
}

impl Stage {
    /// The stage's name in tables: `walk`, `read`, `decode`, `parse` or `limit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Parse => "parse",
            Self::Limit => "limit",
        }
    }
}

/// One thing that is wrong with one path. Such errors are values: they never end a scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileError {
    /// The path, relative to the checkout, with forward slashes.
    pub path: String,
    /// The stage at which it failed.
    pub stage: Stage,
    /// What is wrong, in words.
    pub message: String,
}

impl FileError {
    pub(crate) fn new(path: &str, stage: Stage, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            stage,
            message: message.into(),
        }
    }
}

/// An error of a whole call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing at the path.
    #[error("{}: {source}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A pattern is not a glob.
    #[error("the pattern \"{pattern}\" is not a glob: {source}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A name stands for nothing that is known.
    #[error("{what} \"{name}\" is not known, expected one of {expected}")]
    UnknownName {
        /// What the name should name: a language, an encoding, a level.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The names that are known.
        expected: String,
    },
    /// The budget has no room for even the header.
    #[error("a budget of {budget} tokens is too small: the header alone takes {needed}")]
    BudgetTooSmall {
        /// The budget as given.
        budget: u64,
        /// What the smallest output takes.
        needed: u64,
    },
    /// The cache can be neither opened nor made anew.
    #[error("the cache {}: {message}", path.display())]
    Cache {
        /// The cache's file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// An archive, or an entry of it, cannot be unpacked.
    #[error("{}{}: {message}", path.display(), entry_in_words(entry))]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The entry's name; empty where it is the archive as a whole.
        entry: String,
        /// What is wrong.
        message: String,
    },
    /// A template cannot be read or filled.
    #[error("the template: {message}")]
    Template {
        /// What is wrong, and where.
        message: String,
    },
    /// The pool of threads cannot be made.
    #[error("no threads for the scan: {message}")]
    Threads {
        /// What the system says.
        message: String,
    },
}

/// An entry as it is named after its archive.
fn entry_in_words(entry: &str) -> String {
    match entry {
        "" => String::new(),
        entry => format!(": entry {entry:?}"),
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
