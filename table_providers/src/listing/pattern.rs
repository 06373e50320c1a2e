//! Patterns of paths, read the same on disk and in buckets.
//!
//! ```text
//! *  ?      any characters, one character, within a part of the path
//! **        as a part: any parts, or none
//! {a,b}     either
//! [a-c]     one of, [!a-c] none of
//! \*        the sign itself
//! ```
//!
//! A part that begins with a dot is found only by a pattern that says so: what writers leave half done is called so.

use datafusion_common::{Result, plan_datafusion_err};
use globset::{GlobBuilder, GlobMatcher};

/// A pattern below some directory.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    whole: GlobMatcher,
    parts: Vec<PatternPart>,
    finds_hidden: bool,
}

/// A part of a pattern between slashes.
#[derive(Debug, Clone)]
pub(super) enum PatternPart {
    /// A name without signs.
    Name(String),
    /// Matched against names.
    Names(GlobMatcher, String),
    /// From here on only the whole path tells.
    Below,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Brackets and braces that are not closed, and the like.
    pub fn parse(text: &str) -> Result<Self> {
        // A directory alone reads all below, also when a pattern names it.
        let whole = if text.ends_with('/') {
            matcher(&format!("{text}**"))?
        } else {
            matcher(text)?
        };
        let mut parts = Vec::new();
        for part in split(text) {
            parts.push(match part {
                "" if !parts.is_empty() => PatternPart::Below,
                "" => continue,
                part if part == "**" || part.contains('/') => PatternPart::Below,
                part if part.contains(['*', '?', '[', '{', '\\']) => {
                    PatternPart::Names(matcher(part)?, part.to_string())
                }
                part => PatternPart::Name(part.to_string()),
            });
            if let Some(PatternPart::Below) = parts.last() {
                break;
            }
        }
        Ok(Self {
            finds_hidden: text.starts_with('.') || text.contains("/."),
            text: text.to_string(),
            whole,
            parts,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches a path below its directory.
    pub fn matches(&self, path: &str) -> bool {
        path == self.text || (self.whole.is_match(path) && (self.finds_hidden || !is_hidden(path)))
    }

    pub(super) fn parts(&self) -> &[PatternPart] {
        &self.parts
    }
}

impl PatternPart {
    /// Whether a name matches; that of a file called like the pattern does.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(expected) => name == expected,
            Self::Names(matcher, text) => {
                name == text
                    || (matcher.is_match(name) && (text.starts_with('.') || !is_hidden(name)))
            }
            Self::Below => true,
        }
    }
}

/// Whether a part of a path begins with a dot.
pub(super) fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

fn matcher(text: &str) -> Result<GlobMatcher> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .empty_alternates(true)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            plan_datafusion_err!(
                "'{text}' is no pattern: {}; a sign stands for itself after \\",
                error.kind()
            )
        })
}

/// The parts between slashes, of which those in braces are none.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut escaped = false;
    for (place, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                parts.extend(text.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_part() {
        for (pattern, path, expected) in [
            ("*.cvc", "a.cvc", true),
            ("*.cvc", "d/a.cvc", false),
            ("*", "d/a.cvc", false),
            ("*/a.npy", "d/a.npy", true),
            ("*/a.npy", "d/e/a.npy", false),
            ("docs*/a.npy", "docs2/a.npy", true),
            ("docs*/a.npy", "other/a.npy", false),
            ("t/*/*.cvc", "t/1/x.cvc", true),
            ("t/*/*.cvc", "t/x.cvc", false),
            ("t/**/*.cvc", "t/x.cvc", true),
            ("t/**/*.cvc", "t/1/2/x.cvc", true),
            ("**/*.cvc", "x.cvc", true),
            ("a?.cvc", "a1.cvc", true),
            ("a?c", "a/c", false),
            ("{a,b}.cvc", "b.cvc", true),
            ("{a/x,b}.cvc", "a/x.cvc", true),
            ("[ab].cvc", "b.cvc", true),
            ("[!ab].cvc", "b.cvc", false),
            ("[1].cvc", "[1].cvc", true),
            ("p=*/x", "p=a%2Fb/x", true),
            ("*.tmp", ".ogive-1.tmp", false),
            (".*.tmp", ".ogive-1.tmp", true),
            ("d*/", "d1/e/x", true),
            ("ü*", "über", true),
            ("\\*.cvc", "*.cvc", true),
            ("\\*.cvc", "a.cvc", false),
        ] {
            let parsed = PathPattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(path), expected, "{pattern} and {path}");
            // The walk part by part finds no less.
            if expected {
                let walked = parsed.parts().iter().zip(path.split('/'));
                assert!(
                    walked.clone().all(|(part, name)| part.matches(name)),
                    "{pattern} and {path}"
                );
            }
        }
        assert!(PathPattern::parse("[a").is_err());
        assert!(PathPattern::parse("{a,b").is_err());
    }
}
