//! The `ogive.*` settings that scans read.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, RangeInclusive};
use std::path::PathBuf;

use datafusion_common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion_common::{DataFusionError, Result, config_err, extensions_options};
use ogive_vectors::VectorError;

use crate::scan::MemoryMap;
use crate::vault::SqliteTypes;

extensions_options! {
    /// The values of the settings.
    pub struct OgiveValues {
        /// Check stored checksums while reading.
        pub verify: bool, default = true
        /// What a damaged chunk does: `error`, `skip` (its rows are left out) or `fill` (its rows are `fill_value`).
        pub on_corruption: String, default = "error".to_string()
        /// The value of every element of a damaged chunk under `fill`.
        pub fill_value: f64, default = 0.0
        /// Answer `ORDER BY <distance> LIMIT k` inside the scan.
        pub enable_top_k: bool, default = true
        /// Put the plan of a search and nothing else together without DataFusion's physical rules, which would make the same of
        /// it.
        pub enable_search_plan: bool, default = true
        /// Decoded bytes a batch aims at.
        pub batch_bytes: usize, default = 1024 * 1024
        /// Bytes of files that a search by distance must have before it is divided among partitions: to wake another
        /// thread takes longer than to search few.
        pub split_min_bytes: usize, default = 1024 * 1024
        /// The share of the exact answer that a search through an index is to find, from 0 (what the index's own settings say) to
        /// 1 (all of it). Exact searches find all of it whatever this says.
        pub target_recall: f64, default = 0.0
        /// PostgreSQL's `enable_seqscan`: taken and shown; exact answers come from scans whatever it says.
        pub enable_seqscan: bool, default = true
        /// EXPLAIN says, beside its plans, how each search and join by distance is answered, and why not faster.
        pub explain_decisions: bool, default = false
        /// Map local files into memory: `auto` (unless they lie on a network file system), `on` or `off`. A mapped file that
        /// another program cuts short while it is read ends the process.
        pub memory_map: MemoryMap, default = MemoryMap::Auto
        /// A value of a SQLite table that does not fit its column's declared type: `null` (it is NULL, and a warning counts
        /// them), `strict` (an error), or `text` (every column is text).
        pub sqlite_types: String, default = "null".to_string()
        /// Milliseconds to wait for the locks that other programs have on a SQLite file. Files that are attached already
        /// keep theirs.
        pub busy_timeout_ms: usize, default = 5000
        /// Where what is known of source code is kept between scans: a folder, `off`, or empty for the user's caches
        /// (`$XDG_CACHE_HOME/ogive`). Checkouts that are attached already keep theirs.
        pub code_cache: String, default = String::new()
        /// The instructions that distances and page codecs are computed with: `auto` is the best that the machine has. Answers do
        /// not depend on it.
        pub backend: String, default = "auto".to_string()
        /// Where batches of pages are compressed and decompressed: `cpu`, `cuda` (whatever a GPU takes), or `auto` (a GPU where it
        /// is expected to be faster, if there is one). `cpu` until the kernels of `crates/cuda` have been run on a device: they
        /// are tested on their twin for the processor.
        pub device: String, default = "cpu".to_string()
        /// PostgreSQL's `enable_indexscan`: `off` is `ogive.index_access = 'off'`.
        pub enable_indexscan: bool, default = true
        /// Searches go through indexes: `auto` (where that is faster), `off` or `force` (wherever there is one). Answers
        /// are the same.
        pub index_access: String, default = "auto".to_string()
        /// The folder in which indexes are kept, where they must not lie beside the data; empty for beside the data.
        pub index_location: String, default = String::new()
    }
}

/// Settings of the vector scans: `SET ogive.<name> = <value>`. What a setting may be is checked where it is set, by whoever.
#[derive(Debug, Clone, Default)]
pub struct OgiveOptions(OgiveValues);

impl Deref for OgiveOptions {
    type Target = OgiveValues;

    fn deref(&self) -> &OgiveValues {
        &self.0
    }
}

impl OgiveOptions {
    /// `ogive.memory_map` of a session, at its default where ogive is not registered.
    pub fn memory_map_of(options: &ConfigOptions) -> MemoryMap {
        let ours = options.extensions.get::<Self>();
        ours.map_or(MemoryMap::Auto, |options| options.memory_map)
    }

    /// `ogive.index_access`.
    pub fn index_access(&self) -> IndexAccess {
        match self.0.index_access.as_str() {
            "off" => IndexAccess::Off,
            "force" => IndexAccess::Force,
            _ => IndexAccess::Auto,
        }
    }

    /// `ogive.index_location`, if it is set.
    pub fn index_location(&self) -> Option<PathBuf> {
        let location = &self.0.index_location;
        (!location.is_empty()).then(|| PathBuf::from(location))
    }

    /// `ogive.sqlite_types`.
    pub fn sqlite_types(&self) -> SqliteTypes {
        SqliteTypes::of_name(&self.0.sqlite_types).unwrap_or_default()
    }
}

impl ConfigExtension for OgiveOptions {
    const PREFIX: &'static str = "ogive";
}

impl ExtensionOptions for OgiveOptions {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        // PostgreSQL's words for a switch.
        let value = match (domain(key), value.to_ascii_lowercase().as_str()) {
            (Domain::Switch, "on" | "yes" | "1") => "true",
            (Domain::Switch, "off" | "no" | "0") => "false",
            _ => value,
        };
        domain(key).check(&format!("{}.{key}", Self::PREFIX), value)?;
        let there = match key {
            "backend" => ogive_udfs::check_backend(value),
            "device" => ogive_udfs::check_device(value),
            _ => Ok(()),
        };
        if let Err(why) = there {
            return Err(DataFusionError::External(Box::new(VectorError::new(
                "22023",
                format!(
                    "invalid value for parameter \"{}.{key}\": \"{value}\": {why}",
                    Self::PREFIX
                ),
            ))));
        }
        self.0.set(key, value)
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let entries = self.0.entries().into_iter();
        entries
            .map(|entry| ConfigEntry {
                key: format!("{}.{}", Self::PREFIX, entry.key),
                ..entry
            })
            .collect()
    }
}

impl OgiveOptions {
    /// What a setting may be, in words; `key` is without the prefix.
    pub fn allowed(key: &str) -> String {
        match domain(key) {
            Domain::Switch => "`on`, `off`".to_string(),
            Domain::Integer(range) => format!("{} .. {}", range.start(), range.end()),
            Domain::Real(range) => format!("{} .. {}", range.start(), range.end()),
            Domain::Words(words) => words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Domain::Number => "a number".to_string(),
            Domain::Text => "a text".to_string(),
        }
    }
}

/// What a setting may be.
enum Domain {
    Switch,
    Integer(RangeInclusive<usize>),
    Real(RangeInclusive<f64>),
    Words(&'static [&'static str]),
    /// Anything of the type that the value has.
    Number,
    /// Any text.
    Text,
}

fn domain(key: &str) -> Domain {
    match key {
        // Less than a page is all overhead, more than a gigabyte no longer a batch.
        "batch_bytes" => Domain::Integer(4096..=1 << 30),
        "target_recall" => Domain::Real(0.0..=1.0),
        "on_corruption" => Domain::Words(&["error", "skip", "fill"]),
        "code_cache" => Domain::Text,
        "backend" => Domain::Words(&ogive_udfs::BACKENDS),
        "device" => Domain::Words(&ogive_udfs::DEVICES),
        "sqlite_types" => Domain::Words(&["null", "strict", "text"]),
        // A day.
        "busy_timeout_ms" => Domain::Integer(0..=86_400_000),
        "index_access" => Domain::Words(&["auto", "off", "force"]),
        "index_location" => Domain::Text,
        "memory_map" => Domain::Words(&["auto", "on", "off"]),
        "fill_value" | "split_min_bytes" => Domain::Number,
        _ => Domain::Switch,
    }
}

impl Domain {
    /// PostgreSQL's errors about a value that is none of these (22023).
    fn check(&self, name: &str, value: &str) -> Result<()> {
        let invalid = || {
            VectorError::new(
                "22023",
                format!("invalid value for parameter \"{name}\": \"{value}\""),
            )
        };
        let outside = |from: &dyn fmt::Display, to: &dyn fmt::Display| {
            VectorError::new(
                "22023",
                format!(
                    "{value} is outside the valid range for parameter \"{name}\" ({from} .. {to})"
                ),
            )
        };
        let error = match self {
            Self::Switch => return Ok(()),
            Self::Number | Self::Text => return Ok(()),
            Self::Integer(range) => match value.parse() {
                Ok(number) if range.contains(&number) => return Ok(()),
                _ => outside(range.start(), range.end()),
            },
            Self::Real(range) => match value.parse() {
                Ok(number) if range.contains(&number) => return Ok(()),
                Ok::<f64, _>(_) => outside(range.start(), range.end()),
                Err(_) => invalid(),
            },
            Self::Words(words) if words.contains(&value) => return Ok(()),
            Self::Words(words) => {
                invalid().with_hint(format!("Available values: {}.", words.join(", ")))
            }
        };
        Err(DataFusionError::External(Box::new(error)))
    }
}

/// When searches go through indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexAccess {
    /// Where that is faster.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Wherever there is one.
    Force,
}

/// What a damaged chunk does to a query.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum OnCorruption {
    /// The query fails and says where the damage is.
    #[default]
    Error,
    /// The chunk's rows are left out; counted and warned of.
    Skip,
    /// The chunk's rows are there with every element this value; counted and warned of.
    Fill(f64),
}

/// How files are read, out of the session's settings and the table's options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadOptions {
    /// Check stored checksums.
    pub verify: bool,
    /// What damage does.
    pub on_corruption: OnCorruption,
    /// Decoded bytes a batch aims at.
    pub batch_bytes: usize,
    /// Bytes of files that a search by distance must have before it is divided among partitions.
    pub split_min_bytes: usize,
    /// Let go of mapped pages once they have been read, because the session's memory is limited
    /// and the files are large beside it. They stay in the system's page cache.
    pub release_behind: bool,
    /// Whether local files are mapped.
    pub memory_map: MemoryMap,
    /// Partitions of a search look at rows for each other: `datafusion.execution.enable_file_stream_work_stealing`.
    pub share_rows: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            verify: true,
            on_corruption: OnCorruption::Error,
            batch_bytes: OgiveOptions::default().batch_bytes,
            split_min_bytes: OgiveOptions::default().split_min_bytes,
            release_behind: false,
            memory_map: MemoryMap::Auto,
            share_rows: true,
        }
    }
}

/// What a table's own `OPTIONS (..)` say; each overrides the session's setting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableOptions {
    /// `verify`.
    pub verify: Option<bool>,
    /// `on_corruption`.
    pub on_corruption: Option<String>,
    /// `fill_value`.
    pub fill_value: Option<f64>,
}

impl TableOptions {
    /// Takes one option; `false` when the name is not one of these.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "verify" => match value.to_ascii_lowercase().as_str() {
                "true" | "on" | "1" => self.verify = Some(true),
                "false" | "off" | "0" => self.verify = Some(false),
                _ => return config_err!("option verify: expected true or false, found '{value}'"),
            },
            "on_corruption" => {
                parse_on_corruption(value, 0.0)?;
                self.on_corruption = Some(value.to_string());
            }
            "fill_value" => match value.parse() {
                Ok(number) => self.fill_value = Some(number),
                Err(_) => {
                    return config_err!("option fill_value: expected a number, found '{value}'");
                }
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// These options over the session's settings.
    pub fn read_options(&self, config: &ConfigOptions) -> Result<ReadOptions> {
        let defaults = OgiveOptions::default();
        let session = config.extensions.get::<OgiveOptions>().unwrap_or(&defaults);
        let fill = self.fill_value.unwrap_or(session.fill_value);
        let word = self
            .on_corruption
            .as_deref()
            .unwrap_or(&session.on_corruption);
        Ok(ReadOptions {
            verify: self.verify.unwrap_or(session.verify),
            on_corruption: parse_on_corruption(word, fill)?,
            batch_bytes: session.batch_bytes.max(1),
            split_min_bytes: session.split_min_bytes,
            release_behind: false,
            memory_map: session.memory_map,
            share_rows: config.execution.enable_file_stream_work_stealing,
        })
    }
}

fn parse_on_corruption(word: &str, fill: f64) -> Result<OnCorruption> {
    match word.to_ascii_lowercase().as_str() {
        "error" | "raise" => Ok(OnCorruption::Error),
        "skip" => Ok(OnCorruption::Skip),
        "fill" => Ok(OnCorruption::Fill(fill)),
        _ => config_err!("on_corruption: expected 'error', 'skip' or 'fill', found '{word}'"),
    }
}
