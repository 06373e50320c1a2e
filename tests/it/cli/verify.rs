//! Damage is found, named and counted; old files are brought up to date.

use super::{fixture, names, ogive};

/// Every golden file whose name says that it is damaged is; every other is not.
#[test]
fn golden_files() {
    let folder = fixture("");
    let mut damaged = 0;
    for name in names(&folder).iter().filter(|name| name.ends_with(".cvc")) {
        let outcome = ogive(&folder, &["verify", "-q", name]);
        // Bytes behind the last chunk belong to nobody.
        if name.starts_with("damaged_") && name != "damaged_trailing_bytes.cvc" {
            let outcome = outcome.fails(1, &["1 of 1 file(s) damaged"]);
            assert!(
                outcome.stdout.starts_with(&format!("{name}: ")),
                "{outcome:?}"
            );
            assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
            damaged += 1;
        } else {
            assert_eq!(outcome.ok().stdout, "", "{name}");
        }
    }
    assert!(damaged >= 15, "{damaged}");
}

#[test]
fn every_bad_chunk_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.cvc");
    let mut bytes = std::fs::read(fixture("v1_fp16_chunk_metadata.cvc")).unwrap();
    // The last byte is in the last of the three chunks. The first payload is 120 bytes, before the second's and the third's.
    let last = bytes.len() - 1;
    let first = bytes.len() - 60 - 8 - 120 - 8 - 1;
    bytes[last] ^= 1;
    bytes[first] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    std::fs::copy(
        fixture("v1_fp16_chunk_metadata.cvc"),
        folder.path().join("sound.cvc"),
    )
    .unwrap();

    let outcome = ogive(folder.path(), &["verify", "sound.cvc", "x.cvc", "gone.cvc"]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{outcome:?}");
    assert_eq!(lines[0], "sound.cvc: ok, 25 row(s) in 3 chunk(s)");
    assert!(
        lines[1].starts_with("x.cvc: chunk 0 (rows 0..10): "),
        "{outcome:?}"
    );
    assert!(
        lines[2].starts_with("x.cvc: chunk 2 (rows 20..25): "),
        "{outcome:?}"
    );
    let said: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "error: gone.cvc: no such file or directory",
            "error: 2 of 3 file(s) damaged or not readable"
        ]
    );
}

#[test]
fn texmex_rows_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let row = |dimension: i32| [&dimension.to_le_bytes()[..], &[0; 8]].concat();
    std::fs::write(
        folder.path().join("x.fvecs"),
        [row(2), row(3), row(2)].concat(),
    )
    .unwrap();
    std::fs::write(folder.path().join("y.fvecs"), [row(2), row(2)].concat()).unwrap();
    let outcome = ogive(folder.path(), &["verify", "x.fvecs", "y.fvecs"]).fails(1, &["1 of 2"]);
    assert!(outcome.stdout.contains("x.fvecs: "), "{outcome:?}");
    assert!(outcome.stdout.contains("row 1"), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("y.fvecs: ok, 2 row(s) of 2 number(s)"),
        "{outcome:?}"
    );
}

#[test]
fn upgrades_are_the_golden_ones() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut upgraded = 0;
    for name in names(&fixture(""))
        .iter()
        .filter(|name| name.starts_with("v0_") && name.ends_with(".cvc"))
    {
        let wanted = fixture(&format!("v1_upgraded_from_{name}"));
        let source = fixture(name);
        ogive(folder, &["upgrade", source.to_str().unwrap(), name]).ok();
        assert_eq!(
            std::fs::read(folder.join(name)).unwrap(),
            std::fs::read(wanted).unwrap(),
            "{name}"
        );
        ogive(folder, &["verify", name]).ok();
        upgraded += 1;
    }
    assert!(upgraded >= 10, "{upgraded}");
    ogive(folder, &["upgrade", "v0_int8_sections.cvc", "again.cvc"])
        .fails(1, &["1.0", "nothing to upgrade"]);
    ogive(folder, &["upgrade", "gone.cvc", "again.cvc"]).fails(1, &["gone.cvc", "no such file"]);
    assert!(!folder.join("again.cvc").exists());
}
