//! Manifests are read as they were written, or refused.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use super::*;

fn manifest() -> Manifest {
    Manifest {
        name: "docs_embedding_idx".into(),
        source: SourceFacts {
            path: "docs \"of\" äpples.npy".into(),
            bytes: 76_800_128,
            modified_ns: Some(-5),
            etag: None,
            rows: 100_000,
            sample: Some("5d0c".into()),
        },
        column: "embedding".into(),
        method: "flat".into(),
        measure: Measure::Cosine,
        parameters: vec![("bits".into(), 768), ("seed".into(), u64::MAX)],
        rows_at: Some(RowsAt {
            offset: 128,
            stride: 768,
        }),
        file: "0f3c.flat".into(),
        file_bytes: 12,
        build_milliseconds: 17,
    }
}

#[test]
fn what_was_written_is_read() {
    let mut manifest = manifest();
    assert_eq!(
        Manifest::read(manifest.write().as_bytes()).unwrap(),
        manifest
    );
    manifest.source.modified_ns = None;
    manifest.source.etag = Some("\"x\"".into());
    manifest.rows_at = None;
    manifest.parameters.clear();
    assert_eq!(
        Manifest::read(manifest.write().as_bytes()).unwrap(),
        manifest
    );
}

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let text = manifest().write().into_bytes();
    for at in 0..text.len() - 1 {
        for flip in [1, 4, 32] {
            let mut bad = text.clone();
            bad[at] ^= flip;
            if let Ok(read) = Manifest::read(&bad) {
                panic!("byte {at}: {read:?}");
            }
        }
        assert!(Manifest::read(&text[..at]).is_err(), "{at} bytes");
    }
}

#[test]
fn errors_say_what_was_found() {
    let text = manifest().write();
    let error = |from: &str, to: &str| {
        let changed = text.replace(from, to);
        Manifest::read(changed.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        error("\"version\":1", "\"version\":2"),
        "index manifest: version 2 is not supported, expected 1; build the index again"
    );
    assert!(error("cosine", "cosinE").contains("it is damaged"));
    assert!(error("ogive-index", "other").contains("the format is other, expected ogive-index"));
    assert!(Manifest::read(b"[1]").is_err());
    let mut evil = manifest();
    evil.file = "../other.flat".into();
    let error = Manifest::read(evil.write().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("expected a name in the folder"));
}

#[test]
fn any_fact_that_differs_is_told() {
    let manifest = manifest();
    let now = manifest.source.clone();
    assert_eq!(manifest.is_current(&now), Ok(()));
    let moved = SourceFacts {
        path: "elsewhere".into(),
        sample: None,
        ..now.clone()
    };
    assert_eq!(manifest.is_current(&moved), Ok(()));
    let changes: [fn(&mut SourceFacts); 4] = [
        |now| now.bytes += 1,
        |now| now.rows -= 1,
        |now| now.modified_ns = Some(7),
        |now| now.sample = Some("other".into()),
    ];
    for change in changes {
        let mut other = now.clone();
        change(&mut other);
        let stale = manifest.is_current(&other).unwrap_err();
        assert!(stale.to_string().contains("when it was indexed"));
    }
    let unknown = SourceFacts {
        modified_ns: None,
        sample: None,
        etag: Some("x".into()),
        ..now
    };
    assert_eq!(manifest.is_current(&unknown), Err(Stale::Unknown));
}

#[test]
fn samples_see_both_ends_and_the_length() {
    for length in [0_usize, 1, 1000, 1 << 20] {
        let bytes: Vec<u8> = (0..length).map(|i| (i * 7 / 3) as u8).collect();
        let sample = content_sample(&bytes).unwrap();
        assert_eq!(content_sample(&bytes).unwrap(), sample);
        for at in [0, length / 2, length.saturating_sub(1)] {
            // The middle is seen in short sources only.
            if at < length && (length < 100_000 || at != length / 2) {
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert_ne!(content_sample(&other).unwrap(), sample, "{length} {at}");
            }
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_ne!(content_sample(&longer).unwrap(), sample);
    }
}
