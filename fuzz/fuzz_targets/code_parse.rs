//! Source code that is none: every grammar, every level, and pieces that put together are the whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogive_codebase::{
    ContentHash, Encoding, Language, Level, chunks, compress, parse_source, secret,
};
use ogive_fuzz::Random;

fuzz_target!(|data: &[u8]| {
    let mut random = Random::of(data);
    let text = String::from_utf8_lossy(data);
    let languages: Vec<Language> = Language::all().collect();
    let language = languages[random.up_to(languages.len() - 1)];
    let parsed = parse_source(&text, language);
    for symbol in &parsed.symbols {
        let (start, end) = (symbol.start_byte as usize, symbol.end_byte as usize);
        assert!(start <= end && text.get(start..end).is_some(), "{symbol:?}");
        assert!(symbol.start_line >= 1 && symbol.start_line <= symbol.end_line);
    }
    for level in Level::ALL {
        let _ = compress("a", &text, language, level);
    }
    let tokens = 1 + random.up_to(64) as u64;
    let pieces = chunks(
        &text,
        &parsed,
        ContentHash::of(data),
        tokens,
        &Encoding::default(),
    );
    let whole: String = pieces.iter().map(|piece| piece.text(&text)).collect();
    assert_eq!(whole, text);
    let _ = secret("a", &text);
});
