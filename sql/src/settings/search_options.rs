//! pgvector's settings: `hnsw.*` and `ivfflat.*`, with its ranges and its errors; and PostgreSQL's own that scripts for
//! pgvector set.
//!
//! `iterative_scan` is taken and shown, but filters never shorten a result here, whatever it says.

use std::any::Any;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::{DataFusionError, Result};
use ogive_vectors::VectorError;

/// What a setting may be.
#[derive(Debug, Clone, Copy)]
enum Domain {
    Integer(i64, i64),
    Real(f64, f64),
    /// One of these words.
    Words(&'static [&'static str]),
    Anything,
}

struct Setting {
    name: &'static str,
    default: &'static str,
    domain: Domain,
    description: &'static str,
}

const HNSW: &[Setting] = &[
    Setting {
        name: "ef_search",
        default: "40",
        domain: Domain::Integer(1, 1000),
        description: "Candidates kept while an HNSW index is searched.",
    },
    Setting {
        name: "iterative_scan",
        default: "off",
        domain: Domain::Words(&["off", "relaxed_order", "strict_order"]),
        description: "How an index scan goes on when a filter removes rows.",
    },
    Setting {
        name: "max_scan_tuples",
        default: "20000",
        domain: Domain::Integer(1, i32::MAX as i64),
        description: "Rows an iterative scan visits at most.",
    },
    Setting {
        name: "scan_mem_multiplier",
        default: "1",
        domain: Domain::Real(1.0, 1000.0),
        description: "Memory of a scan, in multiples of the memory of one operation.",
    },
];

const IVFFLAT: &[Setting] = &[
    Setting {
        name: "probes",
        default: "1",
        domain: Domain::Integer(1, 32_768),
        description: "Lists of an IVFFlat index that are searched.",
    },
    Setting {
        name: "iterative_scan",
        default: "off",
        domain: Domain::Words(&["off", "relaxed_order"]),
        description: "How an index scan goes on when a filter removes rows.",
    },
    Setting {
        name: "max_probes",
        default: "32768",
        domain: Domain::Integer(1, 32_768),
        description: "Lists an iterative scan searches at most.",
    },
];

macro_rules! settings {
    ($name:ident, $prefix:literal, $settings:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $name {
            values: Vec<String>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    values: $settings.iter().map(|s| s.default.to_string()).collect(),
                }
            }
        }

        impl ConfigExtension for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl ExtensionOptions for $name {
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
                set($prefix, $settings, &mut self.values, key, value)
            }

            fn entries(&self) -> Vec<ConfigEntry> {
                entries($prefix, $settings, &self.values)
            }
        }
    };
}

/// What PostgreSQL plans by and reserves for its own workers: there is nothing here that it could steer.
macro_rules! without_effect {
    ($($name:literal: $default:literal),* $(,)?) => {
        &[$(Setting {
            name: $name,
            default: $default,
            domain: Domain::Anything,
            description: "Taken and shown as in PostgreSQL, without effect.",
        }),*]
    };
}

const POSTGRES: &[Setting] = without_effect![
    "application_name": "",
    "client_min_messages": "notice",
    "effective_cache_size": "4GB",
    "enable_bitmapscan": "on",
    "enable_indexonlyscan": "on",
    "enable_sort": "on",
    "jit": "on",
    "maintenance_work_mem": "64MB",
    "max_parallel_maintenance_workers": "2",
    "max_parallel_workers": "8",
    "max_parallel_workers_per_gather": "2",
    "min_parallel_index_scan_size": "512kB",
    "min_parallel_table_scan_size": "8MB",
    "parallel_setup_cost": "1000",
    "parallel_tuple_cost": "0.1",
    "search_path": "\"$user\", public",
    "work_mem": "4MB",
];

/// PostgreSQL's name of a setting under the prefix that it has here.
pub(crate) fn postgres_setting(name: &str) -> Option<String> {
    let known = POSTGRES.iter().any(|setting| setting.name == name);
    known.then(|| format!("{}.{name}", PostgresOptions::PREFIX))
}

settings!(
    PostgresOptions,
    "postgresql",
    POSTGRES,
    "Settings that PostgreSQL knows without a prefix, here `postgresql.*`."
);
settings!(HnswOptions, "hnsw", HNSW, "The settings `hnsw.*`.");
settings!(
    IvfflatOptions,
    "ivfflat",
    IVFFLAT,
    "The settings `ivfflat.*`."
);

fn set(
    prefix: &str,
    settings: &[Setting],
    values: &mut [String],
    key: &str,
    value: &str,
) -> Result<()> {
    let full = format!("{prefix}.{key}");
    let found = settings.iter().zip(values).find(|(s, _)| s.name == key);
    let Some((setting, stored)) = found else {
        return Err(external(
            VectorError::new(
                "42602",
                format!("invalid configuration parameter name \"{full}\""),
            )
            .with_detail(format!("\"{prefix}\" is a reserved prefix.")),
        ));
    };
    *stored = setting.domain.read(&full, value)?;
    Ok(())
}

fn entries(prefix: &str, settings: &[Setting], values: &[String]) -> Vec<ConfigEntry> {
    settings
        .iter()
        .zip(values)
        .map(|(setting, value)| ConfigEntry {
            key: format!("{prefix}.{}", setting.name),
            value: Some(value.clone()),
            description: setting.description,
        })
        .collect()
}

impl Domain {
    /// The value as it is shown.
    fn read(self, name: &str, value: &str) -> Result<String> {
        let value = value.trim();
        let invalid = || {
            VectorError::new(
                "22023",
                format!("invalid value for parameter \"{name}\": \"{value}\""),
            )
        };
        let outside = |shown: &str, range: String| {
            external(VectorError::new(
                "22023",
                format!("{shown} is outside the valid range for parameter \"{name}\" ({range})"),
            ))
        };
        match self {
            Self::Integer(least, most) => {
                let number: f64 = value.parse().map_err(|_| external(invalid()))?;
                // PostgreSQL takes 40.4 for 40.
                let number = number.round_ties_even();
                if !(least as f64..=most as f64).contains(&number) {
                    return Err(outside(&format!("{number}"), format!("{least} .. {most}")));
                }
                Ok(format!("{number}"))
            }
            Self::Real(least, most) => {
                let number: f64 = value.parse().map_err(|_| external(invalid()))?;
                if !(least..=most).contains(&number) {
                    return Err(outside(&format!("{number}"), format!("{least} .. {most}")));
                }
                Ok(format!("{number}"))
            }
            Self::Anything => Ok(value.to_string()),
            Self::Words(words) => {
                let lower = value.to_ascii_lowercase();
                if words.contains(&lower.as_str()) {
                    return Ok(lower);
                }
                let hint = format!("Available values: {}.", words.join(", "));
                Err(external(invalid().with_hint(hint)))
            }
        }
    }
}

/// What a setting may be, in words; the name is whole.
#[cfg(test)]
pub(super) fn allowed(name: &str) -> String {
    let (prefix, key) = name.split_once('.').unwrap_or_default();
    let settings = match prefix {
        "hnsw" => HNSW,
        "ivfflat" => IVFFLAT,
        _ => POSTGRES,
    };
    let setting = settings.iter().find(|setting| setting.name == key);
    match setting.map(|setting| setting.domain) {
        Some(Domain::Integer(least, most)) => format!("{least} .. {most}"),
        Some(Domain::Real(least, most)) => format!("{least} .. {most}"),
        Some(Domain::Words(words)) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Some(Domain::Anything) | None => "anything".to_string(),
    }
}

fn external(error: VectorError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
