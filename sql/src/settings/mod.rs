//! The settings that are ogive's: `ogive.*`, `hnsw.*`, `ivfflat.*` and PostgreSQL's own.

mod search_options;

use datafusion::common::config::ConfigOptions;
use datafusion::prelude::SessionConfig;
use ogive_table_providers::OgiveOptions;

pub(crate) use search_options::postgres_setting;
pub use search_options::{HnswOptions, IvfflatOptions, PostgresOptions};

/// The settings that are ogive's.
pub(crate) fn with_options(config: SessionConfig) -> SessionConfig {
    config
        .with_option_extension(OgiveOptions::default())
        .with_option_extension(HnswOptions::default())
        .with_option_extension(IvfflatOptions::default())
        .with_option_extension(PostgresOptions::default())
}

/// Every setting at its default.
pub(crate) fn default_options() -> ConfigOptions {
    with_options(SessionConfig::new())
        .options()
        .as_ref()
        .clone()
}

/// Whether searches by distance are made out of sorts: `ogive.enable_top_k`.
pub(crate) fn is_enabled(options: &ConfigOptions) -> bool {
    options
        .extensions
        .get::<OgiveOptions>()
        .is_none_or(|options| options.enable_top_k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of all settings, made of what the session knows.
    fn page() -> String {
        let mut page = String::from(
            "# Settings\n\n\
             `SET name = value`, `SHOW name`, `RESET name`. This page is made of the settings that the program knows:\n\
             `OGIVE_WRITE_DOCS=1 cargo test -p ogive-sql settings` writes it. DataFusion's own settings (`datafusion.*`) are in its\n\
             documentation.\n",
        );
        for (prefix, about) in [
            ("ogive", "How files are read, searched and explained."),
            (
                "hnsw",
                "pgvector's, taken, checked and shown; filters never shorten a result here, whatever they say.",
            ),
            ("ivfflat", "pgvector's, alike."),
            (
                "postgresql",
                "PostgreSQL's own, which are written without the prefix: taken and shown, without effect.",
            ),
        ] {
            page.push_str(&format!(
                "\n## {prefix}\n\n{about}\n\n| setting | default | values | |\n|---|---|---|---|\n"
            ));
            let mut entries = default_options().entries();
            entries.retain(|entry| entry.key.split_once('.').is_some_and(|(p, _)| p == prefix));
            for entry in entries {
                let key = entry.key.split_once('.').map_or("", |(_, key)| key);
                let values = match prefix {
                    "ogive" => OgiveOptions::allowed(key),
                    _ => search_options::allowed(&entry.key),
                };
                let shown = match prefix {
                    "postgresql" => key.to_string(),
                    _ => entry.key.clone(),
                };
                let words = entry
                    .description
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                let default = entry.value.unwrap_or_default();
                page.push_str(&format!(
                    "| `{shown}` | `{default}` | {values} | {words} |\n"
                ));
            }
        }
        page
    }

    #[test]
    fn the_page_of_settings_is_as_the_program_knows_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        if std::env::var_os("OGIVE_WRITE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap();
        assert!(
            written == page(),
            "docs/settings.md is stale: OGIVE_WRITE_DOCS=1 cargo test -p ogive-sql settings"
        );
    }

    #[test]
    fn values_are_checked_wherever_they_are_set() {
        let mut options = default_options();
        for (name, value, expected) in [
            (
                "ogive.batch_bytes",
                "12",
                "12 is outside the valid range for parameter \"ogive.batch_bytes\" (4096 .. 1073741824)",
            ),
            (
                "ogive.on_corruption",
                "maybe",
                "invalid value for parameter \"ogive.on_corruption\": \"maybe\"",
            ),
            (
                "ogive.target_recall",
                "2",
                "2 is outside the valid range for parameter \"ogive.target_recall\" (0 .. 1)",
            ),
            (
                "hnsw.ef_search",
                "0",
                "0 is outside the valid range for parameter \"hnsw.ef_search\" (1 .. 1000)",
            ),
        ] {
            let error = options.set(name, value).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        // Instructions of another architecture, and a device that is not there, are refused where they are asked for.
        let foreign = if cfg!(target_arch = "aarch64") {
            "avx2"
        } else {
            "neon"
        };
        let error = options.set("ogive.backend", foreign).unwrap_err();
        assert!(
            error.to_string().contains("this machine has scalar"),
            "{error}"
        );
        match (
            ogive_udfs::check_device("cuda"),
            options.set("ogive.device", "cuda"),
        ) {
            (Ok(()), set) => set.unwrap(),
            (Err(why), set) => {
                let error = set.unwrap_err().to_string();
                assert!(error.contains(&why), "{error}");
            }
        }
        options.set("ogive.device", "auto").unwrap();
        options.set("ogive.verify", "off").unwrap();
        assert!(options.set("ogive.verify", "perhaps").is_err());
    }
}
