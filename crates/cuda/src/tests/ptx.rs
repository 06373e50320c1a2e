use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::ptx::MODULES;

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names(folder: &str, extension: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(home().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// Every file of PTX names the hash of what it was made of: options, headers, source.
#[test]
fn ptx_is_made_of_the_sources_that_are_here() {
    for source in names("kernels", "cu") {
        let mut hash = Sha256::new();
        for file in ["options.txt", "warp.cuh", "element.cuh", &source] {
            hash.update(std::fs::read(home().join("kernels").join(file)).unwrap());
            hash.update([0]);
        }
        let hash: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let expected = format!("// sources: {hash}");
        let ptx = format!("ptx/{}.sm_75.ptx", source.trim_end_matches(".cu"));
        let text = std::fs::read_to_string(home().join(&ptx)).unwrap();
        let found = text.lines().nth(1).unwrap();
        assert_eq!(
            found, expected,
            "{ptx} was made of another {source}: run crates/cuda/compile.py"
        );
    }
    assert_eq!(names("ptx", "ptx").len(), names("kernels", "cu").len());
}

#[test]
fn every_kernel_is_in_the_ptx_and_in_the_list() {
    let mut listed = 0;
    for module in MODULES {
        for kernel in module.kernels {
            assert!(
                module.ptx.contains(&format!(".visible .entry {kernel}(")),
                "{kernel}"
            );
            listed += 1;
        }
        assert!(module.ptx.ends_with('\0'));
    }
    let entries: usize = MODULES
        .iter()
        .map(|module| module.ptx.matches(".visible .entry ").count())
        .sum();
    assert_eq!(entries, listed);
}

/// Compiles again and has `ptxas` assemble it, where NVIDIA's wheels were installed by `compile.py` before: a test downloads
/// nothing.
#[test]
fn ptx_compiles_to_what_is_here_and_assembles() {
    if !home().join(".venv").exists() {
        println!("skipped: run crates/cuda/compile.py --check, which installs the compiler first");
        return;
    }
    let checked = Command::new("python3")
        .arg(home().join("compile.py"))
        .arg("--check")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&checked.stdout);
    match checked.status.code() {
        Some(77) => print!("{text}"),
        code => assert_eq!(
            code,
            Some(0),
            "{text}{}",
            String::from_utf8_lossy(&checked.stderr)
        ),
    }
}
