//! Functions, classes, imports and complexity of Python equal those of CPython's `ast`, over the standard library.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ogive_codebase::{Language, Parsed, SymbolKind, parse_source};
use serde_json::{Value, json};

#[test]
fn python_facts_are_those_of_ast() {
    // `OGIVE_PYTHON_FILES=FOLDER` compares other files.
    let asked = std::env::var_os("OGIVE_PYTHON_FILES").map(PathBuf::from);
    let Some(library) = standard_library().map(|library| asked.unwrap_or(library)) else {
        eprintln!("SKIPPED: python3 is not there, so nothing was compared with its ast");
        return;
    };
    let mut files = Vec::new();
    collect(&library, &mut files);
    files.sort();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_ast.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ask = python.stdin.take().unwrap();
    let mut answers = BufReader::new(python.stdout.take().unwrap()).lines();
    let mut compared = 0;
    let mut refused = 0;
    let mut different = Vec::new();
    for file in &files {
        writeln!(ask, "{}", file.display()).unwrap();
        let expected: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        if expected.is_null() {
            refused += 1;
            continue;
        }
        let short = file.strip_prefix(&library).unwrap().display().to_string();
        let bytes = std::fs::read(file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let found = facts(&parse_source(text, "python".parse::<Language>().unwrap()));
        compared += 1;
        for part in ["functions", "classes", "imports", "complexity"] {
            if found[part] != expected[part] {
                different.push(difference(&short, part, &found[part], &expected[part]));
            }
        }
    }
    drop(ask);
    python.wait().unwrap();
    eprintln!("compared {compared} files with ast, {refused} refused by it");
    assert!(compared > 50, "only {compared} files were compared");
    assert!(
        different.is_empty(),
        "{} of {compared} differ:\n{}",
        different.len(),
        different.join("\n")
    );
}

fn standard_library() -> Option<PathBuf> {
    let output = Command::new("python3")
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_paths()['stdlib'])",
        ])
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_dir().then_some(path)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("site-packages") && !path.ends_with("__pycache__") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
}

/// The facts in the form of the script's.
fn facts(parsed: &Parsed) -> Value {
    let mut functions = Vec::new();
    let mut classes = Vec::new();
    for symbol in &parsed.symbols {
        let (name, start, end) = (&symbol.qualified_name, symbol.start_line, symbol.end_line);
        match symbol.kind {
            SymbolKind::Function | SymbolKind::Method => {
                functions.push(json!([name, start, end, symbol.complexity]));
            }
            SymbolKind::Class => classes.push(json!([name, start, end])),
            _ => {}
        }
    }
    let mut imports: Vec<Value> = parsed
        .imports
        .iter()
        .map(|import| json!([import.module, import.name, import.alias, import.line]))
        .collect();
    let key = |row: &Value| -> Vec<String> {
        let text = |part: &Value| match part {
            Value::Null => "None".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        row.as_array().unwrap().iter().map(text).collect()
    };
    functions.sort_by_key(key);
    classes.sort_by_key(key);
    imports.sort_by_key(key);
    json!({
        "functions": functions,
        "classes": classes,
        "imports": imports,
        "complexity": parsed.complexity,
    })
}

/// The first rows in which two lists differ.
fn difference(file: &str, part: &str, found: &Value, expected: &Value) -> String {
    let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (found_rows, expected_rows) = (rows(found), rows(expected));
    let extra = found_rows.iter().find(|row| !expected_rows.contains(row));
    let missing = expected_rows.iter().find(|row| !found_rows.contains(row));
    match part {
        "complexity" => format!("{file}: complexity {found}, ast has {expected}"),
        _ => format!(
            "{file}: {part}: found {}, ast has {}",
            extra.map_or("nothing more".to_owned(), Value::to_string),
            missing.map_or("nothing more".to_owned(), Value::to_string)
        ),
    }
}
