//! Indexes from the command line.

use std::fs;

use super::ogive;

/// Vectors of a table's rows, in a CVC file.
fn make(at: &std::path::Path, name: &str, rows: usize) {
    let sql = format!(
        "COPY (SELECT arrow_cast([sin(i * 0.7), cos(i * 1.3), sin(i * 2.9), cos(i * 0.1)], 'FixedSizeList(4, Float32)') AS v \
         FROM generate_series(1, {rows}) t(i)) TO '{name}' OPTIONS (compression 'none')"
    );
    ogive(at, &["-q", "-c", &sql]).ok();
}

#[test]
fn an_index_is_built_listed_refreshed_and_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    make(at, "docs.cvc", 3000);
    let built = ogive(at, &["index", "build", "docs.cvc", "--metric", "cosine"]).ok();
    assert!(built.stdout.contains("docs_v_idx"), "{built:?}");
    let plan = "EXPLAIN SELECT _row FROM docs ORDER BY v <=> '[1,0,0,1]' LIMIT 3";
    let plan = ogive(at, &["docs.cvc", "-q", "-c", plan]).ok();
    assert!(
        plan.stdout.contains("access=exact-certified(flat"),
        "{plan:?}"
    );
    ogive(at, &["index", "build", "docs.cvc", "--name", "docs_v_idx"])
        .fails(1, &["relation \"docs_v_idx\" already exists"]);
    ogive(at, &["index", "verify", "docs.cvc"]).ok();

    make(at, "docs.cvc", 2500);
    let stale = ogive(at, &["index", "verify", "docs.cvc"]);
    assert!(stale.stdout.contains("stale"), "{stale:?}");
    stale.fails(1, &["ogive index refresh"]);
    let answer = |more: &[&str]| {
        let sql = "SELECT _row FROM docs ORDER BY v <=> '[1,0,0,1]' LIMIT 3";
        let arguments = [&["docs.cvc", "--format", "csv", "-q"], more, &["-c", sql]].concat();
        ogive(at, &arguments).ok()
    };
    let plain = answer(&["-c", "SET ogive.index_access = 'off'"]);
    let warned = answer(&[]);
    assert!(warned.stderr.contains("index \"docs_v_idx\""), "{warned:?}");
    assert_eq!(warned.stdout, plain.stdout);
    ogive(at, &["index", "refresh", "docs.cvc"]).ok();
    ogive(at, &["index", "verify", "docs.cvc", "--quiet"]).ok();
    let refreshed = answer(&[]);
    assert_eq!(
        (refreshed.stdout.as_str(), refreshed.stderr.as_str()),
        (plain.stdout.as_str(), "")
    );

    let stats = ogive(at, &["index", "stats", "docs.cvc"]).ok();
    assert!(stats.stdout.contains("2500"), "{stats:?}");
    ogive(at, &["index", "drop", "docs.cvc", "gone"]).fails(1, &["index \"gone\" does not exist"]);
    ogive(at, &["index", "drop", "docs.cvc", "docs_v_idx"]).ok();
    assert!(!at.join("_ogive").exists());
    assert!(at.join("docs.cvc").exists());
}

#[test]
fn what_is_left_of_gone_files_is_collected() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    make(at, "a.cvc", 100);
    make(at, "b.cvc", 100);
    ogive(at, &["index", "build", "a.cvc", "-q"]).ok();
    ogive(at, &["index", "build", "b.cvc", "-q"]).ok();
    fs::remove_file(at.join("a.cvc")).unwrap();
    let collected = ogive(at, &["index", "gc", "."]).ok();
    assert!(
        collected.stderr.contains("a.cvc.a_v_idx.index"),
        "{collected:?}"
    );
    assert!(!collected.stderr.contains("b.cvc"), "{collected:?}");
    ogive(at, &["index", "verify", "b.cvc"]).ok();
}

#[test]
fn wrong_calls_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    make(at, "docs.cvc", 10);
    ogive(at, &["index", "build", "gone.cvc"]).fails(1, &["gone.cvc", "no such file"]);
    ogive(at, &["index", "gc", "gone"]).fails(1, &["gone", "no such directory"]);
    ogive(at, &["index", "build", "docs.cvc", "--column", "w"])
        .fails(1, &["column \"w\" does not exist"]);
    fs::write(at.join("t.csv"), "a,b\n1,2\n").unwrap();
    ogive(at, &["index", "build", "t.csv"]).fails(1, &["there is no column of vectors"]);
    assert_eq!(ogive(at, &["index", "build"]).code, 2);
    let elsewhere = ["index", "build", "docs.cvc", "--location", "indexes", "-q"];
    ogive(at, &elsewhere).ok();
    assert!(at.join("indexes").exists() && !at.join("_ogive").exists());
}
