//! Source code packed for a context window.

use std::path::Path;

use super::{Outcome, names, ogive};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/project");

fn context(folder: &Path, arguments: &[&str]) -> Outcome {
    let arguments = [&["context", PROJECT, "--no-cache"], arguments].concat();
    ogive(folder, &arguments)
}

#[test]
fn budgets_hold_and_runs_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    for budget in ["90", "150", "300", "1000"] {
        for format in ["markdown", "json", "xml", "plain"] {
            let arguments = ["--budget", budget, "--format", format, "--title", "t"];
            let first = context(folder.path(), &arguments).ok();
            let second = context(folder.path(), &arguments).ok();
            assert_eq!(first.stdout, second.stdout);
            let tokens: Vec<u64> = first
                .stderr
                .split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect();
            // Files, chunks, tokens, left out.
            assert!(tokens[2] <= budget.parse().unwrap(), "{first:?}");
        }
    }
}

#[test]
fn queries_choose() {
    let folder = tempfile::tempdir().unwrap();
    let query = "SELECT path FROM code.files WHERE array_has(functions, 'nearest')";
    let outcome = context(
        folder.path(),
        &["--query", query, "--level", "signature", "-q"],
    )
    .ok();
    assert!(outcome.stdout.contains("def nearest(points, query)"));
    assert!(!outcome.stdout.contains("fetchPoint"), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    context(folder.path(), &["--query", "SELECT 1"]).fails(2, &["a column path"]);
    context(folder.path(), &["--query", "SELECT path FROM nothing"]).fails(1, &["nothing"]);
}

#[test]
fn chunks_are_files_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--chunks", "size", "--budget", "150", "-o", "out"];
    context(folder.path(), &arguments).ok();
    let files = names(&folder.path().join("out"));
    assert!(files.len() > 1 && files[0] == "chunk-0001.md", "{files:?}");
    // What is there is not written over.
    context(folder.path(), &arguments).fails(1, &["chunk-0001.md", "exists"]);
    context(folder.path(), &[&arguments[..], &["--force"]].concat()).ok();
}

#[test]
fn secrets_are_named_and_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    std::fs::create_dir(&project).unwrap();
    let key = format!("-----BEGIN {} KEY-----\nMIIEow\n", "RSA PRIVATE");
    std::fs::write(project.join("id_rsa"), &key).unwrap();
    std::fs::write(project.join("a.py"), "x = 1\n").unwrap();
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache"]).ok();
    assert!(!outcome.stdout.contains("MIIEow"), "{outcome:?}");
    assert!(outcome.stderr.contains("id_rsa: left out"), "{outcome:?}");
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache", "--secrets"]).ok();
    assert!(outcome.stdout.contains("MIIEow"), "{outcome:?}");
}

#[test]
fn bad_files_do_not_stop_it_and_bad_calls_do() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("latin.py"), b"x = '\xe9'\n").unwrap();
    std::fs::write(project.join("good.py"), "def good():\n    pass\n").unwrap();
    std::fs::write(project.join("deep.py"), "[".repeat(20_000)).unwrap();
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache"]).ok();
    assert!(outcome.stdout.contains("def good()"), "{outcome:?}");
    ogive(folder.path(), &["context", "gone"]).fails(1, &["gone"]);
    for wrong in [
        &["--level", "most"][..],
        &["--format", "pdf"],
        &["--chunks", "some"],
        &["--encoding", "utf8"],
        &["--include", "a[b"],
    ] {
        context(folder.path(), wrong).fails(2, &[]);
    }
    assert_eq!(context(folder.path(), &["--budget", "0"]).code, 2);
}
