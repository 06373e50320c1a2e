//! Symbols beside what other programs find: the TypeScript compiler, and universal-ctags for Rust.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ogive_codebase::{Language, SymbolKind, WalkOptions, parse_source, walk};
use serde_json::Value;

/// How many symbols there are of a kind and name in a file.
type Counts = BTreeMap<(String, String), i64>;

/// The symbols of a file by kind and name; methods are functions.
fn ours(path: &Path, kinds: &[SymbolKind]) -> Counts {
    let text = std::fs::read_to_string(path).unwrap();
    let language = Language::detect(&path.to_string_lossy(), text.as_bytes());
    let mut counts = Counts::new();
    for symbol in parse_source(&text, language).symbols {
        let kind = match symbol.kind {
            SymbolKind::Method => SymbolKind::Function,
            kind => kind,
        };
        if kinds.contains(&kind) {
            *counts
                .entry((kind.name().to_owned(), symbol.name))
                .or_default() += 1;
        }
    }
    counts
}

/// Lines about what is in one and not in the other.
fn difference(file: &str, ours: &Counts, theirs: &Counts, out: &mut Vec<String>) {
    for (key, count) in ours {
        let other = theirs.get(key).copied().unwrap_or(0);
        if *count != other {
            out.push(format!("{file}: {key:?}: {count} here, {other} there"));
        }
    }
    for (key, count) in theirs {
        if !ours.contains_key(key) {
            out.push(format!("{file}: {key:?}: none here, {count} there"));
        }
    }
}

/// `OGIVE_NODE_MODULES` is a folder with the package `typescript` 5 and the packages whose TypeScript is compared.
#[test]
fn typescript_symbols_are_those_of_its_compiler() {
    let Some(modules) = std::env::var_os("OGIVE_NODE_MODULES").map(PathBuf::from) else {
        eprintln!("SKIPPED: OGIVE_NODE_MODULES is not set, so no TypeScript was compared");
        return;
    };
    let options = WalkOptions {
        include: vec!["*.{ts,tsx,mts,cts}".to_owned()],
        ignore_files: false,
        ..WalkOptions::default()
    };
    let files = walk(&modules, &options).unwrap().entries;
    let mut node = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typescript_symbols.js"))
        .arg(modules.canonicalize().unwrap().join("typescript"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names: String = files
        .iter()
        .map(|entry| format!("{}\n", entry.absolute.display()))
        .collect();
    node.stdin
        .take()
        .unwrap()
        .write_all(names.as_bytes())
        .unwrap();
    let output = node.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let kinds = [
        SymbolKind::Class,
        SymbolKind::Interface,
        SymbolKind::Enum,
        SymbolKind::Type,
        SymbolKind::Function,
    ];
    let mut different = Vec::new();
    let mut compared = 0;
    for (entry, answer) in files.iter().zip(answers.lines()) {
        let mut theirs = Counts::new();
        for symbol in serde_json::from_str::<Vec<Vec<String>>>(answer).unwrap() {
            *theirs
                .entry((symbol[0].clone(), symbol[1].clone()))
                .or_default() += 1;
        }
        compared += theirs.values().sum::<i64>();
        difference(
            &entry.path,
            &ours(&entry.absolute, &kinds),
            &theirs,
            &mut different,
        );
    }
    eprintln!(
        "compared {compared} symbols of {} files with the TypeScript compiler",
        files.len()
    );
    assert_eq!(answers.lines().count(), files.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The sources of this workspace, or of `OGIVE_RUST_FILES`: nothing that ctags finds is missing. What it does not find is
/// shown: it loses its way in files with certain literals. Constants are left out: it sees none inside of `impl`.
#[test]
fn rust_symbols_are_those_of_ctags() {
    let root = std::env::var_os("OGIVE_RUST_FILES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        PathBuf::from,
    );
    let root = root.canonicalize().unwrap();
    let output = Command::new("ctags")
        .args([
            "--languages=Rust",
            "--output-format=json",
            "--fields=+n",
            "-R",
            "-f",
            "-",
        ])
        .arg(&root)
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIPPED: universal-ctags is not there, so no Rust was compared");
        return;
    };
    let kinds = [
        ("function", SymbolKind::Function),
        ("method", SymbolKind::Function),
        ("struct", SymbolKind::Struct),
        ("enum", SymbolKind::Enum),
        ("interface", SymbolKind::Trait),
        ("typedef", SymbolKind::Type),
        ("macro", SymbolKind::Macro),
    ];
    let mut theirs: BTreeMap<String, Counts> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let tag: Value = serde_json::from_str(line).unwrap();
        let kind = kinds.iter().find(|(kind, _)| tag["kind"] == *kind);
        if let Some((_, kind)) = kind {
            let key = (
                kind.name().to_owned(),
                tag["name"].as_str().unwrap().to_owned(),
            );
            let file = tag["path"].as_str().unwrap().to_owned();
            *theirs.entry(file).or_default().entry(key).or_default() += 1;
        }
    }
    let wanted: Vec<SymbolKind> = kinds.iter().map(|(_, kind)| *kind).collect();
    let mut different = Vec::new();
    let mut compared = 0;
    for (file, theirs) in &theirs {
        compared += theirs.values().sum::<i64>();
        difference(
            file,
            &ours(Path::new(file), &wanted),
            theirs,
            &mut different,
        );
    }
    eprintln!(
        "compared {compared} symbols of {} files with ctags",
        theirs.len()
    );
    let (missing, more): (Vec<String>, Vec<String>) = different
        .into_iter()
        .partition(|line| line.contains(": none here"));
    eprintln!("ctags does not find {}", more.join("\n"));
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(more.len() as i64 <= compared / 100, "{}", more.join("\n"));
}
