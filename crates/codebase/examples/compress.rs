//! How much smaller the levels make the files of a folder.
//!
//! `cargo run --release -p ogive-codebase --example compress -- FOLDER`
use ogive_codebase::{Checkout, Language, Level, ScanOptions, WalkOptions, compress, walk};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).ok_or("which folder?")?;
    let checkout = Checkout::open(&root, ScanOptions::default())?;
    let mut bytes = [0; 5];
    let mut unchanged = 0;
    let mut files = 0;
    for entry in walk(root.as_ref(), &WalkOptions::default())?.entries {
        let Ok(text) = checkout.read(&entry.path) else {
            continue;
        };
        let language = Language::detect(&entry.path, text.as_bytes());
        files += 1;
        bytes[0] += text.len();
        for (level, sum) in Level::ALL.into_iter().zip(&mut bytes[1..]) {
            let shorter = compress(&entry.path, &text, language, level);
            *sum += shorter.len();
            if level == Level::Full
                && language.has_grammar()
                && shorter == text
                && text.contains("# ")
            {
                unchanged += 1;
                println!("unchanged: {}", entry.path);
            }
        }
    }
    println!("{files} files, {unchanged} unchanged by full; bytes: {bytes:?}");
    Ok(())
}
