//! Bad input is a row in the errors, and never a panic or a hang.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ogive_codebase::{
    Checkout, FileFacts, Language, ParseLimits, ScanOptions, Scanned, Stage, WalkOptions,
    parse_source, parse_source_within,
};

/// The files and the errors of a scan: stages and messages by path.
fn scan(root: &Path, options: ScanOptions) -> (Vec<FileFacts>, Vec<(String, Stage, String)>) {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for scanned in Checkout::open(root, options).unwrap().scan().unwrap() {
        match scanned {
            Scanned::File(facts) => {
                errors.extend(facts.errors().map(|e| (e.path, e.stage, e.message)));
                files.push(*facts);
            }
            Scanned::Failed(error) => errors.push((error.path, error.stage, error.message)),
        }
    }
    (files, errors)
}

#[test]
fn files_beyond_limits_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let huge = fs::File::create(folder.path().join("huge.py")).unwrap();
    huge.set_len(200 << 20).unwrap();
    let line = format!("x = '{}'\n", "a".repeat(10 << 20));
    fs::write(folder.path().join("line.py"), line).unwrap();
    fs::write(folder.path().join("good.py"), "def f(): pass\n").unwrap();
    let started = Instant::now();
    let (files, errors) = scan(folder.path(), ScanOptions::default());
    assert!(started.elapsed() < Duration::from_secs(20));
    let paths: Vec<_> = files.iter().map(|facts| facts.file.path.as_str()).collect();
    assert_eq!(paths, ["good.py", "line.py"]);
    assert_eq!(files[1].file.tokens, None);
    assert_eq!(files[1].file.lines.code, 1);
    let stages: Vec<_> = errors
        .iter()
        .map(|(path, stage, _)| (path.as_str(), *stage))
        .collect();
    assert_eq!(
        stages,
        [("huge.py", Stage::Limit), ("line.py", Stage::Limit)]
    );
    assert!(errors[0].2.contains("209715200"), "{}", errors[0].2);
}

/// Every line begins what never ends, so that the grammar keeps all that it may be. The bound is of the whole process, so it
/// holds with the tests beside it.
#[cfg(target_os = "linux")]
#[test]
fn a_parse_that_takes_too_much_memory_ends() {
    let limits = ParseLimits {
        memory_bytes_max: 16 << 20,
        ..ParseLimits::default()
    };
    let cpp: Language = "cpp".parse().unwrap();
    let text = "a<".repeat(1 << 18);
    let parsed = parse_source_within(&text, cpp, &limits);
    let message = &parsed.problems[0].message;
    assert_eq!(message, "not parsed: it took more than 16 MiB of memory");
    assert!(parsed.is_beyond_limits());
    // The parser is as it was.
    let parsed = parse_source_within("int f() { return 1; }", cpp, &limits);
    assert_eq!(parsed.symbols.len(), 1);
    assert!(parsed.problems.is_empty());
}

#[test]
fn encodings_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let text = "def grüße():\n    pass\n";
    write("a_plain.py", text.as_bytes());
    write("b_mark.py", &[b"\xef\xbb\xbf", text.as_bytes()].concat());
    let utf_16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        let mut out = mark.to_vec();
        out.extend(text.encode_utf16().flat_map(bytes));
        out
    };
    write("c_le.py", &utf_16([0xff, 0xfe], u16::to_le_bytes));
    write("d_be.py", &utf_16([0xfe, 0xff], u16::to_be_bytes));
    write("e_broken.py", b"def gr\xfc\xdfe(): pass\ndef g(): pass\n");
    write("f_binary.py", b"\0\x01\x02def f(): pass\n");
    let (files, errors) = scan(folder.path(), ScanOptions::default());
    assert_eq!(files.len(), 5);
    for facts in &files[..4] {
        assert_eq!(facts.parsed.symbols[0].name, "grüße", "{}", facts.file.path);
    }
    assert_eq!(files[4].parsed.symbols.last().unwrap().name, "g");
    assert_eq!(errors[0].0, "e_broken.py");
    assert_eq!(errors[0].1, Stage::Decode);
    assert!(errors[0].2.contains("byte 6, on line 1"), "{}", errors[0].2);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let nested = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000))
    };
    let mut python = String::new();
    for depth in 0..1000 {
        python.push_str(&" ".repeat(depth));
        python.push_str("if x:\n");
    }
    let texts = [
        ("python", nested("(", "x", ")")),
        ("python", nested("[", "x", "]")),
        ("python", python),
        (
            "yaml",
            (0..400)
                .map(|n| format!("{}a:\n", "  ".repeat(n)))
                .collect(),
        ),
        ("json", nested("[", "1", "]")),
        ("json", nested("{\"a\":", "1", "}")),
        ("javascript", nested("f(() => {", "x", "})")),
        ("typescript", nested("a<", "b", ">")),
        ("rust", format!("fn f() {{ {} }}", nested("{", "x", "}"))),
        ("c", format!("int f() {{ {} }}", nested("{", "x;", "}"))),
        ("cpp", nested("namespace a {", "int x;", "}")),
        (
            "go",
            format!("package a\nfunc f() {{ {} }}", nested("{", "x()", "}")),
        ),
        (
            "java",
            format!("class A {{ void f() {{ {} }} }}", nested("{", "x();", "}")),
        ),
        ("ruby", nested("[", "1", "]")),
        ("bash", nested("$(", "x", ")")),
        ("lua", format!("x = {}", nested("{", "1", "}"))),
        ("html", nested("<div>", "x", "</div>")),
        ("css", nested("a {", "b: c", "}")),
        ("yaml", nested("[", "1", "]")),
        ("yaml", nested("- ", "1", "")),
        ("yaml", nested("? ", "1", "")),
        ("yaml", nested("- ? : - ", "1", "")),
        ("toml", format!("a = {}", nested("[", "1", "]"))),
        ("markdown", nested("> ", "x", "")),
        ("sql", format!("SELECT {}", nested("(", "1", ")"))),
        ("php", format!("<?php {}", nested("{", "x();", "}"))),
        (
            "csharp",
            format!("class A {{ void F() {{ {} }} }}", nested("{", "x();", "}")),
        ),
        (
            "kotlin",
            format!("fun f() {{ {} }}", nested("{", "x()", "}")),
        ),
        ("swift", format!("func f() {{ {} }}", nested("(", "x", ")"))),
        ("scala", format!("object A {{ {} }}", nested("{", "x", "}"))),
        ("tsx", nested("<a>", "x", "</a>")),
    ];
    for (language, text) in texts {
        let language: Language = language.parse().unwrap();
        let limits = ParseLimits {
            time_max: Duration::from_secs(3),
            ..ParseLimits::default()
        };
        let started = Instant::now();
        let parsed = parse_source_within(&text, language, &limits);
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{language}: {:?}",
            started.elapsed()
        );
        assert!(parsed.lines.total > 0, "{language}");
    }
    let parsed = parse_source(&nested("(", "x", ")"), "python".parse().unwrap());
    assert!(
        parsed.problems.iter().any(|p| p.stage == Stage::Limit),
        "{:?}",
        parsed.problems
    );
}

#[test]
fn a_parse_that_takes_too_long_ends() {
    let text = "def f(a, b):\n    return a + b\n".repeat(200_000);
    let limits = ParseLimits {
        time_max: Duration::from_millis(20),
        ..ParseLimits::default()
    };
    let started = Instant::now();
    let parsed = parse_source_within(&text, "python".parse().unwrap(), &limits);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(parsed.problems[0].stage, Stage::Limit);
    assert_eq!(parsed.lines.code, 400_000);
    // The next parse begins anew.
    let parsed = parse_source("def g(): pass", "python".parse().unwrap());
    assert_eq!(parsed.symbols[0].name, "g");
}

#[test]
fn mistakes_in_the_syntax_are_errors_and_the_rest_is_read() {
    let text = "def f(:\n    pass\n\ndef g():\n    pass\n";
    let parsed = parse_source(text, "python".parse().unwrap());
    assert!(parsed.symbols.iter().any(|symbol| symbol.name == "g"));
    assert_eq!(parsed.problems[0].stage, Stage::Parse);
    assert!(
        parsed.problems[0].message.contains("line 1"),
        "{:?}",
        parsed.problems
    );
}

#[test]
fn what_a_grammar_would_pass_over_is_said() {
    let yaml: Language = "yaml".parse().unwrap();
    let parsed = parse_source(&"a: 1\n".repeat(32_767), yaml);
    assert_eq!((parsed.symbols.len(), parsed.problems.len()), (32_767, 0));
    let parsed = parse_source(&"a: 1\n".repeat(32_768), yaml);
    assert_eq!(parsed.problems[0].stage, Stage::Limit);
    assert_eq!(parsed.lines.code, 32_768);
}

/// Texts that are no code in any language, in every language.
#[test]
fn noise_is_survived() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let parts = [
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "\"",
        "'",
        "`",
        "\n",
        "  ",
        "\t",
        ":",
        ";",
        ",",
        ".",
        "if ",
        "def ",
        "class ",
        "fn ",
        "import ",
        "from ",
        "use ",
        "export ",
        "/*",
        "*/",
        "//",
        "#",
        "--",
        "=>",
        "x",
        "é",
        "\u{1f600}",
        "0",
        "=",
        "&&",
        "||",
        "and ",
        "<<EOF",
        "$",
        "@",
        "\\",
        "\r\n",
        "|",
        "- ",
        "case ",
        "match ",
    ];
    for language in Language::all() {
        for _ in 0..40 {
            let text: String = (0..200)
                .map(|_| parts[(next() % parts.len() as u64) as usize])
                .collect();
            let parsed = parse_source(&text, language);
            for symbol in &parsed.symbols {
                assert!(
                    text.get(symbol.start_byte as usize..symbol.end_byte as usize)
                        .is_some()
                );
            }
            for level in ogive_codebase::Level::ALL {
                let _ = ogive_codebase::compress("x", &text, language, level);
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_when_asked_and_loops_are_errors() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/x.py"), "").unwrap();
    symlink(root, root.join("a/loop")).unwrap();
    symlink(root.join("a/x.py"), root.join("link.py")).unwrap();
    symlink(root.join("nowhere"), root.join("broken.py")).unwrap();
    let (files, errors) = scan(root, ScanOptions::default());
    assert_eq!((files.len(), errors.len()), (1, 0), "{errors:?}");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.py"), "").unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    let checkout = Checkout::open(root, ScanOptions::default()).unwrap();
    assert!(checkout.read("a/x.py").is_ok());
    assert!(checkout.read("out/x.py").is_err());
    fs::remove_file(root.join("out")).unwrap();
    let follow = ScanOptions {
        walk: WalkOptions {
            follow_links: true,
            ..WalkOptions::default()
        },
        ..ScanOptions::default()
    };
    let (files, errors) = scan(root, follow);
    let paths: Vec<_> = files.iter().map(|facts| facts.file.path.as_str()).collect();
    assert_eq!(paths, ["a/x.py", "link.py"]);
    let paths: Vec<_> = errors
        .iter()
        .map(|(path, stage, _)| (path.as_str(), *stage))
        .collect();
    assert_eq!(paths, [("a/loop", Stage::Walk), ("broken.py", Stage::Walk)]);
    assert!(errors[0].2.contains("leads back"), "{errors:?}");
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.py");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        // Root reads everything.
        return;
    }
    let (files, errors) = scan(folder.path(), ScanOptions::default());
    assert!(files.is_empty());
    assert_eq!(errors[0].1, Stage::Read);
}

#[test]
fn what_vanishes_between_walk_and_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    // More than the batches that may wait, so that the last files are read after the first have been taken.
    for n in 0..3000 {
        fs::write(folder.path().join(format!("{n:04}.py")), "x = 1\n").unwrap();
    }
    let checkout = Checkout::open(folder.path(), ScanOptions::default()).unwrap();
    let mut scan = checkout.scan().unwrap();
    let first = scan.next().unwrap();
    assert_eq!(first.path(), "0000.py");
    fs::remove_file(folder.path().join("2999.py")).unwrap();
    let last = scan.last().unwrap();
    assert!(
        matches!(last, Scanned::Failed(error) if error.stage == Stage::Read && error.path == "2999.py")
    );
}

#[test]
fn nothing_at_the_path_is_an_error_of_the_call() {
    assert!(Checkout::open("no/such/folder", ScanOptions::default()).is_err());
    let folder = tempfile::tempdir().unwrap();
    let checkout = Checkout::open(folder.path(), ScanOptions::default()).unwrap();
    for path in ["../x", "/etc/hostname", "", "a/../../x"] {
        assert!(checkout.read(path).is_err(), "{path}");
    }
}
