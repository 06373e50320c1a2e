//! Archives are looked at like the folder that is in them, and hostile ones are refused.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ogive_codebase::{Checkout, PackOptions, ScanOptions, Scanned, pack};
use zip::write::SimpleFileOptions;

const FILES: [(&str, &str); 3] = [
    ("project/a.py", "import os\ndef f(x):\n    return x\n"),
    ("project/src/lib.rs", "pub fn g() -> u8 { 1 }\n"),
    ("project/README.md", "# Title\n"),
];

fn write_zip(path: &Path, files: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text).unwrap();
    }
    zip.finish().unwrap();
}

/// Names are written as they are, also those that the crate would not write.
fn write_tar(out: impl Write, files: &[(&str, &[u8])]) {
    let mut tar = tar::Builder::new(out);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *text).unwrap();
    }
    tar.into_inner().unwrap().flush().unwrap();
}

fn bytes_of<'a>(files: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect()
}

fn paths(root: &Path) -> Vec<String> {
    let checkout = Checkout::open(root, ScanOptions::default()).unwrap();
    checkout
        .scan()
        .unwrap()
        .map(|scanned| match scanned {
            Scanned::File(facts) => format!("{} {}", facts.file.path, facts.parsed.symbols.len()),
            Scanned::Failed(error) => format!("{}: {}", error.path, error.message),
        })
        .collect()
}

#[test]
fn archives_are_like_folders() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, text) in FILES {
        let path = at("plain").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let files = bytes_of(&FILES);
    write_zip(&at("plain.zip"), &files);
    write_tar(File::create(at("plain.tar")).unwrap(), &files);
    for name in ["plain.tar.gz", "plain.tgz"] {
        let file = File::create(at(name)).unwrap();
        write_tar(GzEncoder::new(file, Compression::default()), &files);
    }
    let expected = paths(&at("plain"));
    assert_eq!(expected.len(), 3);
    let packed = |root: &Path| {
        let checkout = Checkout::open(root, ScanOptions::default()).unwrap();
        pack(&checkout, &PackOptions::default()).unwrap().0
    };
    for name in ["plain.zip", "plain.tar", "plain.tar.gz", "plain.tgz"] {
        assert_eq!(paths(&at(name)), expected, "{name}");
        assert_eq!(packed(&at(name)), packed(&at("plain")), "{name}");
    }
    // What was unpacked goes when nobody looks at it any more.
    let checkout = Checkout::open(at("plain.zip"), ScanOptions::default()).unwrap();
    let unpacked = checkout.root().to_owned();
    let scan = checkout.scan().unwrap();
    drop(checkout);
    assert_eq!(scan.count(), 3);
    assert!(!unpacked.exists());
}

#[test]
fn hostile_archives_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, expected: &str| {
        let path = folder.path().join(name);
        let error = Checkout::open(&path, ScanOptions::default()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains(expected),
            "{message}"
        );
    };
    let names = [
        "../escaped.py",
        "a/../../escaped.py",
        "/tmp/ogive-escaped.py",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let tar = format!("{number}.tar");
        let files: [(&str, &[u8]); 1] = [(name, b"x = 1\n")];
        write_tar(File::create(folder.path().join(&tar)).unwrap(), &files);
        refused(&tar, name);
        let zip = format!("{number}.zip");
        write_zip(&folder.path().join(&zip), &files);
        refused(&zip, name);
    }
    assert!(!folder.path().join("escaped.py").exists());
    assert!(!Path::new("/tmp/ogive-escaped.py").exists());
    // 100 MB of nothing in 100 kB.
    let zeros = vec![0_u8; 100 << 20];
    write_zip(&folder.path().join("bomb.zip"), &[("zeros.py", &zeros)]);
    refused("bomb.zip", "zeros.py");
    let gz = GzEncoder::new(
        File::create(folder.path().join("bomb.tgz")).unwrap(),
        Compression::default(),
    );
    write_tar(gz, &[("zeros.py", &zeros)]);
    refused("bomb.tgz", "more bytes");
    // Cut short, and changed.
    let text: String = (0..5000_u32)
        .map(|n| format!("x{} = {}\n", n, n.wrapping_mul(2_654_435_761)))
        .collect();
    let files: [(&str, &[u8]); 2] = [
        ("first.py", text.as_bytes()),
        ("second.py", text.as_bytes()),
    ];
    write_zip(&folder.path().join("whole.zip"), &files);
    let mut bytes = fs::read(folder.path().join("whole.zip")).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 0x55;
    fs::write(folder.path().join("changed.zip"), &bytes).unwrap();
    refused("changed.zip", "first.py");
    fs::write(folder.path().join("cut.zip"), &bytes[..bytes.len() / 2]).unwrap();
    refused("cut.zip", "");
    let gz = GzEncoder::new(
        File::create(folder.path().join("whole.tgz")).unwrap(),
        Compression::default(),
    );
    write_tar(gz, &files);
    let bytes = fs::read(folder.path().join("whole.tgz")).unwrap();
    fs::write(folder.path().join("cut.tgz"), &bytes[..bytes.len() / 4]).unwrap();
    refused("cut.tgz", "first.py");
    fs::write(folder.path().join("none.tgz"), b"no archive").unwrap();
    refused("none.tgz", "");
    // No bytes lead to a panic.
    for at in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        fs::write(folder.path().join("noise.tgz"), &changed).unwrap();
        let _ = Checkout::open(folder.path().join("noise.tgz"), ScanOptions::default());
    }
}

#[test]
fn files_beyond_the_limit_are_errors_of_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    let large = "x = 1\n".repeat(3_000_000);
    write_zip(
        &path,
        &[("large.py", large.as_bytes()), ("small.py", b"y = 2\n")],
    );
    let found = paths(&path);
    assert_eq!(
        found,
        [
            "large.py: not read: 18000000 bytes, the limit is 16777216",
            "small.py 0"
        ]
    );
}
