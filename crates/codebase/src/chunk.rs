//! A file in pieces, cut where its definitions begin.

use std::ops::Range;

use crate::facts::{ContentHash, Parsed};
use crate::tokens::Tokenizer;

/// A piece of a file. Pieces follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The same for the same content at the same place: the file's hash and the piece's number.
    pub id: String,
    /// Its number in the file, from 0.
    pub ordinal: u32,
    /// The number of the first symbol that begins in it.
    pub symbol: Option<u32>,
    /// Its first line, from 1.
    pub start_line: u32,
    /// Its last line.
    pub end_line: u32,
    /// Its first byte in the decoded text.
    pub start_byte: u32,
    /// The byte after its last.
    pub end_byte: u32,
    /// Its tokens, exactly.
    pub tokens: u64,
}

impl Chunk {
    /// The piece's text.
    #[must_use]
    pub fn text<'t>(&self, content: &'t str) -> &'t str {
        content
            .get(self.start_byte as usize..self.end_byte as usize)
            .unwrap_or("")
    }
}

/// Cuts a text into pieces of at most `tokens_max` tokens: between definitions where that is enough, else between lines,
/// and inside of a line only where the line alone is too long.
#[must_use]
pub fn chunks(
    content: &str,
    parsed: &Parsed,
    hash: ContentHash,
    tokens_max: u64,
    tokenizer: &dyn Tokenizer,
) -> Vec<Chunk> {
    let ranges = cut(content, parsed, tokens_max, &|text| tokenizer.count(text));
    let mut chunks = Vec::with_capacity(ranges.len());
    let mut line = 1;
    for (ordinal, range) in (0u32..).zip(ranges) {
        let text = content.get(range.clone()).unwrap_or("");
        let breaks = text.matches('\n').count();
        let last = line + breaks - usize::from(text.ends_with('\n') && breaks > 0);
        let symbol = parsed
            .symbols
            .iter()
            .position(|symbol| range.contains(&(symbol.start_byte as usize)));
        chunks.push(Chunk {
            id: format!("{hash}-{ordinal}"),
            ordinal,
            symbol: symbol.and_then(|number| u32::try_from(number).ok()),
            start_line: u32_of(line),
            end_line: u32_of(last),
            start_byte: u32_of(range.start),
            end_byte: u32_of(range.end),
            tokens: tokenizer.count(text),
        });
        line += breaks;
    }
    chunks
}

fn u32_of(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Ranges of at most `max` by `count`, in order, that cover the text.
pub(crate) fn cut(
    text: &str,
    parsed: &Parsed,
    max: u64,
    count: &dyn Fn(&str) -> u64,
) -> Vec<Range<usize>> {
    if text.is_empty() {
        return Vec::new();
    }
    if count(text) <= max {
        return std::iter::once(0..text.len()).collect();
    }
    let borders = borders(text, parsed);
    let of = |range: &Range<usize>| count(text.get(range.clone()).unwrap_or(""));
    // Small ranges, cut as deep as they have to be.
    let mut small: Vec<(Range<usize>, u64)> = Vec::new();
    let mut left: Vec<(Range<usize>, usize)> = vec![(0..text.len(), 0)];
    while let Some((range, depth)) = left.pop() {
        let tokens = of(&range);
        if tokens <= max {
            small.push((range, tokens));
            continue;
        }
        let inner: Vec<usize> = match borders.get(depth) {
            Some(borders) => borders
                .iter()
                .copied()
                .filter(|at| range.start < *at && *at < range.end)
                .collect(),
            None => finer(text, &range),
        };
        let mut end = range.end;
        for at in inner.into_iter().rev() {
            left.push((at..end, depth + 1));
            end = at;
        }
        if end == range.end && depth >= borders.len() {
            // Not even a character fits; there is nothing smaller.
            small.push((range, tokens));
        } else {
            left.push((range.start..end, depth + 1));
        }
    }
    join_small(small, max, &of)
}

/// Small ranges together up to `max`.
fn join_small(
    small: Vec<(Range<usize>, u64)>,
    max: u64,
    of: &dyn Fn(&Range<usize>) -> u64,
) -> Vec<Range<usize>> {
    let mut joined: Vec<(Range<usize>, u64)> = Vec::new();
    for (range, tokens) in small {
        if let Some((last, sum)) = joined.last_mut()
            && *sum + tokens <= max
        {
            // Tokens may join over the border, so that both together are fewer; very rarely they are more.
            let both = last.start..range.end;
            if of(&both) <= max {
                *last = both;
                *sum += tokens;
                continue;
            }
        }
        joined.push((range, tokens));
    }
    joined.into_iter().map(|(range, _)| range).collect()
}

/// Where definitions begin, by how deep they are: whole lines, with the comments and decorators before them.
fn borders(text: &str, parsed: &Parsed) -> Vec<Vec<usize>> {
    /// Definitions deeper than this are cut between lines.
    const DEPTH_MAX: usize = 4;
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    let mut depths: Vec<usize> = Vec::with_capacity(parsed.symbols.len());
    let mut borders = vec![Vec::new(); DEPTH_MAX];
    for symbol in &parsed.symbols {
        let depth = symbol
            .parent
            .and_then(|parent| depths.get(parent as usize))
            .map_or(0, |depth| depth + 1);
        depths.push(depth);
        let mut line = (symbol.start_line as usize).saturating_sub(1);
        while line > 0
            && let Some(&start) = starts.get(line - 1)
            && let Some(&end) = starts.get(line)
            && leads(text.get(start..end).unwrap_or("").trim())
        {
            line -= 1;
        }
        if let (Some(list), Some(&at)) = (borders.get_mut(depth), starts.get(line)) {
            list.push(at);
        }
    }
    for list in &mut borders {
        list.sort_unstable();
        list.dedup();
    }
    borders
}

/// Whether a line belongs to the definition after it.
fn leads(line: &str) -> bool {
    ["//", "/*", "*", "#", "@", "--", "[", "\"\"\""]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// The borders of lines in a range; of words, if it is one line; of its middle, if it is one word.
fn finer(text: &str, range: &Range<usize>) -> Vec<usize> {
    let piece = text.get(range.clone()).unwrap_or("");
    for border in ['\n', ' '] {
        let cuts: Vec<usize> = piece
            .match_indices(border)
            .map(|(at, _)| range.start + at + 1)
            .filter(|at| *at < range.end)
            .collect();
        if !cuts.is_empty() {
            return cuts;
        }
    }
    let mut middle = range.start + piece.len() / 2;
    while middle > range.start && !text.is_char_boundary(middle) {
        middle -= 1;
    }
    if middle > range.start {
        vec![middle]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_source;
    use crate::tokens::Encoding;

    #[test]
    fn pieces_cover_the_text_and_keep_to_the_limit() {
        let mut text = String::from("import os\n\n");
        for n in 0..60 {
            text.push_str(&format!(
                "# about {n}\n@decorated\ndef function_{n}(a, b):\n    return a + b * {n}\n\n"
            ));
        }
        text.push_str(&format!("x = '{}'\n", "long ".repeat(500)));
        text.push_str(&"y".repeat(3000));
        let parsed = parse_source(&text, "python".parse().unwrap());
        let encoding = Encoding::O200kBase;
        let hash = ContentHash::of(text.as_bytes());
        for max in [20, 100, 1000, 1_000_000] {
            let pieces = chunks(&text, &parsed, hash, max, &encoding);
            let whole: String = pieces.iter().map(|piece| piece.text(&text)).collect();
            assert_eq!(whole, text, "{max}");
            for piece in &pieces {
                assert!(piece.tokens <= max, "{max}: {piece:?}");
                assert_eq!(piece.tokens, encoding.count(piece.text(&text)));
            }
        }
        let pieces = chunks(&text, &parsed, hash, 100, &encoding);
        assert!(
            pieces[1].text(&text).starts_with("# about"),
            "{:?}",
            pieces[1]
        );
        assert_eq!(pieces[1].start_line, pieces[0].end_line + 1);
    }
}
