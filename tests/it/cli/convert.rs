//! Rows from one format into another.

use super::{fixture, names, ogive, values, vectors_of, write_npy};

/// From an array through every format back into an array, bit for bit.
#[test]
fn there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Digits that a careless way through text would lose.
    let numbers: Vec<f32> = values(60).iter().map(|value| value / 3.0 + 1e-7).collect();
    write_npy(&folder.join("in.npy"), 6, &numbers);
    let wanted = std::fs::read(folder.join("in.npy")).unwrap();
    for name in ["a.npy", "a.fvecs", "a.parquet", "a.csv", "a.arrow", "a.cvc"] {
        ogive(folder, &["convert", "in.npy", name]).ok();
        ogive(folder, &["convert", name, "out.npy", "--force", "--quiet"]).ok();
        assert_eq!(
            std::fs::read(folder.join("out.npy")).unwrap(),
            wanted,
            "{name}"
        );
    }
    ogive(folder, &["convert", "in.npy", "a.json"]).ok();
    let lines = std::fs::read_to_string(folder.join("a.json")).unwrap();
    assert_eq!(lines.lines().count(), 10);
    ogive(folder, &["convert", "a.json", "a2.cvc"]).ok();
    assert_eq!(vectors_of(folder, "a2.cvc"), numbers);
    assert!(
        names(folder).iter().all(|name| !name.ends_with(".tmp")),
        "{:?}",
        names(folder)
    );
}

#[test]
fn vectors_spread_over_fields() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sql = "COPY (SELECT * FROM (VALUES (1, [1.5, 2.0], 'x,y'), (2, [3.0, 4.0], 'z')) t(id, v, s) ORDER BY id) TO 'a.parquet'";
    ogive(folder, &["-q", "-c", sql]).ok();
    let outcome = ogive(folder, &["convert", "a.parquet", "a.csv"]).ok();
    assert_eq!(outcome.stderr, "a.csv: 2 row(s).\n");
    let text = std::fs::read_to_string(folder.join("a.csv")).unwrap();
    assert_eq!(text, "id,v_0,v_1,s\n1,1.5,2.0,\"x,y\"\n2,3.0,4.0,z\n");
}

#[test]
fn numbers_without_names_are_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("bare.csv"), "1,2\n3,4\n").unwrap();
    ogive(folder, &["convert", "bare.csv", "a.parquet"]).ok();
    let sql = "SELECT count(*) AS n FROM 'a.parquet'";
    assert_eq!(
        ogive(folder, &["-q", "--format", "csv", "-c", sql])
            .ok()
            .stdout,
        "n\n2\n"
    );
    ogive(folder, &["convert", "bare.csv", "a.ivecs"]).ok();
    ogive(folder, &["convert", "a.ivecs", "a.bvecs"]).ok();
    assert_eq!(
        std::fs::read(folder.join("a.bvecs")).unwrap(),
        [2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 3, 4]
    );
    std::fs::write(folder.join("half.csv"), "1,2\n3,4.5\n").unwrap();
    ogive(folder, &["convert", "half.csv", "b.ivecs"]).fails(1, &["row 1", "4.5"]);
    assert!(!folder.join("b.ivecs").exists());
}

#[test]
fn columnar_files_keep_their_columns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let source = fixture("v2_columnar_one_row.cvc");
    let source = source.to_str().unwrap();
    ogive(folder, &["convert", source, "a.parquet"]).ok();
    ogive(folder, &["convert", "a.parquet", "a.cvc"]).ok();
    let columns = |name: &str| {
        let info = ogive(folder, &["info", name, "--format", "json"])
            .ok()
            .json();
        info[0]["columns"]
            .as_str()
            .unwrap()
            .split(", ")
            .map(|c| c.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(columns("a.cvc"), columns(source));
}

#[test]
fn outputs_are_replaced_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("in.npy"), 2, &[1.0, 2.0]);
    for name in ["x.parquet", "x.npy", "x.csv", "x.cvc"] {
        std::fs::write(folder.join(name), "precious").unwrap();
        ogive(folder, &["convert", "in.npy", name]).fails(1, &[name, "--force"]);
        assert_eq!(
            std::fs::read_to_string(folder.join(name)).unwrap(),
            "precious"
        );
        ogive(folder, &["convert", "in.npy", name, "--force"]).ok();
        assert_ne!(std::fs::read(folder.join(name)).unwrap(), b"precious");
    }
    ogive(folder, &["convert", "gone.parquet", "y.csv"])
        .fails(1, &["gone.parquet", "no such file"]);
}

#[test]
fn vectors_without_numbers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let hollow = fixtures.join("zero_dimension.npy");
    for output in ["x.fvecs", "x.npy", "x.bvecs"] {
        ogive(folder, &["convert", hollow.to_str().unwrap(), output])
            .fails(1, &["zero_dimension.npy", "holds no vectors"]);
    }
    // A file of rows alone cannot tell that it has none.
    let empty = fixtures.join("no_rows.npy");
    ogive(folder, &["convert", empty.to_str().unwrap(), "x.fvecs"])
        .fails(1, &["x.fvecs", "no rows"]);
    assert_eq!(names(folder), [""; 0]);
    ogive(folder, &["convert", empty.to_str().unwrap(), "x.npy"]).ok();
}
