//! Values of vaults, put and got.

use super::{ogive, ogive_reads};

#[test]
fn values_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let long = "some text\n".repeat(100_000);
    ogive_reads(at, &["kv", "put", "v.db", "t", "a/long"], &long).ok();
    ogive_reads(at, &["kv", "put", "v.db", "t", "a/empty"], "").ok();
    ogive_reads(at, &["kv", "put", "v.db", "t", "b"], "first").ok();
    ogive_reads(at, &["kv", "put", "v.db", "t", "b"], "second").ok();
    let get = |key: &str| ogive(at, &["kv", "get", "v.db", "t", key]);
    assert_eq!(get("a/long").ok().stdout, long);
    assert_eq!(get("a/empty").ok().stdout, "");
    assert_eq!(get("b").ok().stdout, "second");
    // Reading leaves nothing beside the file.
    let names: Vec<_> = std::fs::read_dir(at).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let list = |more: &[&str]| ogive(at, &[&["kv", "list", "v.db", "t"], more].concat());
    assert_eq!(list(&[]).ok().stdout, "a/empty\na/long\nb\n");
    assert_eq!(list(&["--prefix", "a/"]).ok().stdout, "a/empty\na/long\n");
    ogive(at, &["kv", "delete", "v.db", "t", "b"]).ok();
    get("b").fails(1, &["there is no key 'b'"]);
    ogive(at, &["kv", "delete", "v.db", "t", "b"]).fails(1, &["there is no key 'b'"]);
    let sql = "SELECT count(*) AS n, max(length(value)) AS bytes FROM v.kv.t";
    let rows = ogive(at, &["v.db", "-q", "--format", "json", "-c", sql]).ok();
    assert_eq!(rows.json()[0]["n"], 2);
    assert_eq!(rows.json()[0]["bytes"], long.len());
}

#[test]
fn what_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    ogive(at, &["kv", "get", "gone.db", "t", "a"]).fails(1, &["gone.db"]);
    ogive(at, &["kv", "list", "gone.db", "t"]).fails(1, &["gone.db"]);
    std::fs::write(at.join("text.db"), "no database at all").unwrap();
    ogive(at, &["kv", "get", "text.db", "t", "a"]).fails(1, &["not a SQLite database"]);
    ogive_reads(at, &["kv", "put", "text.db", "t", "a"], "x").fails(1, &["not a SQLite database"]);
    assert_eq!(
        std::fs::read(at.join("text.db")).unwrap(),
        b"no database at all"
    );
    assert_eq!(ogive(at, &["kv", "frob"]).code, 2);
}
