//! The level `full` keeps the tree; the others keep what they say.

use ogive_codebase::{Level, compress, parse_source};

fn check(language: &str, level: Level, text: &str, expected: &str) {
    let found = compress("x", text, language.parse().unwrap(), level);
    assert_eq!(found, expected, "{language} {level}");
}

#[test]
fn comments_and_blank_lines_go() {
    let full = Level::Full;
    check(
        "python",
        full,
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# gone\n\nx = '''a\n\n# kept\n\nb'''  # gone\n\n\n\"\"\"Doc.\"\"\"\nif x:  # gone\n    # gone\n\n    y = 1\n",
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = '''a\n\n# kept\n\nb'''\n\"\"\"Doc.\"\"\"\nif x:\n    y = 1\n",
    );
    check(
        "rust",
        full,
        "/// Doc.\nfn f(/* a */) -> &'static str {\n\n    // b\n    r\"x\n\n// kept\" /* c */ /* d */\n}\n",
        "fn f() -> &'static str {\n    r\"x\n\n// kept\"\n}\n",
    );
    check(
        "c",
        full,
        "int/* a */x;\n#define A 1 /* b */\n\n\nint y; // c\n",
        "int x;\n#define A 1\nint y;\n",
    );
    check(
        "javascript",
        full,
        "const a = `x\n\n  // kept ${ b /* gone */ }\n`; // gone\n/* gone\n\n gone */\nf();\n",
        "const a = `x\n\n  // kept ${ b  }\n`;\nf();\n",
    );
    check(
        "go",
        full,
        "//go:build linux\n\n// gone\npackage a\n",
        "//go:build linux\npackage a\n",
    );
    check(
        "bash",
        full,
        "#!/bin/sh\n# gone\ncat <<EOF\n# kept\n\nx\nEOF\n\necho '#' # gone\n",
        "#!/bin/sh\ncat <<EOF\n# kept\n\nx\nEOF\necho '#'\n",
    );
    check(
        "yaml",
        full,
        "a: |\n  x\n\n  # kept\n# gone\nb: 1\n",
        "a: |\n  x\n\n  # kept\nb: 1\n",
    );
    check("text", full, "a\n\n\n# b\n", "a\n\n\n# b\n");
    check("markdown", full, "a\n\n\n# b\n", "a\n\n\n# b\n");
}

#[test]
fn outlines_have_no_bodies() {
    let text = "import os\nfrom a import (\n    b,\n    c as d,\n)\n\nLIMIT = 5\n\n\nclass A(B):\n    \"\"\"About A.\n\n    More.\n    \"\"\"\n\n    @property\n    def f(self, x: int = 1) -> str:\n        \"\"\"About f.\"\"\"\n        return secret_body(x)\n";
    check(
        "python",
        Level::Structural,
        text,
        "import os\nfrom a import ( b, c as d, )\n# exports LIMIT, A\nLIMIT = 5\n# About A.\nclass A(B)\n  # About f.\n  def f(self, x: int = 1) -> str\n",
    );
    check(
        "python",
        Level::Signature,
        text,
        "LIMIT = 5\nclass A(B)\n  def f(self, x: int = 1) -> str\n",
    );
    check(
        "python",
        Level::Summary,
        text,
        "x: python, 19 lines; defines and exports LIMIT, A\n",
    );
}

/// Real code: the sources of this crate and of Python's library, where it is there.
#[test]
fn real_code_loses_its_comments_and_nothing_else() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    let found = ogive_codebase::walk(&root, &ogive_codebase::WalkOptions::default()).unwrap();
    for entry in found.entries {
        let text = std::fs::read_to_string(&entry.absolute).unwrap();
        let rust = "rust".parse().unwrap();
        let shorter = compress(&entry.path, &text, rust, Level::Full);
        let (before, after) = (parse_source(&text, rust), parse_source(&shorter, rust));
        assert_eq!(after.lines.comments, 0, "{}", entry.path);
        assert!(
            text.trim().is_empty() || shorter.len() < text.len(),
            "{}",
            entry.path
        );
        let shape = |parsed: &ogive_codebase::Parsed| -> Vec<_> {
            parsed
                .symbols
                .iter()
                .map(|s| (s.qualified_name.clone(), s.signature.clone(), s.complexity))
                .collect()
        };
        assert_eq!(shape(&before), shape(&after), "{}", entry.path);
        assert_eq!(
            before.references.len(),
            after.references.len(),
            "{}",
            entry.path
        );
        checked += 1;
    }
    assert!(checked > 20);
}
