//! Source code packed for a context window.

use std::path::Path;

use super::{Outcome, names, ogive};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/project");

fn context(folder: &Path, arguments: &[&str]) -> Outcome {
    let arguments = [&["context", PROJECT, "--no-cache"], arguments].concat();
    ogive(folder, &arguments)
}

#[test]
fn budgets_hold_and_runs_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    for budget in ["90", "150", "300", "1000"] {
        for format in ["markdown", "json", "xml", "plain"] {
            let arguments = ["--budget", budget, "--format", format, "--title", "t"];
            let first = context(folder.path(), &arguments).ok();
            let second = context(folder.path(), &arguments).ok();
            assert_eq!(first.stdout, second.stdout);
            let tokens: Vec<u64> = first
                .stderr
                .split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect();
            // Files, chunks, tokens, left out.
            assert!(tokens[2] <= budget.parse().unwrap(), "{first:?}");
        }
    }
}

#[test]
fn queries_choose() {
    let folder = tempfile::tempdir().unwrap();
    let query = "SELECT path FROM code.files WHERE array_has(functions, 'nearest')";
    let outcome = context(
        folder.path(),
        &["--query", query, "--level", "signature", "-q"],
    )
    .ok();
    assert!(outcome.stdout.contains("def nearest(points, query)"));
    assert!(!outcome.stdout.contains("fetchPoint"), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    context(folder.path(), &["--query", "SELECT 1"]).fails(2, &["a column path"]);
    context(folder.path(), &["--query", "SELECT path FROM nothing"]).fails(1, &["nothing"]);
}

#[test]
fn chunks_are_files_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--chunks", "size", "--budget", "150", "-o", "out"];
    context(folder.path(), &arguments).ok();
    let files = names(&folder.path().join("out"));
    assert!(files.len() > 1 && files[0] == "chunk-0001.md", "{files:?}");
    // What is there is not written over.
    context(folder.path(), &arguments).fails(1, &["chunk-0001.md", "exists"]);
    context(folder.path(), &[&arguments[..], &["--force"]].concat()).ok();
}

#[test]
fn secrets_are_named_and_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    std::fs::create_dir(&project).unwrap();
    let key = format!("-----BEGIN {} KEY-----\nMIIEow\n", "RSA PRIVATE");
    std::fs::write(project.join("id_rsa"), &key).unwrap();
    std::fs::write(project.join("a.py"), "x = 1\n").unwrap();
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache"]).ok();
    assert!(!outcome.stdout.contains("MIIEow"), "{outcome:?}");
    assert!(outcome.stderr.contains("id_rsa: left out"), "{outcome:?}");
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache", "--secrets"]).ok();
    assert!(outcome.stdout.contains("MIIEow"), "{outcome:?}");
}

#[test]
fn bad_files_do_not_stop_it_and_bad_calls_do() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("latin.py"), b"x = '\xe9'\n").unwrap();
    std::fs::write(project.join("good.py"), "def good():\n    pass\n").unwrap();
    std::fs::write(project.join("deep.py"), "[".repeat(20_000)).unwrap();
    let outcome = ogive(folder.path(), &["context", "p", "--no-cache"]).ok();
    assert!(outcome.stdout.contains("def good()"), "{outcome:?}");
    ogive(folder.path(), &["context", "gone"]).fails(1, &["gone"]);
    for wrong in [
        &["--level", "most"][..],
        &["--format", "pdf"],
        &["--chunks", "some"],
        &["--encoding", "utf8"],
        &["--include", "a[b"],
    ] {
        context(folder.path(), wrong).fails(2, &[]);
    }
    assert_eq!(context(folder.path(), &["--budget", "0"]).code, 2);
}

#[test]
fn compressed_output_is_one_frame_of_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    for chunks in [&[][..], &["--chunks", "size", "--budget", "150"]] {
        let plain = context(folder.path(), &[chunks, &["-q"]].concat()).ok();
        let arguments = [chunks, &["-q", "-o", "out.md.lz4"]].concat();
        context(folder.path(), &arguments).ok();
        let stored = std::fs::File::open(folder.path().join("out.md.lz4")).unwrap();
        let mut text = String::new();
        let mut frame = lz4_flex::frame::FrameDecoder::new(stored);
        std::io::Read::read_to_string(&mut frame, &mut text).unwrap();
        assert_eq!(text, plain.stdout);
        context(folder.path(), &arguments).fails(1, &["out.md.lz4", "exists"]);
        std::fs::remove_file(folder.path().join("out.md.lz4")).unwrap();
    }
    // Nothing appears where packing fails.
    context(folder.path(), &["--budget", "1", "-o", "a.lz4"]).fails(1, &["budget"]);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn progress_is_shown_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = context(folder.path(), &["-q", "--progress"]).ok();
    assert!(
        outcome.stderr.contains("8 of 8 files") && outcome.stderr.contains("files/s"),
        "{outcome:?}"
    );
    context(folder.path(), &["--watch"]).fails(2, &["required"]);
}

#[test]
fn watching_packs_again_when_a_file_changes() {
    use std::time::{Duration, Instant};
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/a.py"), "first = 1\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ogive"))
        .current_dir(folder.path())
        .args([
            "context",
            "src",
            "--no-cache",
            "--watch",
            "-o",
            "out.md",
            "-q",
        ])
        .spawn()
        .unwrap();
    let wait = |what: &str| {
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(folder.path().join("out.md")).unwrap_or_default();
            if text.contains(what) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait("first = 1");
    std::fs::write(folder.path().join("src/b.py"), "second = 2\n").unwrap();
    wait("second = 2");
    std::fs::write(folder.path().join("src/a.py"), "third = 3333\n").unwrap();
    wait("third = 3333");
    command.kill().unwrap();
    command.wait().unwrap();
}

#[test]
fn templates_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{% for file in files %}\n{{ file.path }}\n{% endfor %}\n";
    std::fs::write(folder.path().join("t.jinja"), text).unwrap();
    let outcome = context(folder.path(), &["-q", "--template", "t.jinja"]).ok();
    assert!(
        outcome.stdout.starts_with("README.md\napp/__init__.py\n"),
        "{outcome:?}"
    );
    std::fs::write(folder.path().join("t.jinja"), "{% for %}").unwrap();
    context(folder.path(), &["--template", "t.jinja"]).fails(2, &["t.jinja", "template"]);
    context(folder.path(), &["--template", "none"]).fails(1, &["none"]);
}

/// A tar file of one Python file.
fn tar(name: &str, text: &str) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend(text.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes
}

#[test]
fn archives_are_packed_and_attached_like_folders() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.tar"), tar("src/a.py", "def area(r):\n    return r\n")).unwrap();
    let outcome = ogive(
        folder.path(),
        &["context", "a.tar", "-q", "--level", "signature"],
    )
    .ok();
    assert!(outcome.stdout.contains("src/a.py") && outcome.stdout.contains("def area(r)"));
    let sql = "ATTACH 'a.tar' AS code; SELECT path, name FROM code.symbols WHERE name = 'area'";
    let outcome = ogive(folder.path(), &["-q", "-c", sql, "--format", "csv"]).ok();
    assert!(outcome.stdout.contains("src/a.py,area"), "{outcome:?}");
    let sql = "SELECT count(*) AS n FROM code_context('a.tar', level => 'summary')";
    let outcome = ogive(folder.path(), &["-q", "-c", sql, "--format", "csv"]).ok();
    assert_eq!(outcome.stdout, "n\n1\n");
    std::fs::write(at("b.tar"), tar("../b.py", "b = 1\n")).unwrap();
    ogive(folder.path(), &["context", "b.tar"]).fails(1, &["b.tar", "../b.py", "leads out"]);
    ogive(folder.path(), &["-c", "ATTACH 'b.tar' AS code"]).fails(1, &["b.tar", "../b.py"]);
    assert!(!at("b.py").exists());
}

/// The second scan knows the names of all files, and takes no other out of the cache.
#[test]
fn look_ups_leave_files_out() {
    let folder = tempfile::tempdir().unwrap();
    let sql = format!(
        "SET ogive.code_cache = 'cache'; ATTACH '{PROJECT}' AS code; SELECT count(*) FROM code.symbols; \
         EXPLAIN ANALYZE SELECT path FROM code.symbols WHERE name = 'nearest'"
    );
    let outcome = ogive(folder.path(), &["-q", "-c", &sql]).ok();
    for metric in [
        "files=1,",
        "files_cached=1,",
        "files_parsed=0,",
        "files_pruned=7",
    ] {
        assert!(
            outcome.stdout.contains(metric),
            "{metric}: {}",
            outcome.stdout
        );
    }
}
