//! Text to values.

use std::collections::HashMap;

use super::Json;

/// How deep lists and objects may nest.
pub const DEPTH_MAX: usize = 200;

/// Objects up to this many keys look for equal keys by comparing, longer ones with a table.
const FEW_KEYS: usize = 12;

/// Why text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {found}, expected {expected}")]
pub struct JsonError {
    /// Where, in bytes from the start of the text.
    pub offset: usize,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: &'static str,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
    let text = str::from_utf8(bytes).map_err(|error| JsonError {
        offset: error.valid_up_to(),
        found: "bytes that are not UTF-8".to_owned(),
        expected: "UTF-8",
    })?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.error("the end of the text")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn skip_space(&mut self) {
        let spaces = self
            .rest()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += spaces.count();
    }

    fn error(&self, expected: &'static str) -> JsonError {
        let found = match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            Some(character) => format!("{character:?}"),
            None if self.at < self.text.len() => "the middle of a character".to_owned(),
            None => "the end of the text".to_owned(),
        };
        JsonError {
            offset: self.at,
            found,
            expected,
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest().starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.skip_space();
        let value = match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => {
                return Err(self.error("fewer levels of lists and objects (200 at most)"));
            }
            Some(b'{') => return self.object(depth + 1),
            Some(b'[') => return self.array(depth + 1),
            Some(b'"') => return self.string().map(Json::String),
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'N') => self.word("NaN", Json::Float(f64::NAN)),
            Some(b'I') => self.word("Infinity", Json::Float(f64::INFINITY)),
            Some(b'-') => self
                .word("-Infinity", Json::Float(f64::NEG_INFINITY))
                .or_else(|| self.number()),
            Some(b'0'..=b'9') => self.number(),
            _ => None,
        };
        value.ok_or_else(|| self.error("a JSON value"))
    }

    /// `-?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?`, as far as it goes.
    fn number(&mut self) -> Option<Json> {
        let rest = self.rest();
        let digits_from = |from: usize| {
            let digits = rest.get(from..).unwrap_or_default();
            digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let sign = usize::from(rest.first() == Some(&b'-'));
        let whole = match rest.get(sign) {
            Some(b'0') => 1,
            _ => digits_from(sign),
        };
        if whole == 0 {
            return None;
        }
        let mut end = sign + whole;
        let mut integer = true;
        if rest.get(end) == Some(&b'.') {
            let fraction = digits_from(end + 1);
            if fraction > 0 {
                end += 1 + fraction;
                integer = false;
            }
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits_from(end + 1 + signed);
            if exponent > 0 {
                end += 1 + signed + exponent;
                integer = false;
            }
        }
        let text = self.text.get(self.at..self.at + end)?;
        self.at += end;
        if !integer {
            return text.parse().ok().map(Json::Float);
        }
        match text.parse() {
            Ok(number) => Some(Json::Int(number)),
            Err(_) => Some(Json::BigInt(text.into())),
        }
    }

    /// At a quotation mark.
    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self
                .rest()
                .iter()
                .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f))
                .count();
            out.push_str(self.text.get(self.at..self.at + plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.error("a quotation mark")),
            }
        }
    }

    /// After a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.error("an escape")),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex(self.at)?;
        self.at += 4;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with(b"\\u") {
            // Only a second half makes a pair; anything else stands for itself.
            if let Ok(second @ 0xdc00..0xe000) = self.hex(self.at + 2) {
                self.at += 6;
                let joined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&self, from: usize) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(from..from + 4).unwrap_or_default();
        if digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit) {
            let value = digits.iter().fold(0, |sum, digit| {
                sum << 4 | char::from(*digit).to_digit(16).unwrap_or(0)
            });
            return Ok(value);
        }
        Err(self.error("four hexadecimal digits"))
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    items.shrink_to_fit();
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.error("',' or ']'")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in quotation marks"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("':'"));
            }
            self.at += 1;
            entries.push((key, self.value(depth)?));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(last_wins(entries)));
                }
                _ => return Err(self.error("',' or '}'")),
            }
        }
    }
}

/// Keeps one entry a key: the first place, the last value.
fn last_wins(entries: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut kept: Vec<(String, Json)> = Vec::with_capacity(entries.len());
    if entries.len() <= FEW_KEYS {
        for (key, value) in entries {
            match kept.iter_mut().find(|(name, _)| *name == key) {
                Some(entry) => entry.1 = value,
                None => kept.push((key, value)),
            }
        }
        return kept;
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        match places.get(&key).and_then(|place| kept.get_mut(*place)) {
            Some(entry) => entry.1 = value,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}
