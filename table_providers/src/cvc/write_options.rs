//! `OPTIONS (..)` of `COPY .. TO 'x.cvc'` and of tables that are inserted into.

use std::collections::BTreeMap;

use datafusion_common::{Result, config_datafusion_err, config_err};
use ogive_cvc::{Compression, NonFinite};

/// Whether a file has names for its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileLayout {
    /// Single-column for one vector column called `vector`, columnar otherwise.
    #[default]
    Auto,
    /// v1.0: one column without a name.
    Single,
    /// v2.0: named columns.
    Columnar,
}

/// How CVC files are written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteOptions {
    /// For columns of vectors and of floats that `compressions` does not name. Columns of integers are counts and keys,
    /// which no one wants rounded.
    pub compression: Option<Compression>,
    /// By column.
    pub compressions: BTreeMap<String, Compression>,
    /// Single-column or columnar.
    pub layout: FileLayout,
    /// Whether columns that keep their values may round what they cannot hold.
    pub lossy: bool,
    /// Chunk size, page alignment, non-finite numbers.
    pub file: ogive_cvc::WriteOptions,
}

impl WriteOptions {
    /// For the message about an unknown option.
    pub const NAMES: &str = ", compression, chunk_rows, mmap_optimized, layout, non_finite, lossy";

    /// `compression` in the options of a table: DataFusion keeps that word to itself there.
    pub const COMPRESSION_OF_TABLE: &str = "cvc_compression";

    /// Takes one option; `false` when the name is not one of these.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "compression" | Self::COMPRESSION_OF_TABLE => self.set_compression(value)?,
            "chunk_rows" => {
                self.file.chunk_rows =
                    value.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
                        config_datafusion_err!(
                            "option chunk_rows: expected a number of rows above 0, found '{value}'"
                        )
                    })?;
            }
            "mmap_optimized" => self.file.mmap_optimized = boolean(name, value)?,
            "lossy" => self.lossy = boolean(name, value)?,
            "layout" => {
                self.layout = match value.to_ascii_lowercase().as_str() {
                    "auto" => FileLayout::Auto,
                    "single" => FileLayout::Single,
                    "columnar" => FileLayout::Columnar,
                    _ => {
                        return config_err!(
                            "option layout: expected 'auto', 'single' or 'columnar', found '{value}'"
                        );
                    }
                }
            }
            "non_finite" => {
                self.file.non_finite = match value.to_ascii_lowercase().as_str() {
                    "refuse" => NonFinite::Refuse,
                    "allow" => NonFinite::Allow,
                    _ => {
                        return config_err!(
                            "option non_finite: expected 'refuse' or 'allow', found '{value}'"
                        );
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `int8`, or by column: `embedding=int8, score=none`.
    fn set_compression(&mut self, value: &str) -> Result<()> {
        for part in value.split(',').map(str::trim) {
            let (column, word) = match part.rsplit_once('=') {
                Some((column, word)) => (Some(column.trim()), word.trim()),
                None => (None, part),
            };
            let compression: Compression = word
                .to_ascii_lowercase()
                .parse()
                .map_err(|e| config_datafusion_err!("option compression: {e}"))?;
            match column {
                Some(column) => {
                    self.compressions.insert(column.to_string(), compression);
                }
                None => self.compression = Some(compression),
            }
        }
        Ok(())
    }

    /// The compression asked for a column, if any; `is_measured` says that it holds floats or vectors.
    pub fn compression_of(&self, column: &str, is_measured: bool) -> Option<Compression> {
        let of_all = self.compression.filter(|_| is_measured);
        self.compressions.get(column).copied().or(of_all)
    }
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => config_err!("option {name}: expected true or false, found '{value}'"),
    }
}
