use super::*;
use crate::facts::File;
use crate::language::Language;
use crate::parse::parse_source;

/// The facts of texts.
fn facts(files: &[(&str, &str)]) -> Graph {
    let mut graph = Graph::new();
    for (path, text) in files {
        let language = Language::detect(path, text.as_bytes());
        let parsed = parse_source(text, language);
        graph.add(&FileFacts {
            file: File {
                path: (*path).to_owned(),
                language: language.name().to_owned(),
                bytes: text.len() as u64,
                modified_ns: 0,
                lines: parsed.lines,
                tokens: None,
                complexity: parsed.complexity,
                hash: None,
            },
            parsed,
        });
    }
    graph
}

/// Checks which files the imports of the first file lead to.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let graph = facts(files);
    let from = files[0].0;
    let found: Vec<String> = graph
        .edges()
        .into_iter()
        .filter(|edge| edge.from == from)
        .map(|edge| edge.to)
        .collect();
    assert_eq!(found, expected, "{from}: {}", files[0].1);
}

#[test]
fn imports_lead_to_files() {
    check(
        &[
            (
                "pkg/sub/a.py",
                "from . import b\nfrom ..c import d\nimport pkg.e\nimport os\n",
            ),
            ("pkg/sub/b.py", ""),
            ("pkg/c.py", ""),
            ("pkg/e/__init__.py", ""),
        ],
        &["pkg/c.py", "pkg/e/__init__.py", "pkg/sub/b.py"],
    );
    check(
        &[
            (
                "src/a.ts",
                "import x from './b.js'; export * from '../lib'; import y from 'react';",
            ),
            ("src/b.ts", ""),
            ("lib/index.ts", ""),
        ],
        &["lib/index.ts", "src/b.ts"],
    );
    check(
        &[
            (
                "crates/x/src/lib.rs",
                "mod a; use crate::b::C; use ogive_y::Z; use std::fmt;",
            ),
            ("crates/x/src/a.rs", ""),
            ("crates/x/src/b/mod.rs", ""),
            ("crates/y/src/lib.rs", ""),
        ],
        &[
            "crates/x/src/a.rs",
            "crates/x/src/b/mod.rs",
            "crates/y/src/lib.rs",
        ],
    );
    check(
        &[
            (
                "crates/x/src/b/c.rs",
                "use super::d; use super::super::a::T;",
            ),
            ("crates/x/src/lib.rs", ""),
            ("crates/x/src/a.rs", ""),
            ("crates/x/src/b/mod.rs", ""),
            ("crates/x/src/b/d.rs", ""),
        ],
        &["crates/x/src/a.rs", "crates/x/src/b/d.rs"],
    );
    check(
        &[
            (
                "main.go",
                "package main\nimport (\n\"fmt\"\n\"example.com/m/pkg/z\"\n)\n",
            ),
            ("pkg/z/one.go", "package z"),
            ("pkg/z/one_test.go", "package z"),
        ],
        &["pkg/z/one.go"],
    );
    check(
        &[
            (
                "src/main/java/a/A.java",
                "package a; import b.c.D; import java.util.List;",
            ),
            ("src/main/java/b/c/D.java", ""),
        ],
        &["src/main/java/b/c/D.java"],
    );
    check(
        &[
            (
                "src/a.c",
                "#include \"b.h\"\n#include <lib/c.h>\n#include <stdio.h>\n",
            ),
            ("src/b.h", ""),
            ("include/lib/c.h", ""),
        ],
        &["include/lib/c.h", "src/b.h"],
    );
    check(
        &[
            (
                "lib/a.rb",
                "require_relative 'b'\nrequire 'c/d'\nrequire 'set'\n",
            ),
            ("lib/b.rb", ""),
            ("lib/c/d.rb", ""),
        ],
        &["lib/b.rb", "lib/c/d.rb"],
    );
    check(
        &[
            ("a.lua", "local x = require('m.x')\nlocal y = require 'm.y'"),
            ("lua/m/x.lua", ""),
            ("lua/m/y/init.lua", ""),
        ],
        &["lua/m/x.lua", "lua/m/y/init.lua"],
    );
    check(
        &[
            ("bin/a.sh", ". ./b.sh\nsource lib/c.sh\n"),
            ("bin/b.sh", ""),
            ("lib/c.sh", ""),
        ],
        &["bin/b.sh", "lib/c.sh"],
    );
    #[cfg(feature = "php")]
    check(
        &[
            (
                "src/A.php",
                "<?php\nuse App\\Model\\User;\nrequire __DIR__ . '/b.php';\n",
            ),
            ("src/Model/User.php", ""),
            ("src/b.php", ""),
        ],
        &["src/Model/User.php", "src/b.php"],
    );
}

#[test]
fn components_are_what_imports_connect() {
    let graph = facts(&[
        ("a.py", "import b"),
        ("b.py", ""),
        ("c.py", "import b"),
        ("d.py", ""),
    ]);
    assert_eq!(
        graph.components(&graph.edges()),
        [vec!["a.py", "b.py", "c.py"], vec!["d.py"]]
    );
}

#[test]
fn files_that_others_use_rank_high_and_focus_moves_rank() {
    let files = [
        ("core.py", "def shared(): pass\n"),
        ("one.py", "def first():\n    shared()\n"),
        ("two.py", "def second():\n    shared()\n    first()\n"),
        ("lone.py", "def lone(): pass\n"),
    ];
    let graph = facts(&files);
    let ranks = graph.ranks(&[]);
    let order = ["core.py", "one.py", "two.py"];
    for pair in order.windows(2) {
        assert!(ranks[pair[0]] > ranks[pair[1]], "{ranks:?}");
    }
    assert!((ranks.values().sum::<f64>() - 1.0).abs() < 1e-9);
    let focused = graph.ranks(&["lone".to_owned()]);
    assert!(focused["lone.py"] > focused["core.py"], "{focused:?}");
    assert_eq!(graph.ranks(&[]), ranks);
}
