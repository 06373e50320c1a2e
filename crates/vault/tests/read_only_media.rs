//! Files where nothing can be written: read as they are, and nothing is left beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use ogive_vault::{ErrorKind, Kv, OpenOptions, Store, Vault};

/// Names the file to the test that runs as a child.
const CHILD_FILE: &str = "OGIVE_TEST_READ_ONLY";
/// A user who may write nothing here.
const NOBODY: u32 = 65_534;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Reads through every door, and finds that nothing can be written.
#[test]
fn child_that_reads() {
    let Some(file) = std::env::var_os(CHILD_FILE) else {
        return;
    };
    assert!(std::fs::write(Path::new(&file).with_extension("new"), b"").is_err());
    for read_only in [true, false] {
        let options = OpenOptions {
            read_only,
            ..OpenOptions::default()
        };
        let vault = Vault::open(&file, options).unwrap();
        let contents = vault.contents().unwrap();
        let Some(Store::Kv(table)) = contents.find("kv", "kv") else {
            panic!("{contents:?}");
        };
        for reader in vault.readers(3).unwrap() {
            let kv = Kv::new(&reader, vault.file(), &table);
            assert_eq!(kv.len().unwrap(), 3);
            assert!(kv.get(b"cfg").unwrap().is_some());
        }
        assert_eq!(vault.contents().unwrap().names("text").len(), 2);
        let error = vault.writer().map(|_| ()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::Open),
            "{error}"
        );
    }
    println!("\nread");
}

#[test]
fn a_file_on_read_only_media_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let file = disk.join("notes.db");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::copy(fixtures.join("combined.db"), &file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    // The header says WAL, which SQLite opens only where it can make files beside it.
    assert_eq!(bytes[18..20], [2, 2]);
    mode(&file, 0o444);
    mode(&disk, 0o555);
    mode(folder.path(), 0o755);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["child_that_reads", "--exact", "--nocapture"])
        .env(CHILD_FILE, &file);
    // Root may write anywhere.
    if std::fs::write(disk.join("probe"), b"").is_ok() {
        std::fs::remove_file(disk.join("probe")).unwrap();
        child.uid(NOBODY);
    }
    let output = match child.output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: another user cannot run this test: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("\nread\n"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(names(&disk), ["notes.db"]);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    mode(&disk, 0o755);
}

/// Whoever reads a file that nobody else uses leaves it as it was, and alone.
#[test]
fn reading_leaves_no_log_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::copy(fixtures.join("combined.db"), &file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let reading = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    {
        let vault = Vault::open(&file, reading).unwrap();
        assert_eq!(vault.contents().unwrap().kv.len(), 2);
    }
    assert_eq!(names(folder.path()), ["notes.db"]);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    // Beside somebody who uses it, what is his stays.
    let writing = Vault::open(&file, OpenOptions::default()).unwrap();
    let writer = writing.writer().unwrap();
    writer.execute_batch("CREATE TABLE more (id)").unwrap();
    writer.commit().unwrap();
    drop(Vault::open(&file, reading).unwrap());
    assert_eq!(
        names(folder.path()),
        ["notes.db", "notes.db-shm", "notes.db-wal"]
    );
    assert!(writing.contents().unwrap().find("main", "more").is_some());
}
