//! Prints the syntax tree of a file, and its facts: for those who write a language's table.
//!
//! `cargo run -p ogive-codebase --example tree -- FILE`
use ogive_codebase::{Language, parse_source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let text = std::fs::read_to_string(&path)?;
    let language = Language::detect(&path, text.as_bytes());
    println!("{}", ogive_codebase::tree_text(&text, language));
    let parsed = parse_source(&text, language);
    println!(
        "{language}: {:?}, complexity {}",
        parsed.lines, parsed.complexity
    );
    for symbol in &parsed.symbols {
        println!(
            "{:>4}-{:<4} {:9} {:9} {} | {} | {:?} {:?} {:?} parent {:?}",
            symbol.start_line,
            symbol.end_line,
            symbol.kind.name(),
            symbol.visibility.name(),
            symbol.qualified_name,
            symbol.signature,
            symbol.doc,
            symbol.decorators,
            symbol.complexity,
            symbol.parent
        );
    }
    for import in &parsed.imports {
        println!("{import:?}");
    }
    for export in &parsed.exports {
        println!("{export:?}");
    }
    for call in &parsed.calls {
        println!("{call:?}");
    }
    let names: Vec<_> = parsed.references.iter().map(|r| r.name.as_str()).collect();
    println!("references: {}", names.join(" "));
    for problem in &parsed.problems {
        println!("{problem:?}");
    }
    Ok(())
}
