//! Where the sidecars of a file are.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use ogive_index::manifest::SourceFacts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The folder of sidecars beside data.
pub const FOLDER: &str = "_ogive";
/// What the names of manifests end in.
pub(super) const EXTENSION: &str = "index";

/// What may stand in the name of a manifest as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// A data file that may have indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path or URL.
    pub name: String,
    /// Its path, if it is a local file.
    pub path: Option<PathBuf>,
    /// Its size.
    pub bytes: u64,
    /// When it was changed.
    pub modified: DateTime<Utc>,
    /// Its tag, if it is an object.
    pub etag: Option<String>,
}

impl SourceFile {
    /// Its name without the directory.
    pub fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The directory's path or URL.
    fn directory(&self) -> &str {
        self.name
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory)
    }

    /// What an index of it says that it was.
    pub(super) fn facts(&self, rows: u64, sample: Option<String>) -> SourceFacts {
        let is_local = self.path.is_some();
        SourceFacts {
            path: self.file_name().to_string(),
            bytes: self.bytes,
            // Times of objects are those of their upload to one bucket, and have seconds; they have tags.
            modified_ns: self.modified.timestamp_nanos_opt().filter(|_| is_local),
            etag: self.etag.clone().filter(|_| !is_local),
            rows,
            sample,
        }
    }

    /// The manifest of an index of it.
    pub(super) fn manifest_name(&self, index: &str) -> String {
        let index = utf8_percent_encode(index, PLAIN);
        format!("{}.{index}.{EXTENSION}", self.file_name())
    }
}

/// The folders in which sidecars of a file may be; `location` is `ogive.index_location`.
pub fn sidecar_folders(file: &SourceFile, location: Option<&Path>) -> Vec<PathBuf> {
    let beside = file.path.as_deref().and_then(Path::parent);
    let beside = beside.map(|directory| directory.join(FOLDER));
    let elsewhere = location.map(|location| location.join(directory_digest(file.directory())));
    elsewhere.into_iter().chain(beside).collect()
}

/// The folder in which new sidecars of a file go; `None` for an object, unless there is a location.
pub fn writing_folder(file: &SourceFile, location: Option<&Path>) -> Option<PathBuf> {
    sidecar_folders(file, location).into_iter().next()
}

/// The folder of a directory of data in the location of indexes.
fn directory_digest(directory: &str) -> String {
    let digest = Sha256::digest(directory.as_bytes());
    let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    digits.collect()
}
