//! Building and dropping the index of one file.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use datafusion_common::DataFusionError;
use ogive_index::flat::{BuildOptions, Measure, build_file, replace};
use ogive_index::manifest::Manifest;
use ogive_index::{BuildError, ExactRows};
use ogive_vectors::VectorError;

use super::Sidecar;
use super::contents::Contents;
use super::place::SourceFile;

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildIndex {
    /// The index's name.
    pub name: String,
    /// The column.
    pub column: String,
    /// The distances.
    pub measure: Measure,
    /// Bits of a row's code; chosen where there are none.
    pub bits: Option<usize>,
    /// Threads that encode.
    pub threads: usize,
}

/// What is being built of one file.
#[derive(Clone, Copy)]
pub struct IndexBuild<'a> {
    /// The file.
    pub file: &'a SourceFile,
    /// [`ogive_index::manifest::content_sample`] of it, where its bytes are at hand.
    pub sample: Option<&'a str>,
    /// Where the sidecar goes.
    pub folder: &'a Path,
    /// Called with the rows that are done; `false` stops the build.
    pub progress: &'a dyn Fn(u64) -> bool,
}

/// Builds the index of one file: codes first, then the manifest that names them.
///
/// # Errors
/// Rows cannot be read, or the sidecar not be written; the build was stopped. What was there before stays.
pub fn build_index<R: ExactRows<Error = DataFusionError>>(
    rows: &R,
    request: &BuildIndex,
    build: IndexBuild<'_>,
) -> Result<Sidecar, DataFusionError> {
    let started = Instant::now();
    let folder = build.folder;
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let options = BuildOptions {
        bits: request.bits,
        threads: request.threads.max(1),
        progress: Some(build.progress),
        ..BuildOptions::new(request.measure)
    };
    let published = build_file(rows, &options, folder).map_err(|error| match error {
        BuildError::Rows { source } => source,
        BuildError::Write { source } => unwritable(folder, &source),
        BuildError::Cancelled => {
            let _ = fs::remove_dir(folder);
            cancelled()
        }
        BuildError::Unsupported {
            what,
            found,
            expected,
        } => refused(VectorError::new(
            "0A000",
            format!(
                "{}: {what} is {found}, indexes take {expected}",
                build.file.name
            ),
        )),
        other => DataFusionError::External(Box::new(other)),
    })?;
    let bits = opened_bits(&published.path)?;
    if !(build.progress)(rows.rows()) {
        remove_codes(folder, &published.name).map_err(|error| unwritable(folder, &error))?;
        let _ = fs::remove_dir(folder);
        return Err(cancelled());
    }
    let manifest = Manifest {
        name: request.name.clone(),
        source: build
            .file
            .facts(rows.rows(), build.sample.map(str::to_string)),
        column: request.column.clone(),
        method: "flat".to_string(),
        measure: request.measure,
        parameters: vec![("bits".to_string(), bits)],
        rows_at: None,
        file: published.name,
        file_bytes: published.bytes,
        build_milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let path = folder.join(build.file.manifest_name(&request.name));
    let before = fs::read(&path)
        .ok()
        .and_then(|text| Manifest::read(&text).ok());
    replace(&path, manifest.write().as_bytes()).map_err(|error| unwritable(folder, &error))?;
    if let Some(before) = before
        && before.file != manifest.file
    {
        remove_codes(folder, &before.file).map_err(|error| unwritable(folder, &error))?;
    }
    Ok(Sidecar { manifest, path })
}

/// The size of codes that the build has chosen.
fn opened_bits(path: &Path) -> Result<u64, DataFusionError> {
    use ogive_index::flat::{FlatIndex, MappedFile};
    let map = MappedFile::open(path)?;
    let index = FlatIndex::open_unverified(map)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(index.bits() as u64)
}

/// Removes an index of one file: the manifest, then its codes, unless another index has the same.
///
/// # Errors
/// When the folder cannot be written to. A file that is gone already is no error.
pub fn drop_sidecar(sidecar: &Sidecar) -> Result<(), DataFusionError> {
    let Some(folder) = sidecar.path.parent() else {
        return Ok(());
    };
    remove(&sidecar.path)
        .and_then(|()| remove_codes(folder, &sidecar.manifest.file))
        .map_err(|error| unwritable(folder, &error))?;
    // The last one takes the folder with it; with anything else in it, it stays.
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn remove_codes(folder: &Path, name: &str) -> io::Result<()> {
    let is_used = Contents::read(folder)
        .all()
        .any(|other| other.manifest.file == name);
    if is_used {
        Ok(())
    } else {
        remove(&folder.join(name))
    }
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn unwritable(folder: &Path, error: &io::Error) -> DataFusionError {
    let mut wrong = VectorError::new("58030", format!("{}: {error}", folder.display()));
    if matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    ) {
        wrong = VectorError::new("42501", format!("{}: {error}", folder.display())).with_hint(
            "SET ogive.index_location = '/a/folder' keeps indexes elsewhere than beside the data.",
        );
    }
    refused(wrong)
}

fn cancelled() -> DataFusionError {
    refused(VectorError::new(
        "57014",
        "the build of the index was cancelled",
    ))
}

fn refused(error: VectorError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
