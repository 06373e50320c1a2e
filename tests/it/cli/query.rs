//! SQL in, rows out.

use std::io::Read;
use std::path::Path;

use super::{command, fixture, ogive, ogive_reads, write_npy};

fn here() -> &'static Path {
    Path::new(".")
}

#[test]
fn formats() {
    let run = |format| {
        let sql =
            "SELECT * FROM (VALUES (1, 'a,b', NULL), (2, 'q\"', [1.5, 2.0])) t(n, s, v) ORDER BY n";
        ogive(here(), &["--format", format, "-q", "-c", sql])
            .ok()
            .stdout
    };
    assert_eq!(
        run("csv"),
        "n,s,v\n1,\"a,b\",\n2,\"q\"\"\",\"[1.5, 2.0]\"\n"
    );
    assert_eq!(run("tsv"), "n\ts\tv\n1\ta,b\t\n2\t\"q\"\"\"\t[1.5, 2.0]\n");
    assert_eq!(
        run("json"),
        "[{\"n\":1,\"s\":\"a,b\",\"v\":null},{\"n\":2,\"s\":\"q\\\"\",\"v\":[1.5,2.0]}]\n"
    );
    assert_eq!(
        run("nd-json"),
        "{\"n\":1,\"s\":\"a,b\",\"v\":null}\n{\"n\":2,\"s\":\"q\\\"\",\"v\":[1.5,2.0]}\n"
    );
    let table = run("table");
    assert!(table.contains("| 1 | a,b | NULL       |\n"), "{table}");
    assert!(table.contains("| 2 | q\"  | [1.5, 2.0] |\n"), "{table}");
}

#[test]
fn results_without_rows() {
    let run = |format| {
        ogive(
            here(),
            &["--format", format, "-c", "SELECT 1 AS a WHERE false"],
        )
        .ok()
    };
    assert_eq!(run("csv").stdout, "a\n");
    assert_eq!(run("json").stdout, "[]\n");
    assert_eq!(run("nd-json").stdout, "");
    assert_eq!(run("table").stdout, "+---+\n| a |\n+---+\n+---+\n");
    assert!(run("csv").stderr.starts_with("0 row(s) fetched.\n"));
}

#[test]
fn long_vectors_are_short_in_tables_only() {
    let sql = "SELECT [1,2,3,4,5,6,7,8] AS a, [1,2,3,4,5,6,7,8,9] AS b";
    let table = ogive(here(), &["-q", "-c", sql]).ok().stdout;
    assert!(
        table.contains("| [1, 2, 3, 4, 5, 6, 7, 8] | [1, 2, 3, … (9)] |"),
        "{table}"
    );
    let csv = ogive(here(), &["-q", "--format", "csv", "-c", sql])
        .ok()
        .stdout;
    assert!(csv.contains("[1, 2, 3, 4, 5, 6, 7, 8, 9]"), "{csv}");
}

/// `12 row(s) fetched.`, then `Elapsed 0.001234 seconds.`, for each statement.
#[test]
fn what_is_said_after_each_statement() {
    let sql = "SET datafusion.execution.batch_size = 100; CREATE TABLE t AS SELECT * FROM (VALUES (1), (2)) v(a); SELECT a FROM t";
    let outcome = ogive(here(), &["--format", "csv", "-c", sql]).ok();
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "{outcome:?}");
    for (pair, rows) in lines.chunks(2).zip([0, 0, 2]) {
        assert_eq!(pair[0], format!("{rows} row(s) fetched."));
        let seconds = pair[1]
            .strip_prefix("Elapsed ")
            .and_then(|rest| rest.strip_suffix(" seconds."))
            .unwrap();
        let (whole, micros) = seconds.split_once('.').unwrap();
        assert!(
            whole.parse::<u64>().is_ok() && micros.len() == 6 && micros.parse::<u32>().is_ok(),
            "{seconds}"
        );
    }
    assert_eq!(
        ogive(here(), &["--quiet", "--format", "csv", "-c", sql])
            .ok()
            .stderr,
        ""
    );
}

#[test]
fn scripts_from_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("x.sql"),
        "SELECT 1 AS a; -- one\nSELECT 2 AS b;\n",
    )
    .unwrap();
    let wanted = "a\n1\nb\n2\n";
    let quiet = ["-q", "--format", "csv"];
    let with = |more: &[&'static str]| [&quiet[..], more].concat();
    assert_eq!(
        ogive(folder.path(), &with(&["-f", "x.sql"])).ok().stdout,
        wanted
    );
    assert_eq!(
        ogive(
            folder.path(),
            &with(&["-c", "SELECT 1 AS a", "-c", "SELECT 2 AS b;"])
        )
        .ok()
        .stdout,
        wanted
    );
    assert_eq!(
        ogive_reads(folder.path(), &with(&[]), "SELECT 1 AS a;\nSELECT 2 AS b")
            .ok()
            .stdout,
        wanted
    );
    assert_eq!(
        ogive_reads(
            folder.path(),
            &with(&["-f", "-"]),
            "SELECT 1 AS a;SELECT 2 AS b"
        )
        .ok()
        .stdout,
        wanted
    );
    assert_eq!(ogive_reads(folder.path(), &with(&[]), "").ok().stdout, "");
}

#[test]
fn files_become_tables() {
    let folder = tempfile::tempdir().unwrap();
    write_npy(&folder.path().join("points.npy"), 2, &[1.0, 2.0, 3.0, 4.0]);
    std::fs::write(folder.path().join("pack"), "").unwrap();
    std::fs::write(folder.path().join("names.csv"), "id,name\n0,zero\n1,one\n").unwrap();
    let sql = "SELECT name, vector FROM points JOIN names ON _row = id ORDER BY id";
    let outcome = ogive(
        folder.path(),
        &[
            "points.npy",
            "names.csv",
            "-q",
            "--format",
            "csv",
            "-c",
            sql,
        ],
    )
    .ok();
    assert_eq!(
        outcome.stdout,
        "name,vector\nzero,\"[1.0, 2.0]\"\none,\"[3.0, 4.0]\"\n"
    );
}

#[test]
fn failures_stop_a_script() {
    let first = "SELECT 1 AS a; SELECT * FROM nowhere; SELECT 2 AS b";
    let outcome =
        ogive(here(), &["-q", "--format", "csv", "-c", first]).fails(1, &["nowhere", "not found"]);
    assert_eq!(outcome.stdout, "a\n1\n");
    // What does not parse is not begun.
    let outcome =
        ogive(here(), &["-q", "-c", "SELECT 1; SELEC 2"]).fails(1, &["syntax error", "SELEC"]);
    assert_eq!(outcome.stdout, "");
    ogive(here(), &["no-such-file.cvc", "-c", "SELECT 1"])
        .fails(1, &["no-such-file.cvc", "no such file"]);
    ogive(here(), &["-f", "no-such-file.sql"]).fails(1, &["no-such-file.sql", "no such file"]);
    ogive(here(), &["-q", "-c", "SELECT * FROM 'no-such-file.cvc'"])
        .fails(1, &["no-such-file.cvc"]);
}

#[test]
fn half_a_result_is_none() {
    // Enough rows for several batches before the one that cannot be computed.
    let sql = "SELECT 10 / (value - 90000) AS q FROM generate_series(1, 100000)";
    let run = |format| {
        ogive(
            here(),
            &["--threads", "1", "-q", "--format", format, "-c", sql],
        )
        .fails(1, &["zero"])
        .stdout
    };
    assert_eq!(run("table"), "");
    let json = run("json");
    assert!(
        !json.contains(']') && json.starts_with("[{"),
        "{} bytes",
        json.len()
    );
    for format in ["nd-json", "csv"] {
        let lines = run(format).lines().count();
        assert!((1..=90_000).contains(&lines), "{format}: {lines}");
    }
}

#[test]
fn damaged_chunks_fail_the_query() {
    let path = fixture("damaged_crc_chunk0.cvc");
    let sql = format!("SELECT * FROM '{}'", path.display());
    let outcome = ogive(here(), &["-q", "--format", "json", "-c", &sql])
        .fails(1, &["damaged_crc_chunk0.cvc", "chunk 0"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn wrong_calls() {
    for arguments in [
        &["--bogus"][..],
        &["--format", "xml"],
        &["-c", "SELECT 1", "-f", "x.sql"],
        &["--memory-limit", "12 parsecs"],
        &["--threads", "0"],
        &["pack", "in.npy"],
        &["pack", "in.npy", "out.zip"],
        &["pack", "in.npy", "out.cvc", "--compression", "zip"],
        &[
            "pack",
            "in.npy",
            "out.cvc",
            "--compression",
            "none",
            "--mmap",
        ],
        &["pack", "in.npy", "out.cvc", "--chunk-rows", "0"],
        &["convert", "in.npy", "out.zip"],
        &["convert", "in.npy", "out.npy", "--compression", "int8"],
        &["verify"],
        &["verify", "x.txt"],
    ] {
        let outcome = ogive(here(), arguments);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "{arguments:?} {outcome:?}"
        );
        assert!(
            outcome.stderr.starts_with("error: "),
            "{arguments:?} {outcome:?}"
        );
    }
}

#[test]
fn limits() {
    let arguments = [
        "--memory-limit",
        "64MB",
        "--threads",
        "2",
        "-q",
        "--format",
        "csv",
        "-c",
    ];
    let sql = "SELECT count(*) AS n FROM generate_series(1, 1000)";
    assert_eq!(
        ogive(here(), &[&arguments[..], &[sql]].concat())
            .ok()
            .stdout,
        "n\n1000\n"
    );
}

#[test]
fn help_and_version() {
    let version = ogive(here(), &["--version"]).ok().stdout;
    assert_eq!(version, format!("ogive {}\n", env!("CARGO_PKG_VERSION")));
    let help = ogive(here(), &["--help"]).ok().stdout;
    for word in [
        "Examples:",
        "pack",
        "info",
        "verify",
        "convert",
        "upgrade",
        "doctor",
        "--memory-limit",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn doctor_names_variables_and_hides_their_values() {
    let mut command = command(here(), &["doctor"]);
    let outcome = super::outcome(
        command
            .env("AWS_SECRET_ACCESS_KEY", "hunter2")
            .output()
            .unwrap(),
    )
    .ok();
    assert!(
        outcome.stdout.contains("AWS_SECRET_ACCESS_KEY"),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("hunter2"), "{outcome:?}");
    assert!(outcome.stdout.contains("built without CUDA"), "{outcome:?}");
}

/// `ogive .. | head -1`
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sql = "SELECT * FROM generate_series(1, 5000000)";
    let mut child = command(here(), &["-q", "--format", "csv", "-c", sql])
        .spawn()
        .unwrap();
    let mut first = [0; 5];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let outcome = super::outcome(child.wait_with_output().unwrap()).ok();
    assert_eq!(outcome.stderr, "");
}
