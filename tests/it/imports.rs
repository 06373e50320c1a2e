//! Who may import whom: the house's one-way rule, read off `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

/// Each room and the rooms of ours it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ogive-kernels", &[]),
    ("ogive-codecs", &[]),
    ("ogive-npy", &[]),
    ("ogive-vectors", &[]),
    ("ogive-vault", &[]),
    ("ogive-cvc", &["ogive-codecs"]),
    (
        "ogive-udfs",
        &[
            "ogive-kernels",
            "ogive-codecs",
            "ogive-vectors",
            "ogive-vault",
        ],
    ),
    (
        "ogive-table-providers",
        &[
            "ogive-cvc",
            "ogive-npy",
            "ogive-vault",
            "ogive-codecs",
            "ogive-kernels",
            "ogive-udfs",
        ],
    ),
    (
        "ogive-sql",
        &[
            "ogive-udfs",
            "ogive-table-providers",
            "ogive-kernels",
            "ogive-vectors",
        ],
    ),
];

/// Rooms that know nothing of DataFusion or Arrow.
const ENGINES: &[&str] = &[
    "ogive-kernels",
    "ogive-codecs",
    "ogive-npy",
    "ogive-cvc",
    "ogive-vectors",
    "ogive-vault",
];

#[test]
fn imports_point_one_way() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let used: Vec<&str> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap())
            .collect();
        seen.insert(name.to_string(), used.len());
        if ENGINES.contains(&name) {
            for banned in used
                .iter()
                .filter(|n| n.starts_with("datafusion") || n.starts_with("arrow"))
            {
                assert_eq!(*banned, "arrow-buffer", "engine {name} uses {banned}");
            }
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(room, _)| *room == name) else {
            // The product and the benches may use everything.
            assert!(
                ["ogive", "ogive-benches"].contains(&name),
                "{name} has no entry in the rule"
            );
            continue;
        };
        for ours in used.iter().filter(|n| n.starts_with("ogive")) {
            assert!(allowed.contains(ours), "{name} must not use {ours}");
        }
    }
    for (room, _) in ALLOWED {
        assert!(
            seen.contains_key(*room),
            "the rule names {room}, which is not in the workspace"
        );
    }
}

/// Providers of different formats share the scan and nothing else.
#[test]
fn providers_do_not_import_each_other() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("table_providers/src");
    for (room, sibling) in [("cvc", "crate::npy"), ("npy", "crate::cvc")] {
        for entry in std::fs::read_dir(root.join(room)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(sibling), "{} uses {sibling}", path.display());
        }
    }
}
