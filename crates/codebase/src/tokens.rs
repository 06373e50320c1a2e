//! How many tokens a text is.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Counts the tokens of texts. The same text has the same count always, and an empty text none.
pub trait Tokenizer: Send + Sync {
    /// The name of the encoding.
    fn name(&self) -> &str;
    /// How many tokens a text is. Marks such as `<|endoftext|>` are text like any other.
    fn count(&self, text: &str) -> u64;
    /// Whether no token can lie across the border of two texts that follow each other: if so, both together have the tokens of
    /// one and of the other. `false` says that it is not known.
    fn parts_at(&self, _before: &str, _after: &str) -> bool {
        false
    }
}

/// An encoding whose vocabulary is part of the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// `o200k_base`: GPT-4o and later.
    #[default]
    O200kBase,
    /// `cl100k_base`: GPT-4 and GPT-3.5.
    Cl100kBase,
    /// `p50k_base`: Codex.
    P50kBase,
    /// `r50k_base`: GPT-3.
    R50kBase,
}

impl Encoding {
    /// Every encoding, the default first.
    pub const ALL: [Self; 4] = [
        Self::O200kBase,
        Self::Cl100kBase,
        Self::P50kBase,
        Self::R50kBase,
    ];
}

impl Encoding {
    /// The name that the encoding is known by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
            Self::P50kBase => "p50k_base",
            Self::R50kBase => "r50k_base",
        }
    }
}

impl Tokenizer for Encoding {
    fn name(&self) -> &str {
        self.as_str()
    }

    fn count(&self, text: &str) -> u64 {
        // The vocabularies are linked in by features that the manifest turns on; a test counts with each.
        tiktoken::get_encoding(self.as_str()).map_or(0, |encoding| encoding.count(text) as u64)
    }

    /// Tokens are made inside of pieces that a pattern cuts. In the patterns of these two, white space up to its last line break
    /// is one piece, signs take the line breaks after them with them (in one also `/`), and nothing else goes on past a break.
    fn parts_at(&self, before: &str, after: &str) -> bool {
        let cuts_at_breaks = matches!(self, Self::O200kBase | Self::Cl100kBase);
        let first = after.chars().next();
        before.is_empty()
            || first.is_none_or(|c| {
                cuts_at_breaks && before.ends_with('\n') && !c.is_whitespace() && c != '/'
            })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.as_str() == name)
            .ok_or_else(|| Error::UnknownName {
                what: "encoding",
                name: name.to_owned(),
                expected: Self::ALL.map(Self::as_str).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts are those that the reference implementation gives.
    #[test]
    fn counts_of_known_texts() {
        for (encoding, expected) in [
            (Encoding::O200kBase, 4),
            (Encoding::Cl100kBase, 4),
            (Encoding::P50kBase, 4),
            (Encoding::R50kBase, 4),
        ] {
            assert_eq!(encoding.count("Hello, world!"), expected, "{encoding}");
            assert_eq!(encoding.count(""), 0);
        }
        assert_eq!(Encoding::O200kBase.count("<|endoftext|>"), 7);
        assert!("gpt".parse::<Encoding>().is_err());
    }

    /// Texts of signs that the patterns tell apart, put together in every way: where they are said to part, counts add up.
    #[test]
    fn counts_add_up_where_texts_part() {
        const SIGNS: [&str; 18] = [
            "a", "Z", "7", " ", "  ", "\n", "\r\n", "\t", "/", "'s", "`", "{", "}", "é", "世",
            "\u{a0}", "\u{85}", "#",
        ];
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut parted = 0;
        for _ in 0..40_000 {
            let mut text = |length: usize| -> String {
                (0..next(length))
                    .map(|_| SIGNS[next(SIGNS.len())])
                    .collect()
            };
            let (mut before, after) = (text(8), text(8));
            if next(2) == 0 {
                before.push('\n');
            }
            for encoding in Encoding::ALL {
                if encoding.parts_at(&before, &after) {
                    parted += 1;
                    let both = encoding.count(&format!("{before}{after}"));
                    let sum = encoding.count(&before) + encoding.count(&after);
                    assert_eq!(both, sum, "{encoding}: {before:?} {after:?}");
                }
            }
        }
        assert!(parted > 20_000, "{parted}");
    }
}
