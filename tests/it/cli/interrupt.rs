//! Ctrl-C stops work soon and leaves nothing half done.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Outcome, command, names, outcome};

/// How long an interrupted command may take: the second that is promised, and as much for a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a command, interrupts it when it has worked for a while, and waits.
fn interrupted(folder: &Path, arguments: &[&str], signal: &str) -> Outcome {
    let mut child = command(folder, arguments).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(800));
    assert!(
        child.try_wait().unwrap().is_none(),
        "too little work: {arguments:?} is done"
    );
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    let sent = Instant::now();
    let outcome = outcome(child.wait_with_output().unwrap());
    assert!(sent.elapsed() < PATIENCE, "{:?}", sent.elapsed());
    outcome.fails(1, &["interrupted"])
}

/// An array of zeros that takes long to read and no room on disk.
fn write_large_npy(path: &Path) {
    use std::io::Write;
    let (rows, dimension) = (8_000_000, 256);
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(&ogive_npy::npy_header(
        ogive_npy::DType::F32,
        rows,
        dimension,
    ))
    .unwrap();
    file.set_len(128 + rows * 4 * dimension as u64).unwrap();
}

#[test]
fn pack_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    write_large_npy(&folder.path().join("in.npy"));
    for signal in ["-INT", "-TERM"] {
        interrupted(
            folder.path(),
            &["pack", "in.npy", "x.cvc", "--compression", "lossless"],
            signal,
        );
        assert_eq!(names(folder.path()), ["in.npy"]);
    }
}

#[test]
fn convert_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    write_large_npy(&folder.path().join("in.npy"));
    for output in ["x.fvecs", "x.csv", "x.parquet", "x.cvc"] {
        interrupted(folder.path(), &["convert", "in.npy", output], "-INT");
        assert_eq!(names(folder.path()), ["in.npy"], "{output}");
    }
}

#[test]
fn queries_stop() {
    let endless = "SELECT count(*) FROM generate_series(1, 100000000) a(x), generate_series(1, 100000) b(y) WHERE (x * y) % 7 = 3";
    let outcome = interrupted(Path::new("."), &["-c", endless], "-INT");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn copies_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for output in ["x.csv", "x.parquet", "x.cvc"] {
        let sql = format!(
            "COPY (SELECT x, y FROM generate_series(1, 100000) a(x), generate_series(1, 100000) b(y)) TO '{output}'"
        );
        for signal in ["-INT", "-TERM", "-HUP"] {
            interrupted(folder.path(), &["-c", &sql], signal);
            assert_eq!(names(folder.path()), [""; 0], "{output}");
        }
    }
}

/// Starts a command and waits until it has a temporary file in the folder.
fn writing(folder: &Path, sql: &str) -> std::process::Child {
    let child = command(folder, &["-c", sql]).spawn().unwrap();
    let own = format!(".ogive-{}-", child.id());
    let began = Instant::now();
    while !names(folder).iter().any(|name| name.starts_with(&own)) {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "no temporary file"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn the_next_writer_removes_what_a_killed_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let endless =
        "SELECT x, y FROM generate_series(1, 100000) a(x), generate_series(1, 100000) b(y)";
    for output in ["x.csv", "x.parquet", "x.cvc"] {
        let mut child = writing(folder.path(), &format!("COPY ({endless}) TO '{output}'"));
        let left = format!(".ogive-{}-", child.id());
        let is_left = || {
            names(folder.path())
                .iter()
                .any(|name| name.starts_with(&left))
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_left(), "{output}");
        let mut other = writing(
            folder.path(),
            &format!("COPY ({endless}) TO 'other.{output}'"),
        );
        assert!(!is_left(), "{output}");
        // One that is at work is let be.
        super::ogive(
            folder.path(),
            &["-c", "COPY (SELECT 1.5 AS x) TO 'small.cvc'"],
        )
        .ok();
        let own = format!(".ogive-{}-", other.id());
        assert!(
            names(folder.path())
                .iter()
                .any(|name| name.starts_with(&own)),
            "{output}"
        );
        let id = other.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        other.wait().unwrap();
        assert_eq!(names(folder.path()), ["small.cvc"], "{output}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_fails_the_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.npy");
    let sql = "SELECT count(*) FROM 'in.npy' WHERE l2_norm(vector) > 1";
    for (setting, cut) in [("auto", false), ("off", false), ("on", true), ("off", true)] {
        write_large_npy(&path);
        let set = format!("SET ogive.memory_map = {setting}");
        let child = command(folder.path(), &["-c", &set, "-c", sql])
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(800));
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        if cut {
            file.set_len(4096).unwrap();
        } else {
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }
        drop(file);
        let outcome = outcome(child.wait_with_output().unwrap());
        let expected: &[&str] = match (setting, cut) {
            ("on", true) => &["in.npy was cut short while it was read"],
            (_, true) => &["in.npy"],
            _ => &["in.npy changed while it was read"],
        };
        outcome.fails(1, expected);
    }
}
