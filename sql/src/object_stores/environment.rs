//! The environment variables that credentials and endpoints come from, read once.

use std::fmt;

/// Prefixes of the variables that are kept; everything else in the process environment is dropped at once.
const PREFIXES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];
/// Names outside the prefixes that the vendors' own tools read.
const NAMES: [&str; 2] = ["SERVICE_ACCOUNT", "MSI_ENDPOINT"];

/// A snapshot of the variables that matter to object stores. An empty value counts as unset, because shells export
/// empty variables easily, and an empty session token would be sent and refused.
#[derive(Clone, Default)]
pub(super) struct Environment {
    variables: Vec<(String, String)>,
}

impl Environment {
    /// Reads the process environment; names and values that are not UTF-8 are skipped.
    pub(super) fn of_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Keeps the relevant ones of the given variables.
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let relevant = |name: &str| {
            NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        Self {
            variables: variables
                .into_iter()
                .filter(|(name, value)| relevant(name) && !value.is_empty())
                .collect(),
        }
    }
}

#[cfg(feature = "s3")]
impl Environment {
    /// The value of one variable.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The variables that start with `prefix`, as (lower-case name, value): the spelling object_store parses.
    pub(super) fn starting_with(&self, prefix: &str) -> impl Iterator<Item = (String, &str)> {
        self.variables
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }
}

/// Values are secrets as often as not, so only names are shown.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.variables.iter().map(|(name, _)| name))
            .finish()
    }
}
