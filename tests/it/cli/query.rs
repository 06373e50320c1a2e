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
    let zeros = vec!["0"; 20].join(",");
    let sql = format!("SELECT l2_distance(a, '[{zeros}]') FROM (SELECT [{zeros}] AS a)");
    let table = ogive(here(), &["-q", "-c", &sql]).ok().stdout;
    assert!(table.contains("[0,0,0,0, .. 16 more]"), "{table}");
    let csv = ogive(here(), &["-q", "--format", "csv", "-c", &sql]);
    assert!(csv.ok().stdout.contains(&zeros));
    let sql = format!("SELECT '{}'::bit(3)", "1".repeat(2000));
    let table = ogive(here(), &["-q", "-c", &sql]).ok().stdout;
    let header = format!(" Utf8(\"{}.. 1908 more characters |", "1".repeat(94));
    assert!(table.contains(&header), "{table}");
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
    // Lines that are whole look like a result that is.
    for format in ["nd-json", "csv", "tsv"] {
        assert_eq!(run(format), "", "{format}");
    }
}

#[test]
fn results_larger_than_what_is_kept_in_memory() {
    let sql = "SELECT value, repeat('0123456789', 10) AS text FROM generate_series(1, 800000)";
    let printed = ogive(here(), &["-q", "--format", "csv", "-c", sql])
        .ok()
        .stdout;
    assert_eq!(printed.lines().count(), 800_001);
    assert!(printed.len() > 64 << 20 && printed.ends_with("0123456789\n"));
}

#[test]
fn sql_may_begin_with_a_dash() {
    for sql in ["-- a comment\nSELECT 1 AS a", "--a\nSELECT 1 AS a"] {
        let outcome = ogive(here(), &["-q", "--format", "csv", "-c", sql]).ok();
        assert_eq!(outcome.stdout, "a\n1\n");
    }
    assert_eq!(ogive(here(), &["-q", "-c", "-- c"]).ok().stdout, "");
}

#[test]
fn every_command_can_be_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("in.npy"), 2, &[1.0, 2.0]);
    let old = fixture("v0_fp16_n1_d1_c100000.cvc");
    let old = old.to_str().unwrap();
    for arguments in [
        &["pack", "in.npy", "x.cvc"][..],
        &["info", "x.cvc"],
        &["verify", "x.cvc"],
        &["convert", "x.cvc", "y.csv"],
        &["upgrade", old, "z.cvc"],
        &["doctor"],
    ] {
        for quiet in ["-q", "--quiet"] {
            let force = match arguments[0] {
                "pack" | "convert" | "upgrade" => &["--force"][..],
                _ => &[],
            };
            let outcome = ogive(folder, &[arguments, &[quiet], force].concat()).ok();
            assert_eq!(outcome.stderr, "", "{arguments:?}");
        }
    }
}

#[test]
fn threads_have_bounds() {
    for threads in ["0", "-1", "1025", "100000", "many"] {
        let outcome = ogive(here(), &["--threads", threads, "-c", "SELECT 1"]);
        assert_eq!(outcome.code, 2, "{outcome:?}");
        let wanted = format!(
            "invalid value '{threads}' for '--threads <N>': expected a whole number from 1 to 1024"
        );
        assert!(outcome.stderr.contains(&wanted), "{outcome:?}");
    }
}

#[test]
fn addresses_that_are_none_are_named() {
    for (variable, url) in [
        ("AWS_ENDPOINT_URL", "s3://bucket/x.cvc"),
        ("AWS_ENDPOINT", "s3://bucket/x.cvc"),
        ("AWS_ENDPOINT_URL_S3", "s3://bucket/x.cvc"),
        ("AZURE_STORAGE_ENDPOINT", "az://bucket/x.cvc"),
        ("GOOGLE_BASE_URL", "gs://bucket/x.cvc"),
    ] {
        for bogus in ["bogus", "localhost:9000", "ftp://host"] {
            let sql = format!("SELECT * FROM '{url}'");
            let mut command = command(here(), &["-q", "-c", &sql]);
            command.env(variable, bogus);
            command.env("AZURE_STORAGE_ACCOUNT_NAME", "account");
            let outcome = super::outcome(command.output().unwrap());
            outcome.fails(1, &[variable, bogus, "https://host:9000"]);
        }
    }
}

#[test]
fn directories_and_files_called_like_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["docs", "nothing"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    for name in ["docs/a.npy", "docs/b.npy", "x[1].npy", "x1.npy"] {
        let value = if name == "x[1].npy" { 7.0 } else { 1.0 };
        write_npy(&folder.join(name), 1, &[value]);
    }
    let sum = |from: &str| {
        let sql = format!("SELECT sum(vector[1]) AS s FROM {from}");
        ogive(folder, &["-q", "--format", "csv", "-c", &sql])
    };
    for (from, wanted) in [
        ("'docs'", "2.0"),
        ("'docs/'", "2.0"),
        ("'./docs'", "2.0"),
        ("'x[1].npy'", "7.0"),
        ("'x[0-9].npy'", "1.0"),
    ] {
        assert_eq!(sum(from).ok().stdout, format!("s\n{wanted}\n"), "{from}");
    }
    for from in ["'nothing/'", "'./nothing'"] {
        sum(from).fails(1, &["nothing", "holds no files of a known kind"]);
    }
    let sql = "SELECT * FROM 'nothing'";
    ogive(folder, &["-q", "-c", sql]).fails(1, &["nothing", "holds no files of a known kind"]);
    // A word alone can be the name of a new table.
    let sql = "CREATE TABLE nothing AS SELECT 1 AS n; CREATE TABLE docs AS SELECT 2 AS n; SELECT n FROM docs";
    let outcome = ogive(folder, &["-q", "--format", "csv", "-c", sql]).ok();
    assert_eq!(outcome.stdout, "n\n2\n");
    sum("'absent/'").fails(1, &["absent", "no such file"]);
    let sql = "CREATE EXTERNAL TABLE t STORED AS NPY LOCATION 'x[1].npy'; SELECT sum(vector[1]) AS s FROM t";
    let outcome = ogive(folder, &["-q", "--format", "csv", "-c", sql]).ok();
    assert_eq!(outcome.stdout, "s\n7.0\n");
}

/// A failing query and a folder that nobody can see a trace of it in.
#[test]
fn failing_copies_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for output in ["x.csv", "x.json", "x.parquet", "x.arrow", "x.cvc"] {
        std::fs::write(folder.join(output), "precious").unwrap();
        let sql = format!(
            "COPY (SELECT 10 / (value - 400000) AS q FROM generate_series(1, 500000)) TO '{output}'"
        );
        ogive(folder, &["-q", "-c", &sql]).fails(1, &["zero"]);
        assert_eq!(super::names(folder), [output]);
        let left = std::fs::read_to_string(folder.join(output)).unwrap();
        assert_eq!(left, "precious", "{output}");
        std::fs::remove_file(folder.join(output)).unwrap();
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
        &["--threads", "100000"],
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
    assert!(outcome.stdout.contains("\n  cuda  "), "{outcome:?}");
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

#[test]
fn terminals_get_no_orders_from_data() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "SELECT chr(27) || '[31mred' AS t, 'a' || chr(10) || 'b' AS u";
    let table = ogive(folder.path(), &["-q", "-c", sql]).ok().stdout;
    assert!(
        table.contains("\\x1b[31mred") && !table.contains('\u{1b}'),
        "{table}"
    );
    // A program gets every byte.
    let csv = ogive(folder.path(), &["-q", "--format", "csv", "-c", sql]);
    let csv = csv.ok().stdout;
    assert!(csv.contains("\u{1b}[31mred"), "{csv}");
    let outcome = ogive(folder.path(), &["-c", "SELECT * FROM 'no\u{1b}[2J.cvc'"]);
    outcome.fails(1, &["'no\\x1b[2J.cvc'"]);
}

#[test]
fn messages_are_of_bounded_length() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{{\"a\": 1, \"b\": \"{}\u{1}\"}}\n", "[".repeat(50_000));
    std::fs::write(folder.path().join("bad.json"), line).unwrap();
    let outcome = ogive(folder.path(), &["-q", "-c", "SELECT a + b FROM 'bad.json'"]);
    assert!(outcome.stderr.chars().count() < 2_100, "{outcome:?}");
    outcome.fails(1, &[]);
}

#[tokio::test]
async fn damage_has_its_code() {
    let session = ogive::SessionBuilder::new().build().unwrap();
    for (name, code) in [
        ("damaged_crc_chunk0.cvc", "XX001"),
        ("damaged_truncated_in_header.cvc", "XX001"),
        ("../short.npy", "XX001"),
        ("../ragged.fvecs", "XX001"),
        ("nothing.cvc", "42000"),
    ] {
        let sql = format!("SELECT * FROM '{}'", fixture(name).display());
        let answer = async { session.sql(&sql).await?.collect().await };
        let error = answer.await.unwrap_err();
        assert_eq!(ogive::ErrorFields::of(&error).sqlstate, code, "{error}");
    }
}
