//! The JSON of CVC headers, as Python writes and reads it.
//!
//! It differs from strict JSON in the bare words `NaN`, `Infinity` and `-Infinity`, which do occur in headers, and in keeping
//! integers of any length apart from floating-point numbers: `1` and `1.0` come back as they were.

mod parse;
#[cfg(test)]
mod tests;
mod write;

pub use parse::{DEPTH_MAX, JsonError};

/// A JSON value. Objects keep the order of their keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without point or exponent that fits 64 bits.
    Int(i64),
    /// The digits, with a sign if negative, of a longer integer.
    BigInt(Box<str>),
    /// Any other number, `NaN`, `Infinity` and `-Infinity` included.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// Keys, each at most once, and their values.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value that fills `bytes` but for white space around it.
    ///
    /// Time is linear in the length. Of equal keys in an object the last value counts. Half of a surrogate pair, which
    /// Python can hold and Rust cannot, becomes U+FFFD.
    ///
    /// # Errors
    /// [`JsonError`] with the offset, for anything else than JSON (and Python's three words) in UTF-8, and for nesting
    /// deeper than [`DEPTH_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        parse::parse(bytes)
    }

    /// The text with sorted keys and no spaces, which versioned files use: Python's
    /// `dumps(sort_keys=True, separators=(",", ":"))`.
    pub fn to_sorted_text(&self) -> String {
        let mut out = String::new();
        write::value(self, write::SORTED, &mut out);
        out
    }

    /// Appends [`Json::to_sorted_text`].
    pub(crate) fn push_sorted(&self, out: &mut String) {
        write::value(self, write::SORTED, out);
    }

    /// The text with keys in their own order and a space after `,` and `:`, which v0.x files use: Python's `dumps()`.
    pub fn to_spaced_text(&self) -> String {
        let mut out = String::new();
        write::value(self, write::SPACED, &mut out);
        out
    }

    /// The value of a key; `None` where there is no such key or this is no object. Looks through all keys.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?
            .iter()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The entries of an object.
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        match self {
            Json::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Json::Int(number) => u64::try_from(*number).ok(),
            Json::BigInt(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// A number, rounded to 64-bit floating point where it is a long integer.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Int(number) => Some(*number as f64),
            Json::BigInt(digits) => digits.parse().ok(),
            Json::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether the two are equal as Python compares them: `1`, `1.0` and `true` are one value, the order of keys is
    /// nothing, and NaN equals nothing.
    pub fn equals(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Null, Json::Null) => true,
            (Json::String(a), Json::String(b)) => a == b,
            (Json::Array(a), Json::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Json::Object(a), Json::Object(b)) => {
                let sorted = |entries: &[(String, Json)]| {
                    let mut order: Vec<usize> = (0..entries.len()).collect();
                    order.sort_unstable_by_key(|index| entries.get(*index).map(|entry| &entry.0));
                    order
                };
                a.len() == b.len()
                    && sorted(a).into_iter().zip(sorted(b)).all(|(left, right)| {
                        match (a.get(left), b.get(right)) {
                            (Some(left), Some(right)) => {
                                left.0 == right.0 && left.1.equals(&right.1)
                            }
                            _ => false,
                        }
                    })
            }
            _ => match (self.digits(), other.digits()) {
                (Some(a), Some(b)) => a == b,
                (None, None) => match (self, other) {
                    (Json::Float(a), Json::Float(b)) => a == b,
                    _ => false,
                },
                _ => false,
            },
        }
    }

    /// The decimal digits of a number that is an integer, however it is written.
    fn digits(&self) -> Option<String> {
        match self {
            Json::Bool(truth) => Some(u8::from(*truth).to_string()),
            Json::Int(number) => Some(number.to_string()),
            Json::BigInt(digits) => Some(digits.to_string()),
            // Adding zero turns -0.0 into 0.0; the text of an integral float is exact.
            Json::Float(number) if number.fract() == 0.0 => Some(format!("{:.0}", number + 0.0)),
            _ => None,
        }
    }

    /// Levels of lists and objects, this value included; 0 for anything else.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Json::Array(items) => 1 + items.iter().map(Json::depth).max().unwrap_or(0),
            Json::Object(entries) => {
                1 + entries
                    .iter()
                    .map(|(_, value)| value.depth())
                    .max()
                    .unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Bytes of memory behind this value, without the value itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Json::BigInt(text) => text.len(),
            Json::String(text) => text.capacity(),
            Json::Array(items) => {
                items.capacity() * size_of::<Json>()
                    + items.iter().map(Json::heap_bytes).sum::<usize>()
            }
            Json::Object(entries) => {
                entries.capacity() * size_of::<(String, Json)>()
                    + entries
                        .iter()
                        .map(|(key, value)| key.capacity() + value.heap_bytes())
                        .sum::<usize>()
            }
            _ => 0,
        }
    }
}

impl std::fmt::Display for Json {
    /// [`Json::to_sorted_text`]
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.to_sorted_text())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        match i64::try_from(number) {
            Ok(number) => Json::Int(number),
            Err(_) => Json::BigInt(number.to_string().into()),
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}
