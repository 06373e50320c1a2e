//! Names of places: the part of a URL that picks a store, and the path below it.

use std::fmt;

use datafusion::error::{DataFusionError, Result};
use object_store::path::Path;
use ogive_table_providers::{listing_url, literal_url};
use url::Url;

/// Schemes that name a store, in the order in which error messages list them.
pub(super) const SCHEMES: &str = "file, s3, s3a, gs, az, azure, abfs, abfss, http, https";

/// Who runs the store behind a scheme. It decides which options apply and what an error advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Vendor {
    Aws,
    Gcp,
    Azure,
    Http,
}

impl Vendor {
    /// `None` for a scheme that names no remote store.
    pub(super) fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" => Some(Self::Aws),
            "gs" => Some(Self::Gcp),
            "az" | "azure" | "abfs" | "abfss" => Some(Self::Azure),
            "http" | "https" => Some(Self::Http),
            _ => None,
        }
    }

    /// The first word of this vendor's options: `aws` in `aws.region`.
    pub(super) fn option_prefix(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Http => "http",
        }
    }
}

/// What one store covers: scheme, container and host, without a password and without a path.
///
/// The user name stays, unlike in DataFusion's own registry: in `abfss://container@account.dfs.core.windows.net` it is the
/// container, and two containers of one account are two stores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreKey {
    text: String,
    vendor: Option<Vendor>,
}

impl StoreKey {
    pub(super) fn of(url: &Url) -> Self {
        let vendor = Vendor::of_scheme(url.scheme());
        let container = match url.username() {
            // A user name of an http URL is half of a credential.
            "" => String::new(),
            _ if vendor == Some(Vendor::Http) => String::new(),
            name => format!("{name}@"),
        };
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        Self {
            text: format!("{}://{container}{host}", url.scheme()),
            vendor,
        }
    }

    pub(super) fn vendor(&self) -> Option<Vendor> {
        self.vendor
    }

    /// `s3://bucket` for the root, `s3://bucket/some/key` below it.
    pub(super) fn at(&self, path: &Path) -> String {
        if path.is_root() {
            self.text.clone()
        } else {
            format!("{}/{path}", self.text)
        }
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The longest path below which everything that `url` may match lies: whole segments before the first one with a
/// wildcard. `s3://b/year/m*/x.cvc` gives `year`.
pub(super) fn fixed_prefix(url: &Url) -> Result<Path> {
    // A `?` wildcard ends the path in a URL's grammar, so the segment before the query is not whole.
    let mut segments: Vec<&str> = url.path().split('/').collect();
    if url.query().is_some() {
        segments.pop();
    }
    let wild = |segment: &&str| {
        segment.contains(['*', '[']) || segment.contains("%5B") || segment.contains("%5b")
    };
    let whole: Vec<&str> = segments.into_iter().take_while(|s| !wild(s)).collect();
    Path::from_url_path(whole.join("/"))
        .map_err(|error| DataFusionError::Plan(format!("{url} is not a usable location: {error}")))
}

/// The URLs below which the files of a table lie, each sign of a key standing for itself. Paths stay paths.
pub fn listed_urls(locations: &[String]) -> Result<Vec<String>> {
    let url = |location: &String| match location.contains("://") {
        true => Ok(listing_url(location)?.get_url().to_string()),
        false => Ok(location.clone()),
    };
    locations.iter().map(url).collect()
}

/// The URL of what `COPY` writes, in the same way.
pub fn written_url(location: &str) -> Result<String> {
    match location.contains("://") {
        true => Ok(literal_url(location)?.into()),
        false => Ok(location.to_string()),
    }
}
