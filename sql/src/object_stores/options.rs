//! Options of one statement: `OPTIONS ('aws.region' 'eu-central-1', ..)`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use datafusion::error::{DataFusionError, Result};

use super::location::{StoreKey, Vendor};

/// What each vendor accepts after its prefix. Short on purpose: a name is added when somebody needs it.
const AWS: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "session_token",
    "region",
    "endpoint",
    "allow_http",
    "skip_signature",
    "virtual_hosted_style_request",
    "request_payer",
    "timeout",
    "connect_timeout",
    "max_retries",
];
const GCP: &[&str] = &[
    "service_account_path",
    "service_account_key",
    "application_credentials_path",
    "endpoint",
    "allow_http",
    "skip_signature",
    "timeout",
    "connect_timeout",
    "max_retries",
];
const AZURE: &[&str] = &[
    "account_name",
    "access_key",
    "sas_token",
    "client_id",
    "client_secret",
    "tenant_id",
    "endpoint",
    "allow_http",
    "skip_signature",
    "use_emulator",
    "timeout",
    "connect_timeout",
    "max_retries",
];
const HTTP: &[&str] = &[
    "authorization",
    "user_agent",
    "timeout",
    "connect_timeout",
    "max_retries",
];

const VENDORS: [Vendor; 4] = [Vendor::Aws, Vendor::Gcp, Vendor::Azure, Vendor::Http];

fn accepted(vendor: Vendor) -> &'static [&'static str] {
    match vendor {
        Vendor::Aws => AWS,
        Vendor::Gcp => GCP,
        Vendor::Azure => AZURE,
        Vendor::Http => HTTP,
    }
}

/// Credentials and endpoint for one location. Where an option is absent the environment answers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Full names (`aws.region`), lower case.
    values: BTreeMap<String, String>,
}

impl StoreOptions {
    /// Whether the statement named no option of an object store; then no store of its own is needed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Checks that every option is known and belongs to the store that `key` names.
    ///
    /// # Errors
    /// An unknown name (the message lists the accepted ones), or a name of another vendor.
    pub(super) fn check(&self, key: &StoreKey) -> Result<()> {
        for full_name in self.values.keys() {
            let (prefix, name) = full_name
                .split_once('.')
                .unwrap_or((full_name.as_str(), ""));
            let Some(vendor) = VENDORS
                .into_iter()
                .find(|vendor| vendor.option_prefix() == prefix)
            else {
                return Err(configuration(format!("unknown option '{full_name}'")));
            };
            if !accepted(vendor).contains(&name) {
                let names: Vec<String> = accepted(vendor)
                    .iter()
                    .map(|name| format!("{prefix}.{name}"))
                    .collect();
                return Err(configuration(format!(
                    "unknown option '{full_name}'; accepted are {}",
                    names.join(", ")
                )));
            }
            if key.vendor() != Some(vendor) {
                return Err(configuration(format!(
                    "option '{full_name}' does not apply to {key}"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(feature = "s3")]
impl StoreOptions {
    /// The value of `vendor`'s option `name`.
    pub(super) fn get(&self, vendor: Vendor, name: &str) -> Option<&str> {
        self.values
            .get(&format!("{}.{name}", vendor.option_prefix()))
            .map(String::as_str)
    }

    /// Every option as (name without its prefix, value); call [`Self::check`] first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().filter_map(|(full_name, value)| {
            let (_, name) = full_name.split_once('.')?;
            Some((name, value.as_str()))
        })
    }
}

/// Values are secrets as often as not, so only names are shown.
impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

/// Removes the options of object stores (`aws.*`, `gcp.*`, `azure.*`, `http.*`) from a statement's options, so that
/// what is left belongs to the file format. Nothing is checked here: [`store_with_options`](super::store_with_options)
/// does that, and knows the location.
///
/// Names are taken in any case, and with the `format.` that DataFusion puts before some option names.
pub fn take_store_options(options: &mut HashMap<String, String>) -> StoreOptions {
    let mut values = BTreeMap::new();
    options.retain(|name, value| {
        let lower = name.to_ascii_lowercase();
        let full_name = lower.strip_prefix("format.").unwrap_or(&lower);
        let of_store = VENDORS.into_iter().any(|vendor| {
            full_name
                .strip_prefix(vendor.option_prefix())
                .is_some_and(|rest| rest.starts_with('.'))
        });
        if of_store {
            values.insert(full_name.to_owned(), std::mem::take(value));
        }
        !of_store
    });
    StoreOptions { values }
}

pub(super) fn configuration(message: String) -> DataFusionError {
    DataFusionError::Configuration(message)
}
