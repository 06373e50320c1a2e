//! `ogive kv`: values of key-value tables in SQLite vaults, of any size, in constant memory.

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use ogive_vault::{Contents, Kv, KvTable, OpenOptions, Store, Vault, copy_value, create_kv};

use crate::cli::arguments::{KvCommand, KvKey, KvTableArguments};
use crate::cli::error::{Failure, Result};

/// Runs the command.
pub fn run(command: KvCommand) -> Result<()> {
    match command {
        KvCommand::Put(key) => put(&key),
        KvCommand::Get(key) => get(&key),
        KvCommand::List(table) => list(&table),
        KvCommand::Delete(key) => delete(&key),
    }
}

/// Stores standard input. The file and the table are made where they are not there.
fn put(key: &KvKey) -> Result<()> {
    // How long a value is has to be known before its first byte is stored.
    let mut value = tempfile::tempfile()?;
    let length = io::copy(&mut io::stdin().lock(), &mut value)?;
    value.rewind()?;
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    let vault = Vault::open(&key.file, options).map_err(failed)?;
    let writer = vault.writer().map_err(failed)?;
    let contents = Contents::read(&writer, &vault.place()).map_err(failed)?;
    let table = match contents.find("kv", &key.table) {
        Some(Store::Kv(table)) => table,
        _ => {
            create_kv(&writer, vault.file(), &key.table).map_err(failed)?;
            let contents = Contents::read(&writer, &vault.place()).map_err(failed)?;
            match contents.find("kv", &key.table) {
                Some(Store::Kv(table)) => table,
                _ => return Err(no_table(&key.file, &key.table)),
            }
        }
    };
    Kv::new(&writer, vault.file(), &table)
        .put_from(key.key.as_bytes(), length, &mut value)
        .map_err(failed)?;
    writer.commit().map_err(failed)
}

fn get(key: &KvKey) -> Result<()> {
    let vault = open(&key.file, true)?;
    let reader = vault.reader().map_err(failed)?;
    let table = find(&reader, &vault, &key.file, &key.table)?;
    let kv = Kv::new(&reader, vault.file(), &table);
    let Some(mut value) = kv.reader(key.key.as_bytes()).map_err(failed)? else {
        return Err(no_key(key));
    };
    let mut out = BufWriter::new(io::stdout().lock());
    copy_value(&mut value, &mut out, &vault.place()).map_err(failed)?;
    Ok(out.flush()?)
}

/// Prints a key a line, in key order; bytes that are no text as `\xff`.
fn list(arguments: &KvTableArguments) -> Result<()> {
    let vault = open(&arguments.file, true)?;
    let reader = vault.reader().map_err(failed)?;
    let table = find(&reader, &vault, &arguments.file, &arguments.table)?;
    let kv = Kv::new(&reader, vault.file(), &table);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut printed = Ok(());
    let prefix = arguments.prefix.as_deref().unwrap_or_default();
    kv.prefix(prefix.as_bytes(), |key, _| {
        printed = match std::str::from_utf8(key) {
            Ok(text) if !text.chars().any(char::is_control) => writeln!(out, "{text}"),
            _ => writeln!(out, "{}", key.escape_ascii()),
        };
        printed.is_ok()
    })
    .map_err(failed)?;
    printed?;
    Ok(out.flush()?)
}

fn delete(key: &KvKey) -> Result<()> {
    let vault = open(&key.file, false)?;
    let writer = vault.writer().map_err(failed)?;
    let table = find(&writer, &vault, &key.file, &key.table)?;
    let deleted = Kv::new(&writer, vault.file(), &table)
        .delete(key.key.as_bytes())
        .map_err(failed)?;
    if !deleted {
        return Err(no_key(key));
    }
    writer.commit().map_err(failed)
}

fn open(file: &Path, read_only: bool) -> Result<Vault> {
    let options = OpenOptions {
        read_only,
        ..OpenOptions::default()
    };
    Vault::open(file, options).map_err(failed)
}

fn find(
    connection: &ogive_vault::SqliteConnection,
    vault: &Vault,
    file: &Path,
    name: &str,
) -> Result<KvTable> {
    let contents = Contents::read(connection, &vault.place()).map_err(failed)?;
    match contents.find("kv", name) {
        Some(Store::Kv(table)) => Ok(table),
        _ => Err(no_table(file, name)),
    }
}

fn no_table(file: &Path, name: &str) -> Failure {
    Failure::about(
        file.display(),
        format!("there is no key-value table '{name}'"),
    )
}

fn no_key(key: &KvKey) -> Failure {
    Failure::about(
        key.file.display(),
        format!("{}: there is no key '{}'", key.table, key.key),
    )
}

fn failed(error: ogive_vault::Error) -> Failure {
    Failure::Failed(error.to_string())
}
