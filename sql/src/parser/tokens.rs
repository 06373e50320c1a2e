//! Text to tokens, as sqlparser cuts them.
//!
//! A vector written out, `[0.12, -0.3, ..]`, is hundreds of tokens, each of which sqlparser finds one character at a time;
//! such lists are read here, and all that stands around them there.

use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::tokenizer::{
    Location, Span, Token, TokenWithSpan, Tokenizer, TokenizerError,
};

/// Shorter lists are left to sqlparser: nothing is won.
const NUMBERS_MIN: usize = 16;

/// For so many tokens room is made before a text is read: enough for a vector of more than a thousand numbers.
const TOKENS_MADE_ROOM_FOR: usize = 4096;

/// The tokens of a text. There is no white space between the numbers of a long list; a parser skips it anyhow.
///
/// # Errors
/// A character that begins no token, a quote that is not closed.
pub(crate) fn tokenize(
    dialect: &dyn Dialect,
    sql: &str,
) -> Result<Vec<TokenWithSpan>, TokenizerError> {
    // A number and a comma: a vector written out is mostly these.
    let mut tokens = Vec::with_capacity((sql.len() / 4 + 1).min(TOKENS_MADE_ROOM_FOR));
    let mut rest = sql;
    let mut start = Location::new(1, 1);
    while let Some((before, behind)) = next_list(rest) {
        let known = tokens.len();
        let read = tokenize_at(dialect, before, start, &mut tokens);
        let opens = tokens.last().map(|last| &last.token) == Some(&Token::LBracket);
        if read.is_err() || !opens {
            // The bracket is inside of a text or a comment.
            tokens.truncate(known);
            break;
        }
        start = tokens.last().map_or(start, |last| last.span.end);
        rest = behind;
        while let Some((number, behind)) = item(rest) {
            start = number.push(&mut tokens, start);
            rest = behind;
        }
    }
    tokenize_at(dialect, rest, start, &mut tokens)?;
    Ok(tokens)
}

/// sqlparser's tokens of a part of a text that begins at a place.
fn tokenize_at(
    dialect: &dyn Dialect,
    sql: &str,
    start: Location,
    tokens: &mut Vec<TokenWithSpan>,
) -> Result<(), TokenizerError> {
    let place = |location: Location| match location.line {
        1 => Location::new(start.line, start.column + location.column - 1),
        line => Location::new(start.line + line - 1, location.column),
    };
    let read =
        Tokenizer::new(dialect, sql).tokenize_with_location_into_buf_with_mapper(tokens, |token| {
            TokenWithSpan {
                span: Span::new(place(token.span.start), place(token.span.end)),
                token: token.token,
            }
        });
    read.map_err(|error| TokenizerError {
        location: place(error.location),
        ..error
    })
}

/// White space, a number and a comma.
#[derive(Clone, Copy)]
struct Item<'a> {
    newlines: u64,
    /// Characters before the sign, from the last new line on.
    indent: u64,
    negative: bool,
    number: &'a str,
    /// Characters between the number and its comma.
    gap: u64,
}

impl Item<'_> {
    /// Adds the tokens to those of what stands before; returns where the rest begins.
    fn push(self, tokens: &mut Vec<TokenWithSpan>, mut at: Location) -> Location {
        if self.newlines > 0 {
            at = Location::new(at.line + self.newlines, 1);
        }
        at.column += self.indent;
        let mut push = |token, from: Location, width: u64| {
            let end = Location::new(from.line, from.column + width);
            tokens.push(TokenWithSpan::new(token, Span::new(from, end)));
            end
        };
        if self.negative {
            at = push(Token::Minus, at, 1);
        }
        let number = Token::Number(self.number.to_owned(), false);
        at = push(number, at, self.number.len() as u64);
        at.column += self.gap;
        push(Token::Comma, at, 1)
    }
}

/// The first bracket with a long list behind it: the text up to and with the bracket, and the list. One right behind a quote
/// is the text of a vector.
fn next_list(sql: &str) -> Option<(&str, &str)> {
    let bytes = sql.as_bytes();
    let mut from = 0;
    while let Some(found) = sql.get(from..)?.find('[') {
        let bracket = from + found;
        from = bracket + 1;
        let quoted = bracket
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_some_and(|before| matches!(before, b'\'' | b'"' | b'$'));
        let list = sql.get(from..)?;
        if !quoted && is_long(list) {
            return Some((sql.get(..from)?, list));
        }
    }
    None
}

fn is_long(list: &str) -> bool {
    let mut rest = list;
    (0..NUMBERS_MIN).all(|_| match item(rest) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

fn item(sql: &str) -> Option<(Item<'_>, &str)> {
    let bytes = sql.as_bytes();
    let (mut at, mut newlines, mut line) = (0, 0, 0);
    loop {
        match bytes.get(at)? {
            b' ' => at += 1,
            b'\n' => {
                at += 1;
                newlines += 1;
                line = at;
            }
            _ => break,
        }
    }
    let indent = (at - line) as u64;
    let negative = *bytes.get(at)? == b'-';
    at += usize::from(negative);
    let end = at + number_length(bytes.get(at..)?)?;
    let number = sql.get(at..end)?;
    let gap = bytes
        .get(end..)?
        .iter()
        .take_while(|byte| **byte == b' ')
        .count();
    if *bytes.get(end + gap)? != b',' {
        return None;
    }
    let item = Item {
        newlines,
        indent,
        negative,
        number,
        gap: gap as u64,
    };
    Some((item, sql.get(end + gap + 1..)?))
}

/// The bytes of a number that is one token everywhere: digits, a point with digits, an exponent.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let digits = bytes
            .get(from..)?
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        Some(digits.count()).filter(|count| *count > 0)
    };
    let mut length = digits(0)?;
    if bytes.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(length) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        length += 1 + sign + digits(length + 1 + sign)?;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::tokenizer::Whitespace;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::parser::dialect::OgiveDialect;

    fn check(sql: &str) {
        let dialect = OgiveDialect::default();
        let mut plain = Vec::new();
        let read = Tokenizer::new(&dialect, sql).tokenize_with_location_into_buf(&mut plain);
        let ours = tokenize(&dialect, sql);
        match read {
            Ok(()) => {
                let is_space = |token: &&TokenWithSpan| {
                    matches!(
                        token.token,
                        Token::Whitespace(Whitespace::Space | Whitespace::Newline)
                    )
                };
                let ours = ours.unwrap();
                let ours: Vec<_> = ours.iter().filter(|token| !is_space(token)).collect();
                let plain: Vec<_> = plain.iter().filter(|token| !is_space(token)).collect();
                assert_eq!(ours.len(), plain.len(), "{sql}");
                for (ours, plain) in ours.iter().zip(&plain) {
                    assert_eq!(ours.token, plain.token, "{sql}");
                    assert_eq!(ours.span, plain.span, "{sql}");
                }
            }
            Err(error) => assert_eq!(ours.unwrap_err(), error, "{sql}"),
        }
    }

    #[test]
    fn lists_are_cut_as_sqlparser_cuts_them() {
        let list = (0..20)
            .map(|i| format!("{i}.5"))
            .collect::<Vec<_>>()
            .join(", ");
        for sql in [
            format!("SELECT [{list}] AS a"),
            format!("SELECT ARRAY[{list}], [{list}]\n , [ {list} , 7] <-> v"),
            format!("SELECT '[{list}]' <-> v, 'it''s [{list}]', [{list}]"),
            format!("SELECT 1 -- [{list}]\n, [{list}]"),
            format!("/* [{list}] */ SELECT $$ [{list}] $$, \"a[{list}]\""),
            format!("SELECT $a$ [{list}] $a$, E'\\'[{list}]', [{list}]"),
            format!("SELECT [{list}"),
            format!("SELECT [{list}, 'open"),
            format!("SELECT '[{list}"),
            format!("SELECT [{list}, x.y, 1_000, .5, 5., 1e, 0x1F, --7\n 8]"),
            format!("SELECT ' [{list}]', [{list}, é, {list}] — 1"),
        ] {
            check(&sql);
        }
    }

    #[test]
    fn generated_lists_are_cut_as_sqlparser_cuts_them() {
        let mut random = StdRng::seed_from_u64(5);
        let parts = [
            "[", "]", ",", ", ", " ,", "\n", " ", "-", "--", "1", "2.5", "3e-7", "4E+9", "5e",
            "6.", ".7", "8_0", "'", "''", "\"", "$$", "/*", "*/", "x", "é", "<->", "- 1", "0x1",
            "9.1.2", "1a",
        ];
        for _ in 0..4000 {
            let mut sql = String::from("SELECT [");
            for _ in 0..random.random_range(0..40) {
                match random.random_range(0..4) {
                    0 => sql.push_str(parts[random.random_range(0..parts.len())]),
                    1 => sql.push('['),
                    _ => {
                        for _ in 0..random.random_range(0..30) {
                            let sign = ["", "-"][random.random_range(0..2)];
                            let space = ["", " ", "\n ", "  "][random.random_range(0..4)];
                            let value: f32 = random.random();
                            sql.push_str(&format!("{space}{sign}{value:?},"));
                        }
                    }
                }
            }
            check(&sql);
        }
    }
}
