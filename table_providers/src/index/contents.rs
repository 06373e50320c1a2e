//! What is in a folder of sidecars.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ogive_index::manifest::Manifest;

use super::place::{EXTENSION, SourceFile};

/// An index of one data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// What it is of.
    pub manifest: Manifest,
    /// Where the manifest is.
    pub path: PathBuf,
}

impl Sidecar {
    /// Where its codes are.
    pub fn codes(&self) -> PathBuf {
        self.path.with_file_name(&self.manifest.file)
    }

    /// Whether it is of what a file is now, or what has changed.
    ///
    /// # Errors
    /// The first fact that differs.
    pub fn is_current(&self, source: &SourceFile) -> Result<(), String> {
        // The number of rows is compared once the file is open.
        let facts = source.facts(self.manifest.source.rows, None);
        let current = self.manifest.is_current(&facts);
        current.map_err(|stale| stale.to_string())
    }

    /// Bits of a row's code.
    pub fn bits(&self) -> u64 {
        self.parameter("bits").unwrap_or_default()
    }

    fn parameter(&self, name: &str) -> Option<u64> {
        let mut parameters = self.manifest.parameters.iter();
        parameters.find(|(have, _)| have == name).map(|(_, v)| *v)
    }
}

/// A manifest that cannot be used.
#[derive(Debug, Clone)]
pub(super) struct Unusable {
    /// Its name.
    pub file: String,
    /// Where it is and what is wrong with it.
    pub message: String,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By the name of the data file.
    by_source: HashMap<String, Vec<Arc<Sidecar>>>,
    pub unusable: Vec<Unusable>,
}

impl Contents {
    /// Reads a folder; one that is not there has nothing in it.
    pub fn read(folder: &Path) -> Self {
        let mut contents = Self::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    contents.unusable.push(Unusable {
                        file: String::new(),
                        message: format!("{}: {error}", folder.display()),
                    });
                }
                return contents;
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        // Which of two indexes of a column is taken must not depend on the file system.
        paths.sort();
        for path in paths {
            if path.extension().is_none_or(|found| found != EXTENSION) {
                continue;
            }
            match read_manifest(&path) {
                Ok(manifest) => {
                    let source = manifest.source.path.clone();
                    let sidecar = Arc::new(Sidecar { manifest, path });
                    contents.by_source.entry(source).or_default().push(sidecar);
                }
                Err(message) => contents.unusable.push(Unusable {
                    file: path
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned())
                        .unwrap_or_default(),
                    message,
                }),
            }
        }
        contents
    }

    /// The indexes of a data file.
    pub fn of_source(&self, file_name: &str) -> &[Arc<Sidecar>] {
        self.by_source.get(file_name).map_or(&[], Vec::as_slice)
    }

    /// All indexes.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Sidecar>> {
        self.by_source.values().flatten()
    }
}

/// Manifests have a few hundred bytes; more than this of a file is not read.
const MANIFEST_BYTES_MAX: u64 = 2 << 20;

fn read_manifest(path: &Path) -> Result<Manifest, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = fs::File::open(path).map_err(|error| at(&error))?;
    let mut bytes = Vec::new();
    let mut limited = file.take(MANIFEST_BYTES_MAX);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| at(&error))?;
    let manifest = Manifest::read(&bytes).map_err(|error| at(&error))?;
    // Statements open the file that a manifest names: never one of another directory.
    let source = &manifest.source.path;
    if source.is_empty() || source.starts_with("..") || source.contains(['/', '\\', '\0']) {
        return Err(at(&format_args!(
            "its data file is {source:?}, expected a name in the directory above"
        )));
    }
    Ok(manifest)
}
