//! The text of manifests.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Manifest, RowsAt, SourceFacts};
use crate::flat::Measure;

const FORMAT: &str = "ogive-index";

/// The longest text that is read: manifests have a few hundred bytes.
const BYTES_MAX: usize = 1 << 20;

/// Why a text is not a manifest that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is not JSON of the right form.
    #[error("not an index manifest: {source}")]
    NotAManifest {
        /// Why.
        source: serde_json::Error,
    },
    /// It is longer than any manifest.
    #[error("not an index manifest: it has {found} bytes, at most {expected} are read")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes that are read.
        expected: usize,
    },
    /// The text has changed since it was written.
    #[error(
        "index manifest: checksum {found}, expected {expected}; it is damaged, build the index again"
    )]
    Checksum {
        /// Checksum of the text.
        found: Box<str>,
        /// Checksum that is written.
        expected: Box<str>,
    },
    /// Written by another version.
    #[error(
        "index manifest: version {found} is not supported, expected {expected}; build the index again"
    )]
    UnsupportedVersion {
        /// Version found.
        found: u64,
        /// Version that this crate reads.
        expected: u64,
    },
    /// Something is missing or has another type.
    #[error("index manifest: {what} is {found}, expected {expected}")]
    BadValue {
        /// What.
        what: &'static str,
        /// What it is.
        found: Box<str>,
        /// What it should be.
        expected: &'static str,
    },
}

pub(super) fn write(manifest: &Manifest) -> String {
    let source = &manifest.source;
    let parameters: Map<String, Value> = manifest
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(*value)))
        .collect();
    let rows_at = manifest
        .rows_at
        .map(|at| json!({"offset": at.offset, "stride": at.stride}));
    let inner = json!({
        "format": FORMAT,
        "version": Manifest::VERSION,
        "name": manifest.name,
        "source": {
            "path": source.path,
            "bytes": source.bytes,
            "modified_ns": source.modified_ns,
            "etag": source.etag,
            "rows": source.rows,
            "sample": source.sample,
        },
        "column": manifest.column,
        "method": manifest.method,
        "measure": manifest.measure.name(),
        "parameters": parameters,
        "rows_at": rows_at,
        "file": {"name": manifest.file, "bytes": manifest.file_bytes},
        "build_milliseconds": manifest.build_milliseconds,
    })
    .to_string();
    let checksum = checksum(&inner);
    format!("{{\"checksum\":\"{checksum}\",\"manifest\":{inner}}}\n")
}

pub(super) fn read(text: &[u8]) -> Result<Manifest, ManifestError> {
    if text.len() > BYTES_MAX {
        return Err(ManifestError::TooLong {
            found: text.len(),
            expected: BYTES_MAX,
        });
    }
    let parsed = |source| ManifestError::NotAManifest { source };
    let outer: HashMap<String, &RawValue> = serde_json::from_slice(text).map_err(parsed)?;
    let inner = outer.get("manifest").map_or("null", |inner| inner.get());
    let inner_value: Value = serde_json::from_str(inner).map_err(parsed)?;
    let root = Fields(&inner_value);
    let format = root.text("format", "the format")?;
    if format != FORMAT {
        return Err(bad("the format", format, FORMAT));
    }
    let version = root.number("version", "the version")?;
    if version != Manifest::VERSION {
        return Err(ManifestError::UnsupportedVersion {
            found: version,
            expected: Manifest::VERSION,
        });
    }
    let written = outer.get("checksum").map_or("null", |sum| sum.get());
    let found = checksum(inner);
    let expected = written.trim_matches('"');
    if found != expected {
        return Err(ManifestError::Checksum {
            found: found.into(),
            expected: expected.into(),
        });
    }
    let source = root.object("source", "the source")?;
    let file = root.object("file", "the index file")?;
    let measure = root.text("measure", "the measure")?;
    let name = file.text("name", "the name of the index file")?;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(bad(
            "the name of the index file",
            name,
            "a name in the folder",
        ));
    }
    Ok(Manifest {
        name: root.text("name", "the name of the index")?,
        source: SourceFacts {
            path: source.text("path", "the path of the source")?,
            bytes: source.number("bytes", "the size of the source")?,
            modified_ns: source.optional("modified_ns", "the time of the source", Value::as_i64)?,
            etag: source.optional("etag", "the tag of the source", text_of)?,
            rows: source.number("rows", "the rows of the source")?,
            sample: source.optional("sample", "the sample of the source", text_of)?,
        },
        column: root.text("column", "the column")?,
        method: root.text("method", "the method")?,
        measure: Measure::from_name(&measure)
            .ok_or_else(|| bad("the measure", measure, "l2, inner_product or cosine"))?,
        parameters: root
            .object("parameters", "the parameters")?
            .numbers("a parameter")?,
        rows_at: match root.get("rows_at") {
            Value::Null => None,
            at => Some(RowsAt {
                offset: Fields(at).number("offset", "the offset of rows")?,
                stride: Fields(at).number("stride", "the stride of rows")?,
            }),
        },
        file: name,
        file_bytes: file.number("bytes", "the size of the index file")?,
        build_milliseconds: root.number("build_milliseconds", "the time of the build")?,
    })
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_string)
}

fn bad(what: &'static str, found: impl ToString, expected: &'static str) -> ManifestError {
    ManifestError::BadValue {
        what,
        found: found.to_string().into(),
        expected,
    }
}

/// The fields of an object; all are missing from another value.
struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> &'a Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }

    fn text(&self, key: &str, what: &'static str) -> Result<String, ManifestError> {
        let value = self.get(key);
        text_of(value).ok_or_else(|| bad(what, value, "a text"))
    }

    fn number(&self, key: &str, what: &'static str) -> Result<u64, ManifestError> {
        let value = self.get(key);
        value
            .as_u64()
            .ok_or_else(|| bad(what, value, "a whole number"))
    }

    fn optional<T>(
        &self,
        key: &str,
        what: &'static str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, ManifestError> {
        match self.get(key) {
            Value::Null => Ok(None),
            value => match convert(value) {
                Some(converted) => Ok(Some(converted)),
                None => Err(bad(what, value, "null, or what it is otherwise")),
            },
        }
    }

    fn object(&self, key: &str, what: &'static str) -> Result<Fields<'a>, ManifestError> {
        let value = self.get(key);
        if value.is_object() {
            Ok(Fields(value))
        } else {
            Err(bad(what, value, "an object"))
        }
    }

    fn numbers(&self, what: &'static str) -> Result<Vec<(String, u64)>, ManifestError> {
        let fields = self.0.as_object().into_iter().flatten();
        fields
            .map(|(name, value)| {
                let number = value
                    .as_u64()
                    .ok_or_else(|| bad(what, value, "a whole number"))?;
                Ok((name.clone(), number))
            })
            .collect()
    }
}
