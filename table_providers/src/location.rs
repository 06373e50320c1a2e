//! Locations as a person writes them.

use std::path::Path;

use datafusion_common::Result;
use datafusion_datasource::ListingTableUrl;
use url::Url;

/// Schemes whose paths are names of objects. In `http` addresses `?` begins a query, and nothing can be listed.
const SCHEMES: [&str; 7] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss"];

/// The files that `location` means: a path or URL of one file or of a directory, or a pattern of names with `*`, `?` and
/// `[..]`, which DataFusion by itself takes in paths of the local disk only. A local file that is called like a pattern is
/// that file.
///
/// # Errors
/// A URL or pattern that cannot be read.
pub fn listing_url(location: &str) -> Result<ListingTableUrl> {
    match split_pattern(location) {
        Some((folder, pattern)) => ListingTableUrl::parse(folder)?.with_glob(pattern),
        None => match literal_url(location) {
            Some(url) => ListingTableUrl::try_new(url, None),
            None => ListingTableUrl::parse(location),
        },
    }
}

/// The URL of a local file or directory whose name would be taken for a pattern.
fn literal_url(location: &str) -> Option<Url> {
    let path = Path::new(location);
    if !location.contains(['*', '?', '[']) || !path.exists() {
        return None;
    }
    let absolute = std::path::absolute(path).ok()?;
    let url = if path.is_dir() {
        Url::from_directory_path(absolute)
    } else {
        Url::from_file_path(absolute)
    };
    // Read again, which resolves `..`.
    Url::parse(url.ok()?.as_str()).ok()
}

/// `s3://b/p/*.cvc` as the folder `s3://b/p/` and the pattern `*.cvc`; `None` for what is no pattern of a URL.
fn split_pattern(location: &str) -> Option<(&str, &str)> {
    let url = Url::parse(location).ok()?;
    if !SCHEMES.contains(&url.scheme()) {
        return None;
    }
    let wildcard = location.find(['*', '?', '['])?;
    let folder = location.get(..wildcard)?.rfind('/')? + 1;
    Some((location.get(..folder)?, location.get(folder..)?))
}

#[cfg(test)]
mod tests {
    use super::split_pattern;

    #[test]
    fn patterns_begin_at_the_segment_with_a_wildcard() {
        for (location, expected) in [
            ("s3://b/p/*.cvc", Some(("s3://b/p/", "*.cvc"))),
            ("s3://b/year=*/x.cvc", Some(("s3://b/", "year=*/x.cvc"))),
            ("gs://b/p/part-?.cvc", Some(("gs://b/p/", "part-?.cvc"))),
            ("s3://b/[ab].cvc", Some(("s3://b/", "[ab].cvc"))),
            ("s3://b/p/x.cvc", None),
            ("https://h/x.cvc?version=1", None),
            ("/tmp/*.cvc", None),
            ("file:///tmp/*.cvc", None),
        ] {
            assert_eq!(split_pattern(location), expected, "{location}");
        }
    }
}
