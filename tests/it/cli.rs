//! The `ogive` command, run as people run it.

mod context;
mod convert;
mod index;
mod interrupt;
mod kv;
mod pack;
mod pages;
mod query;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the command left.
#[derive(Debug)]
struct Outcome {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Outcome {
    /// The outcome, which must be a success.
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The outcome, which must be this exit status with an error of one line that contains all `parts`.
    #[track_caller]
    fn fails(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        let errors: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{self:?}");
        for part in parts {
            assert!(errors[0].contains(part), "no '{part}' in {self:?}");
        }
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The command, in a folder and with no terminal.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ogive"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("OGIVE_HISTORY", "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ogive(folder: &Path, arguments: &[&str]) -> Outcome {
    outcome(command(folder, arguments).output().unwrap())
}

/// With SQL on stdin.
fn ogive_reads(folder: &Path, arguments: &[&str], input: &str) -> Outcome {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    outcome(child.wait_with_output().unwrap())
}

fn outcome(output: std::process::Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A golden file.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/cvc")
        .join(name)
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Writes a `.npy` file of `f32`.
fn write_npy(path: &Path, dimension: usize, values: &[f32]) {
    let rows = (values.len() / dimension) as u64;
    let mut bytes = ogive_npy::npy_header(ogive_npy::DType::F32, rows, dimension);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

/// Values that every compression but int8 keeps: small multiples of a quarter.
fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|number| ((number * 7919) % 64) as f32 * 0.25 - 8.0)
        .collect()
}

/// The vectors of a file, through SQL.
fn vectors_of(folder: &Path, file: &str) -> Vec<f32> {
    let sql = format!("SELECT vector FROM '{file}' ORDER BY _row");
    let rows = ogive(folder, &["-q", "--format", "json", "-c", &sql])
        .ok()
        .json();
    let rows = rows.as_array().unwrap();
    rows.iter()
        .flat_map(|row| row["vector"].as_array().unwrap())
        .map(|number| number.as_f64().unwrap() as f32)
        .collect()
}
