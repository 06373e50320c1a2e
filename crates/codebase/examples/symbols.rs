//! Lists the symbols of a checkout, a line each: path, line, kind and qualified name with tabs between.
//!
//! `cargo run --release -p ogive-codebase --example symbols -- FOLDER`
use std::io::Write;

use ogive_codebase::{Checkout, ScanOptions, Scanned};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).ok_or("which folder?")?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for scanned in Checkout::open(root, ScanOptions::default())?.scan()? {
        let Scanned::File(facts) = scanned else {
            continue;
        };
        for symbol in &facts.parsed.symbols {
            writeln!(
                out,
                "{}\t{}\t{}\t{}",
                facts.file.path,
                symbol.start_line,
                symbol.kind.name(),
                symbol.qualified_name
            )?;
        }
    }
    Ok(())
}
