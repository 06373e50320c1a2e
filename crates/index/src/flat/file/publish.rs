//! Files that appear whole, under the name of their content.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ogive_temporary::TemporaryFile;
use sha2::{Digest, Sha256};

/// A file that has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the folder: the first 32 hexadecimal digits of the SHA-256 of its bytes, and the extension.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Lets `write` fill a new file in `folder`, and gives it the name of its content. It is written under another name,
/// synced and renamed: whoever sees the name sees all bytes. When `write` fails, or the process ends, nothing has the name.
/// Two who write the same bytes at once end with one file.
///
/// # Errors
/// What `write` returns, or why the file could not be made, synced or renamed.
pub fn publish<E: From<io::Error>>(
    folder: &Path,
    extension: &str,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<Published, E> {
    let mut file = TemporaryFile::create_in(folder)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    let (digest, bytes) = digest(file.as_file_mut())?;
    let name = format!("{digest}.{extension}");
    let path = folder.join(&name);
    rename(file, folder, &path)?;
    Ok(Published { path, name, bytes })
}

/// Writes a small file in the same way, in place of the one that has the name, if any.
///
/// # Errors
/// Why the file could not be made, synced or renamed.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = TemporaryFile::create_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    rename(file, folder, path)
}

fn rename(file: TemporaryFile, folder: &Path, path: &Path) -> io::Result<()> {
    file.persist(path)?;
    // The name itself is durable once the folder is; a file system that cannot say so loses nothing but that.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn digest(file: &mut File) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    file.seek(SeekFrom::Start(0))?;
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        hasher.update(part);
        bytes += part.len() as u64;
    }
    let digest = hasher.finalize();
    let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    Ok((digits.collect(), bytes))
}
