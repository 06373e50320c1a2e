//! Archives of source code, unpacked to a folder that is looked at like any other.
//!
//! Entries are written as they are read, so that memory does not grow with the archive. Names that lead out of the folder, more
//! bytes than an archive of its size holds in earnest, and entries that are damaged are errors that name the entry. Links and
//! devices are left out. An entry beyond the size of files that are read is a file of that size with nothing in it: the scan
//! says so.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// The most bytes of an archive's entries, and the most for each of its own.
const BYTES_MAX: u64 = 8 << 30;
const RATIO_MAX: u64 = 200;
/// An archive of so few bytes of entries is none to be afraid of, however well it is compressed.
const BYTES_HARMLESS: u64 = 64 << 20;
/// The most entries.
const ENTRIES_MAX: u64 = 1_000_000;

/// A form of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Zip,
    Tar,
    TarGz,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let ends = |end: &str| name.len() > end.len() && name.ends_with(end);
        if ends(".zip") {
            Some(Self::Zip)
        } else if ends(".tar") {
            Some(Self::Tar)
        } else if ends(".tar.gz") || ends(".tgz") {
            Some(Self::TarGz)
        } else {
            None
        }
    }
}

/// Whether a path has the name of an archive that can be unpacked: `.zip`, `.tar`, `.tar.gz`, `.tgz`.
#[must_use]
pub fn is_archive(path: &Path) -> bool {
    Form::of(path).is_some()
}

/// Unpacks an archive into a folder that is empty. Files of more than `file_bytes_max` bytes are written without content.
pub(crate) fn unpack(archive: &Path, into: &Path, file_bytes_max: u64) -> Result<()> {
    let failed = |entry: &str, message: String| Error::Archive {
        path: archive.to_owned(),
        entry: entry.to_owned(),
        message,
    };
    let whole = |error: io::Error| failed("", error.to_string());
    let file = File::open(archive).map_err(whole)?;
    let size = file.metadata().map_err(whole)?.len();
    let mut out = Unpacked {
        root: into,
        file_bytes_max,
        left: BYTES_MAX.min(size.saturating_mul(RATIO_MAX).max(BYTES_HARMLESS)),
        entries: 0,
    };
    match Form::of(archive) {
        Some(Form::Zip) => {
            let mut zip = zip::ZipArchive::new(BufReader::new(file))
                .map_err(|error| failed("", error.to_string()))?;
            for number in 0..zip.len() {
                let name = zip
                    .name_for_index(number)
                    .unwrap_or("an entry without a name")
                    .to_owned();
                let mut entry = zip
                    .by_index(number)
                    .map_err(|error| failed(&name, error.to_string()))?;
                let done = if entry.is_dir() {
                    out.folder(Path::new(&name))
                } else if entry.is_symlink() {
                    Ok(())
                } else {
                    out.file(Path::new(&name), &mut entry)
                };
                done.map_err(|message| failed(&name, message))?;
            }
            Ok(())
        }
        Some(Form::Tar) => out.tar(BufReader::new(file), &failed),
        Some(Form::TarGz) => {
            // Several streams one after another are one.
            let inflated = flate2::read::MultiGzDecoder::new(BufReader::new(file));
            out.tar(inflated, &failed)
        }
        None => Err(failed(
            "",
            "no archive: expected .zip, .tar, .tar.gz or .tgz".to_owned(),
        )),
    }
}

/// What is being unpacked, and what it may still take.
struct Unpacked<'a> {
    root: &'a Path,
    file_bytes_max: u64,
    left: u64,
    entries: u64,
}

type Done = std::result::Result<(), String>;

impl Unpacked<'_> {
    fn tar(&mut self, bytes: impl Read, failed: &dyn Fn(&str, String) -> Error) -> Result<()> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive
            .entries()
            .map_err(|error| failed("", error.to_string()))?;
        let mut last = "before its first entry".to_owned();
        for entry in entries {
            let mut entry =
                entry.map_err(|error| failed(&format!("after {last}"), error.to_string()))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let kind = entry.header().entry_type();
            let done = if kind.is_dir() {
                self.folder(Path::new(&name))
            } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                self.file(Path::new(&name), &mut entry)
            } else {
                Ok(())
            };
            done.map_err(|message| failed(&name, message))?;
            last = name;
        }
        Ok(())
    }

    /// Where an entry goes.
    fn place(&mut self, name: &Path) -> std::result::Result<Option<PathBuf>, String> {
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            return Err(format!("more than {ENTRIES_MAX} entries"));
        }
        let mut place = self.root.to_owned();
        let mut is_root = true;
        for part in name.components() {
            match part {
                Component::Normal(part) => {
                    place.push(part);
                    is_root = false;
                }
                Component::CurDir => {}
                _ => return Err("a path that leads out of the archive".to_owned()),
            }
        }
        if name.as_os_str().as_encoded_bytes().contains(&0) {
            return Err("a path with a zero byte".to_owned());
        }
        Ok((!is_root).then_some(place))
    }

    fn folder(&mut self, name: &Path) -> Done {
        match self.place(name)? {
            Some(place) => fs::create_dir_all(place).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &Path, bytes: &mut impl Read) -> Done {
        let say = |error: io::Error| error.to_string();
        let Some(place) = self.place(name)? else {
            return Err("a file without a name".to_owned());
        };
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(say)?;
        }
        let mut file = File::create(&place).map_err(say)?;
        let mut buffer = [0; 64 << 10];
        let mut written = 0_u64;
        loop {
            let count = match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(say(error)),
            };
            written += count as u64;
            self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
                "the archive unpacks to more bytes than one of its size has in earnest".to_owned()
            })?;
            if written <= self.file_bytes_max {
                file.write_all(buffer.get(..count).unwrap_or(&[]))
                    .map_err(say)?;
            }
        }
        if written > self.file_bytes_max {
            file.set_len(0)
                .and_then(|()| file.set_len(written))
                .map_err(say)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_an_archive() {
        for name in ["a.zip", "b/A.ZIP", "a.tar", "a.tar.gz", "a.tgz"] {
            assert!(is_archive(Path::new(name)), "{name}");
        }
        for name in ["zip", ".zip", "a.gz", "a.zip.py", "a"] {
            assert!(!is_archive(Path::new(name)), "{name}");
        }
    }
}
