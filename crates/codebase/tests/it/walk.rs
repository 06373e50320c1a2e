//! Which files are looked at.

use std::fs;
use std::path::Path;

use ogive_codebase::{Error, Language, WalkOptions, walk};

fn make(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn ignore_files_hold_outside_of_repositories() {
    let folder = tempfile::tempdir().unwrap();
    make(
        folder.path(),
        &[
            (".gitignore", "target\n*.log\n!keep.log\n"),
            ("target/x.rs", ""),
            ("a.log", ""),
            ("keep.log", ""),
            ("src/.hidden.rs", ""),
            ("src/lib.rs", ""),
            ("src/.gitignore", "generated.rs\n"),
            ("src/generated.rs", ""),
            ("src.rs", ""),
            (".git/config", ""),
        ],
    );
    let check = |options: WalkOptions, expected: &[&str]| {
        let found = walk(folder.path(), &options).unwrap();
        let paths: Vec<_> = found
            .entries
            .iter()
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(paths, expected, "{options:?}");
        assert!(found.errors.is_empty());
    };
    check(
        WalkOptions::default(),
        &["keep.log", "src.rs", "src/lib.rs"],
    );
    check(
        WalkOptions {
            hidden: true,
            ignore_files: false,
            ..WalkOptions::default()
        },
        &[
            ".gitignore",
            "a.log",
            "keep.log",
            "src.rs",
            "src/.gitignore",
            "src/.hidden.rs",
            "src/generated.rs",
            "src/lib.rs",
            "target/x.rs",
        ],
    );
    let globs = |include: &[&str], exclude: &[&str]| WalkOptions {
        include: include.iter().map(|glob| (*glob).to_owned()).collect(),
        exclude: exclude.iter().map(|glob| (*glob).to_owned()).collect(),
        ..WalkOptions::default()
    };
    check(globs(&["*.rs"], &[]), &["src.rs", "src/lib.rs"]);
    check(globs(&["src"], &[]), &["src/lib.rs"]);
    check(globs(&["src/*.rs"], &[]), &["src/lib.rs"]);
    check(globs(&[], &["src/"]), &["keep.log", "src.rs"]);
    check(globs(&["*.{rs,log}"], &["lib.*"]), &["keep.log", "src.rs"]);
    let wrong = walk(folder.path(), &globs(&["[a"], &[]));
    assert!(matches!(wrong, Err(Error::Pattern { pattern, .. }) if pattern == "[a"));
    let file = walk(&folder.path().join("src/lib.rs"), &WalkOptions::default()).unwrap();
    assert_eq!(file.entries[0].path, "lib.rs");
}

#[test]
fn languages_are_known_by_name_extension_and_first_line() {
    let check = |path: &str, head: &str, expected: &str| {
        assert_eq!(
            Language::detect(path, head.as_bytes()).name(),
            expected,
            "{path}"
        );
    };
    check("a/b.py", "", "python");
    check("b.PY", "", "python");
    check("b.d.ts", "", "typescript");
    check("b.tsx", "", "tsx");
    check("b.C", "", "cpp");
    check("b.c", "", "c");
    check("Rakefile", "", "ruby");
    check("Cargo.lock", "", "toml");
    check(".bashrc", "", "bash");
    check("run", "#!/usr/bin/env python3.11\n", "python");
    check("run", "#!/bin/sh -e\n", "bash");
    check("run", "#! /usr/bin/env -S node --flag\n", "javascript");
    check("run", "#!/usr/bin/env X=1 ruby\n", "ruby");
    check("run.py", "#!/bin/sh\n", "python");
    check("LICENSE", "Apache", "text");
    check("a.unknown", "", "text");
    check("dir.py/file", "", "text");
    for language in Language::all() {
        assert_eq!(language.name().parse::<Language>().unwrap(), language);
    }
    for name in [
        "python",
        "javascript",
        "typescript",
        "tsx",
        "rust",
        "go",
        "java",
        "c",
        "cpp",
        "csharp",
        "ruby",
        "php",
        "bash",
        "kotlin",
        "swift",
        "scala",
        "lua",
        "json",
        "toml",
        "yaml",
        "html",
        "css",
        "sql",
        "markdown",
        "text",
    ] {
        let language: Language = name.parse().unwrap();
        assert!(
            language.has_grammar() || name == "text" || cfg!(not(feature = "sql")),
            "{name}"
        );
    }
}
