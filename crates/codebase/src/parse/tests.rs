//! What is read of each language: a sample, and its facts as lines.

use std::fmt::Write;

use super::*;

/// The facts of a text: symbols, imports, exports and calls, a line each.
fn facts(language: Language, text: &str) -> String {
    let parsed = parse_source(text, language);
    let mut out = String::new();
    let _ = writeln!(out, "complexity {}", parsed.complexity);
    for symbol in &parsed.symbols {
        let complexity = symbol
            .complexity
            .map_or(String::new(), |c| format!(" [{c}]"));
        let _ = write!(
            out,
            "{}-{} {} {} {}{complexity} | {}",
            symbol.start_line,
            symbol.end_line,
            symbol.visibility.name(),
            symbol.kind.name(),
            symbol.qualified_name,
            symbol.signature
        );
        if let Some(doc) = &symbol.doc {
            let _ = write!(out, " | {}", doc.replace('\n', " / "));
        }
        if !symbol.decorators.is_empty() {
            let _ = write!(out, " | {}", symbol.decorators.join(" "));
        }
        out.push('\n');
    }
    for import in &parsed.imports {
        let _ = write!(out, "import {}", import.module);
        for (word, part) in [(":", &import.name), ("as", &import.alias)] {
            if let Some(part) = part {
                let _ = write!(out, " {word} {part}");
            }
        }
        out.push('\n');
    }
    let exports: Vec<_> = parsed
        .exports
        .iter()
        .map(|export| export.name.as_str())
        .collect();
    if !exports.is_empty() {
        let _ = writeln!(out, "exports {}", exports.join(" "));
    }
    let calls: Vec<_> = parsed
        .calls
        .iter()
        .map(|call| call.callee.as_str())
        .collect();
    if !calls.is_empty() {
        let _ = writeln!(out, "calls {}", calls.join(" "));
    }
    for problem in &parsed.problems {
        let _ = writeln!(out, "{}: {}", problem.stage.name(), problem.message);
    }
    out
}

/// Compares with `tests/languages/NAME.facts`; `OGIVE_BLESS=1` writes it.
#[test]
fn samples_of_all_languages() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/languages");
    let mut seen = Vec::new();
    let mut different = Vec::new();
    let mut samples: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    samples.sort();
    for path in samples {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".facts") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let language = Language::detect(name, text.as_bytes());
        seen.push(language);
        if !language.has_grammar() {
            continue;
        }
        let found = facts(language, &text);
        let file = folder.join(format!("{name}.facts"));
        if std::env::var_os("OGIVE_BLESS").is_some() {
            std::fs::write(&file, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            different.push(format!("{name}: found\n{found}\nexpected\n{expected}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    for language in Language::all().filter(|language| language.name() != "text") {
        assert!(seen.contains(&language), "there is no sample of {language}");
    }
}

#[test]
fn tables_name_only_kinds_that_the_grammars_have() {
    for language in Language::all() {
        if let Some(grammar) = language.grammar() {
            assert!(
                grammar.unknown_kinds.is_empty(),
                "{language}: {:?}",
                grammar.unknown_kinds
            );
        }
    }
}

#[test]
fn lines_are_code_comment_or_blank() {
    let check = |language: &str, text: &str, expected: [u32; 4]| {
        let lines = parse_source(text, language.parse().unwrap()).lines;
        let found = [lines.total, lines.code, lines.comments, lines.blanks];
        assert_eq!(found, expected, "{language}: {text:?}");
    };
    check("python", "", [0, 0, 0, 0]);
    check("python", "x", [1, 1, 0, 0]);
    check("python", "x # y\n# z\n\n\"\"\"a\n\nb\"\"\"\n", [6, 3, 1, 2]);
    check(
        "rust",
        "/* a\n\n b */ fn f() {}\n// c\n/* d */ /* e */\n",
        [5, 1, 3, 1],
    );
    check("c", "int x; /* a\nb */int y;\n", [2, 2, 0, 0]);
    check("text", "a\n\nb", [3, 2, 0, 1]);
}

#[test]
fn references_and_calls_know_the_symbol_that_they_are_in() {
    let text = "def f(a):\n    def g():\n        return a.b(c)\n    return g\n\nf(1)\n";
    let parsed = parse_source(text, "python".parse().unwrap());
    let uses = |name: &str| -> Vec<_> {
        parsed
            .references
            .iter()
            .filter(|reference| reference.name == name)
            .map(|reference| (reference.symbol, reference.line))
            .collect()
    };
    assert_eq!(uses("c"), [(Some(1), 3)]);
    assert_eq!(uses("g"), [(Some(0), 4)]);
    assert_eq!(uses("f"), [(None, 6)]);
    let calls: Vec<_> = parsed
        .calls
        .iter()
        .map(|call| (call.name.as_str(), call.callee.as_str(), call.symbol))
        .collect();
    assert_eq!(calls, [("b", "a.b", Some(1)), ("f", "f", None)]);
}

#[test]
fn complexity_counts_what_it_says() {
    let check = |language: &str, body: &str, expected: u32| {
        let text = match language {
            "python" => format!("def f():\n    {}\n", body.replace('\n', "\n    ")),
            "rust" => format!("fn f() {{ {body} }}"),
            _ => format!("function f() {{ {body} }}"),
        };
        let parsed = parse_source(&text, language.parse().unwrap());
        assert_eq!(
            parsed.symbols[0].complexity,
            Some(expected),
            "{language}: {body}"
        );
    };
    check("python", "pass", 1);
    check("python", "if a: pass\nelif b: pass\nelse: pass", 3);
    check("python", "for x in y: pass\nelse: pass", 2);
    check("python", "while a and b or c: pass", 4);
    check(
        "python",
        "try: pass\nexcept A: pass\nexcept B: pass\nfinally: pass",
        3,
    );
    check("python", "return [x for x in y if x if z for w in v]", 5);
    check("python", "return lambda: a if b else c", 2);
    check(
        "python",
        "match x:\n  case 1: pass\n  case _ if y: pass\n  case _: pass",
        3,
    );
    check("python", "def g():\n  if a: pass", 1);
    check("python", "class G:\n  if a: pass", 2);
    check("rust", "if a {} else if b {} else {}", 3);
    check("rust", "if let A = b && c {}", 3);
    check("rust", "match x { 1 | 2 => {} _ if y => {} _ => {} }", 3);
    check("rust", "loop { while a || b {} for x in y {} }", 5);
    check("rust", "let c = |x| x && y; a?;", 2);
    check("javascript", "if (a) {} else if (b) {}", 3);
    check("javascript", "switch (a) { case 1: case 2: default: }", 3);
    check(
        "javascript",
        "for (;;) {} do {} while (a && b); try {} catch {}",
        5,
    );
    check("javascript", "return a ? b : c || d", 3);
    check("typescript", "const g = () => { if (a) {} };", 1);
}

#[test]
fn bytes_of_symbols_are_their_text() {
    let text = "# é\n@d\nclass A:\n    x = 1\n\n    def f(self):\n        pass\n    # after\n";
    let parsed = parse_source(text, "python".parse().unwrap());
    let of = |index: usize| {
        let symbol = &parsed.symbols[index];
        &text[symbol.start_byte as usize..symbol.end_byte as usize]
    };
    assert!(
        of(0).starts_with("class A:") && of(0).ends_with("pass"),
        "{}",
        of(0)
    );
    assert_eq!(of(1), "def f(self):\n        pass");
}

#[test]
fn what_the_grammar_takes_for_an_error_is_mended() {
    let text = "def f():\n    (bar. # why\nbaz)\n\ndef g(): pass\n";
    let parsed = parse_source(text, "python".parse().unwrap());
    let found: Vec<_> = parsed
        .symbols
        .iter()
        .map(|s| (s.name.as_str(), s.start_line, s.end_line))
        .collect();
    assert_eq!(found, [("f", 1, 3), ("g", 5, 5)]);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
}
