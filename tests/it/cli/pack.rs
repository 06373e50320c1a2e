//! Vectors into CVC files, and back through SQL.

use std::path::Path;

use super::{names, ogive, values, vectors_of, write_npy};

const ROWS: usize = 50;
const DIMENSION: usize = 6;

/// Writes the same vectors in every kind of input; gives their names.
fn inputs(folder: &Path) -> Vec<&'static str> {
    let numbers = values(ROWS * DIMENSION);
    write_npy(&folder.join("in.npy"), DIMENSION, &numbers);
    let csv: Vec<String> = numbers
        .chunks(DIMENSION)
        .map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
        .collect();
    std::fs::write(folder.join("bare.csv"), csv.join("\n")).unwrap();
    std::fs::write(
        folder.join("named.csv"),
        format!("a,b,c,d,e,f\n{}\n", csv.join("\n")),
    )
    .unwrap();
    ogive(folder, &["convert", "in.npy", "in.fvecs", "-q"]).ok();
    ogive(folder, &["convert", "in.npy", "in.parquet", "-q"]).ok();
    vec!["in.npy", "in.fvecs", "in.parquet", "bare.csv", "named.csv"]
}

#[test]
fn every_input_and_compression_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let wanted = values(ROWS * DIMENSION);
    for input in inputs(folder) {
        for compression in ["fp16", "int8", "lossless", "none"] {
            let arguments = [
                "pack",
                input,
                "x.cvc",
                "--compression",
                compression,
                "--chunk-rows",
                "20",
                "--force",
            ];
            let outcome = ogive(folder, &arguments).ok();
            assert_eq!(outcome.stdout, "");
            assert!(
                outcome
                    .stderr
                    .starts_with("x.cvc: 50 row(s) of 6 number(s) in 3 chunk(s), "),
                "{outcome:?}"
            );

            let info = ogive(folder, &["info", "x.cvc", "--format", "json"])
                .ok()
                .json();
            let (version, compressed) = if compression == "none" {
                ("CVC 2.0", "none")
            } else {
                ("CVC 1.0", compression)
            };
            assert_eq!(info[0]["format"], version, "{info}");
            assert_eq!(
                info[0]["columns"],
                format!("vector float32[6] {compressed}"),
                "{info}"
            );
            assert_eq!(
                (&info[0]["rows"], &info[0]["chunks"]),
                (&50.into(), &3.into()),
                "{info}"
            );

            let verified = ogive(folder, &["verify", "x.cvc"]).ok();
            assert_eq!(verified.stdout, "x.cvc: ok, 50 row(s) in 3 chunk(s)\n");

            let found = vectors_of(folder, "x.cvc");
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(&wanted) {
                // One byte a value: half a step of a range of 16 at most.
                let allowed = if compression == "int8" {
                    16.0 / 255.0
                } else {
                    0.0
                };
                assert!(
                    (found - wanted).abs() <= allowed,
                    "{input} {compression}: {found} {wanted}"
                );
            }
        }
    }
    let left = [
        "bare.csv",
        "in.fvecs",
        "in.npy",
        "in.parquet",
        "named.csv",
        "x.cvc",
    ];
    assert_eq!(names(folder), left);
}

#[test]
fn integers_of_texmex_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |bytes: &[u8]| [&2i32.to_le_bytes()[..], bytes].concat();
    std::fs::write(
        folder.join("a.bvecs"),
        [row(&[1, 255]), row(&[0, 7])].concat(),
    )
    .unwrap();
    let four = |a: i32, b: i32| [a.to_le_bytes(), b.to_le_bytes()].concat();
    std::fs::write(
        folder.join("a.ivecs"),
        [row(&four(1, -255)), row(&four(0, 70_000))].concat(),
    )
    .unwrap();
    ogive(folder, &["pack", "a.bvecs", "b.cvc", "-q"]).ok();
    assert_eq!(vectors_of(folder, "b.cvc"), [1.0, 255.0, 0.0, 7.0]);
    ogive(
        folder,
        &[
            "pack",
            "a.ivecs",
            "i.cvc",
            "-q",
            "--compression",
            "lossless",
        ],
    )
    .ok();
    assert_eq!(vectors_of(folder, "i.cvc"), [1.0, -255.0, 0.0, 70_000.0]);
}

#[test]
fn pages_for_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("in.npy"), DIMENSION, &values(ROWS * DIMENSION));
    ogive(
        folder,
        &[
            "pack",
            "in.npy",
            "x.cvc",
            "--mmap",
            "--chunk-rows",
            "10",
            "-q",
        ],
    )
    .ok();
    let info = ogive(folder, &["info", "x.cvc", "--format", "json"])
        .ok()
        .json();
    assert_eq!(info[0]["mmap_optimized"], true);
    assert_eq!(vectors_of(folder, "x.cvc"), values(ROWS * DIMENSION));
}

#[test]
fn files_are_replaced_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("in.npy"), 2, &[1.0, 2.0]);
    std::fs::write(folder.join("x.cvc"), "precious").unwrap();
    ogive(folder, &["pack", "in.npy", "x.cvc"]).fails(1, &["x.cvc", "--force"]);
    assert_eq!(
        std::fs::read_to_string(folder.join("x.cvc")).unwrap(),
        "precious"
    );
    let outcome = ogive(folder, &["pack", "in.npy", "x.cvc", "--force", "--quiet"]).ok();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    assert_eq!(vectors_of(folder, "x.cvc"), [1.0, 2.0]);
}

#[test]
fn what_is_wrong_with_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let check = |input: &str, parts: &[&str]| {
        ogive(folder, &["pack", input, "x.cvc", "--compression", "int8"]).fails(1, parts);
        assert!(!folder.join("x.cvc").exists());
    };
    check("none.npy", &["none.npy", "no such file"]);
    std::fs::write(folder.join("ragged.csv"), "1,2\n3,4\n5\n").unwrap();
    check(
        "ragged.csv",
        &["ragged.csv", "line 3", "found 1", "expected 2"],
    );
    std::fs::write(folder.join("word.csv"), "1,2\n3,four\n").unwrap();
    check("word.csv", &["word.csv", "line 2", "'four'"]);
    std::fs::write(folder.join("first.csv"), "1,2,x\n4,5,6\n").unwrap();
    check("first.csv", &["first.csv", "line 1", "field 3", "'x'"]);
    std::fs::write(folder.join("empty.csv"), "").unwrap();
    check("empty.csv", &["empty.csv", "no vectors"]);
    write_npy(&folder.join("nan.npy"), 2, &[1.0, 2.0, 3.0, f32::NAN]);
    check("nan.npy", &["nan.npy", "row 1", "NaN"]);
    write_npy(&folder.join("large.npy"), 2, &[1.0, 2.0, 3.0, 70_000.0]);
    ogive(folder, &["pack", "large.npy", "x.cvc"])
        .fails(1, &["large.npy", "row 1", "70000", "fp16"]);
    for kind in ["npy", "fvecs", "bvecs", "ivecs"] {
        let name = format!("no_bytes.{kind}");
        std::fs::write(folder.join(&name), "").unwrap();
        check(&name, &[&name, "cut short"]);
        ogive(folder, &["verify", &name]).fails(1, &["1 of 1"]);
    }
    std::fs::write(
        folder.join("cut.npy"),
        &std::fs::read(folder.join("nan.npy")).unwrap()[..140],
    )
    .unwrap();
    check("cut.npy", &["cut.npy", "144", "140"]);
    let columns = "COPY (SELECT [1.0, 2.0] AS a, [3.0] AS b, 'x' AS c) TO 'two.parquet'";
    ogive(folder, &["-q", "-c", columns]).ok();
    check("two.parquet", &["two.parquet", "a, b", "--column"]);
    ogive(folder, &["pack", "two.parquet", "x.cvc", "--column", "c"])
        .fails(1, &["'c'", "expected vectors"]);
    ogive(folder, &["pack", "two.parquet", "x.cvc", "--column", "d"])
        .fails(1, &["no column 'd'", "a, b, c"]);
    ogive(
        folder,
        &["pack", "two.parquet", "x.cvc", "--column", "b", "-q"],
    )
    .ok();
    assert_eq!(vectors_of(folder, "x.cvc"), [3.0]);
    assert!(
        names(folder).iter().all(|name| !name.ends_with(".tmp")),
        "{:?}",
        names(folder)
    );
}
