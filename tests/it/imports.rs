//! Who may import whom: the house's one-way rule, read off `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

use crate::modules::{Modules, circles};

/// Each room and the rooms of ours it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ogive-kernels", &[]),
    ("ogive-temporary", &[]),
    ("ogive-codecs", &[]),
    ("ogive-npy", &[]),
    ("ogive-vectors", &[]),
    ("ogive-vault", &[]),
    ("ogive-codebase", &[]),
    ("ogive-cvc", &["ogive-codecs", "ogive-temporary"]),
    ("ogive-index", &["ogive-kernels", "ogive-temporary"]),
    ("ogive-cuda", &["ogive-kernels", "ogive-codecs"]),
    (
        "ogive-udfs",
        &[
            "ogive-kernels",
            "ogive-codecs",
            "ogive-cuda",
            "ogive-vectors",
            "ogive-vault",
            "ogive-codebase",
            "ogive-codebase",
        ],
    ),
    (
        "ogive-table-providers",
        &[
            "ogive-cvc",
            "ogive-npy",
            "ogive-index",
            "ogive-vault",
            "ogive-codebase",
            "ogive-codecs",
            "ogive-kernels",
            "ogive-udfs",
            "ogive-vectors",
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
    "ogive-temporary",
    "ogive-codecs",
    "ogive-npy",
    "ogive-cvc",
    "ogive-vectors",
    "ogive-vault",
    "ogive-codebase",
    "ogive-index",
    "ogive-cuda",
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

fn modules_of(room: &str) -> BTreeMap<String, std::collections::BTreeSet<String>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    Modules::read(&root.join(room).join("src")).imports()
}

#[test]
fn no_circles_of_files() {
    for room in ["crates/kernels", "crates/index", "table_providers", "sql"] {
        let imports = modules_of(room);
        assert!(imports.len() > 20, "{room}: {} files", imports.len());
        let circles = circles(&imports);
        assert!(
            circles.is_empty(),
            "{room}: circles of imports: {circles:#?}"
        );
    }
}

/// The rooms of the front end from the top down: a room imports from those after it.
const FRONT_END: &[&str] = &[
    "session",
    "commands",
    "explain",
    "planner",
    "knn_join",
    "dml",
    "rules",
    "exec",
    "statement",
    "catalog",
    "object_stores",
    "types",
    "settings",
    "parser",
];

/// Rooms of the table providers from the top down.
const PROVIDERS: &[&str] = &["cvc", "npy", "parquet", "scan", "index", "changes"];

/// Files that name formats from below, until formats are registered.
const NAMES_FORMATS: &[&str] = &["scan::kind", "scan::format"];

#[test]
fn rooms_import_from_those_below() {
    for (crate_root, rooms) in [("sql", FRONT_END), ("table_providers", PROVIDERS)] {
        let floor = |module: &str| {
            let room = module.split("::").next().unwrap_or_default();
            rooms.iter().position(|other| *other == room)
        };
        for (module, used) in modules_of(crate_root) {
            let Some(from) = floor(&module) else {
                continue;
            };
            if crate_root == "table_providers" && NAMES_FORMATS.contains(&module.as_str()) {
                continue;
            }
            for to in used {
                assert!(
                    floor(&to).is_none_or(|floor| floor >= from),
                    "{crate_root}: {module} must not use {to}"
                );
            }
        }
    }
}
