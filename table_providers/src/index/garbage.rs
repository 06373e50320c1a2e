//! What is left of indexes whose files are gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use datafusion_common::Result;

use super::FOLDER;
use super::build::{remove, unwritable};
use super::contents::Contents;

/// Codes are there before the manifest that names them: younger ones may be of a build that goes on.
const AGE: Duration = Duration::from_secs(600);

/// Removes, from the sidecars of a directory of data, those whose file is gone, and codes that no manifest names. Returns what it
/// removed. Nothing is removed on account of a manifest that cannot be read, as it may be another version's.
///
/// # Errors
/// The folder cannot be written to.
pub fn collect_garbage(directory: &Path) -> Result<Vec<PathBuf>> {
    let folder = directory.join(FOLDER);
    let contents = Contents::read(&folder);
    let mut removed = Vec::new();
    let mut take = |path: PathBuf| -> Result<()> {
        remove(&path).map_err(|error| unwritable(&folder, &error))?;
        removed.push(path);
        Ok(())
    };
    let mut named = Vec::new();
    for sidecar in contents.all() {
        let source = directory.join(&sidecar.manifest.source.path);
        if source.try_exists().unwrap_or(true) {
            named.push(sidecar.codes());
        } else {
            take(sidecar.path.clone())?;
        }
    }
    if contents.unusable.is_empty() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut codes: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        codes.sort();
        for path in codes {
            let is_codes = path.extension().is_some_and(|found| found == "flat");
            let modified = fs::metadata(&path).and_then(|found| found.modified());
            let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            if is_codes && !named.contains(&path) && age.is_ok_and(|age| age > AGE) {
                take(path)?;
            }
        }
    }
    let _ = fs::remove_dir(&folder);
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn what_nobody_names_is_removed_once_it_is_old() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        let (old, young, other) = (
            folder.join("old.flat"),
            folder.join("young.flat"),
            folder.join("notes.txt"),
        );
        for path in [&old, &young, &other] {
            fs::write(path, "codes").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * AGE;
        File::options()
            .write(true)
            .open(&old)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        // A manifest that says nothing may be the one that names them.
        let unreadable = folder.join("a.npy.i.index");
        fs::write(&unreadable, "{}").unwrap();
        assert!(collect_garbage(directory.path()).unwrap().is_empty());
        fs::remove_file(&unreadable).unwrap();
        assert_eq!(collect_garbage(directory.path()).unwrap(), [old]);
        assert!(young.exists() && other.exists());
    }
}
