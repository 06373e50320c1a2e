//! Text from files on its way to a terminal, which obeys some of it.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that move the cursor, change colours or turn the direction of the line. Line ends and tabs stay.
fn is_order(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

/// The text with such characters written out: `\x1b`, `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_order) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !is_order(character) {
            shown.push(character);
        } else if u32::from(character) < 0x80 {
            let _ = write!(shown, "\\x{:02x}", u32::from(character));
        } else {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_written_out() {
        for (text, shown) in [
            ("a\tb\nc ü 漢", "a\tb\nc ü 漢"),
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("over\rwritten\u{7}", "over\\x0dwritten\\x07"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}cvc.exe", "\\u{202e}cvc.exe"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
