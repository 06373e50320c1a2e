//! Packs a checkout for a model's context window.
//!
//! `cargo run --release -p ogive-codebase --example pack -- FOLDER [BUDGET or 0] [LEVEL] [CACHE FOLDER]`
use std::time::Instant;

use ogive_codebase::{CacheOptions, Checkout, PackOptions, ScanOptions, pack};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().ok_or("which folder?")?;
    let budget = arguments
        .next()
        .map(|budget| budget.parse::<u64>())
        .transpose()?;
    let budget = budget.filter(|budget| *budget > 0);
    let level = arguments.next().as_deref().unwrap_or("auto").parse()?;
    let options = PackOptions {
        budget,
        level,
        ..PackOptions::default()
    };
    let cache = arguments.next().map(|folder| CacheOptions {
        folder: Some(folder.into()),
        ..CacheOptions::default()
    });
    let scan = ScanOptions {
        cache,
        ..ScanOptions::default()
    };
    let started = Instant::now();
    let checkout = Checkout::open(root, scan)?;
    let (chunks, packed) = pack(&checkout, &options)?;
    for chunk in chunks {
        print!("{}", chunk.content);
    }
    eprintln!(
        "{} tokens, {} files, {} left out, {:.2} s",
        packed.tokens,
        packed.files,
        packed.left_out.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
