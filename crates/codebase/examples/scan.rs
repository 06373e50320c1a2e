//! Scans a checkout and says how fast.
//!
//! `cargo run --release -p ogive-codebase --example scan -- FOLDER [CACHE FOLDER]`
use std::time::Instant;

use ogive_codebase::{CacheOptions, Checkout, ScanOptions, Scanned};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().ok_or("which folder?")?;
    let cache = arguments.next().map(|folder| CacheOptions {
        folder: Some(folder.into()),
        ..CacheOptions::default()
    });
    let options = ScanOptions {
        cache,
        ..ScanOptions::default()
    };
    let started = Instant::now();
    let mut scan = Checkout::open(root, options)?.scan()?;
    let (mut symbols, mut references, mut tokens) = (0, 0, 0);
    for scanned in scan.by_ref() {
        match scanned {
            Scanned::File(facts) => {
                for error in facts.errors() {
                    println!("{} {}: {}", error.stage.name(), error.path, error.message);
                }
                symbols += facts.parsed.symbols.len();
                references += facts.parsed.references.len();
                tokens += facts.file.tokens.unwrap_or(0);
            }
            Scanned::Failed(error) => {
                println!("{} {}: {}", error.stage.name(), error.path, error.message)
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let stats = scan.stats();
    println!("{stats:#?}");
    println!(
        "{symbols} symbols, {references} references, {tokens} tokens; {seconds:.2} s, {:.0} files/s, {:.1} MB/s",
        stats.files as f64 / seconds,
        stats.bytes as f64 / seconds / 1e6
    );
    Ok(())
}
