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
