//! One measured thing, as a line of JSON.

use std::fmt;

use serde_json::{Map, Value};

use crate::timing::Spread;

/// Whatever went wrong: a bench has one reaction to it, which is to say so and stop.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the functions of this package return.
pub type Result<T> = std::result::Result<T, Error>;

/// A figure with the words that say what it is a figure of.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    fields: Map<String, Value>,
}

impl Figure {
    /// A figure of one measure (`scan`, `top_k`, ..) and one subject of it (`int8`, `npy`, ..).
    pub fn new(measure: &str, subject: &str) -> Self {
        Self::default()
            .with("measure", measure)
            .with("subject", subject)
    }

    /// Adds a field.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds times, in milliseconds.
    pub fn with_times(self, times: Spread) -> Self {
        self.with("p10_ms", times.p10_s * 1e3)
            .with("p50_ms", times.p50_s * 1e3)
            .with("p90_ms", times.p90_s * 1e3)
            .with("runs", times.runs)
    }

    /// A field, for tests.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_string(&self.fields) {
            Ok(line) => f.write_str(&line),
            Err(_) => Err(fmt::Error),
        }
    }
}
