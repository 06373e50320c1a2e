//! Locations as a person writes them.
//!
//! ```text
//! a/b#1.csv   ./wh?t.cvc   ~/x.npy     a path on the local disk, as it stands
//! file:///a/b%20c.csv                  the same; percent signs are decoded where that names a file
//! s3://bucket/50%/#1.parquet           a key, as it stands
//! https://host/x.csv?version=1         an address as the web has it
//! t/*/x.cvc   s3://b/**/*.{csv,tsv}    a pattern, where no file is called so
//! ```

use std::path::{Component, Path, PathBuf};

use datafusion_common::{Result, plan_datafusion_err, plan_err};
use datafusion_datasource::ListingTableUrl;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::pattern::PathPattern;

/// Schemes whose paths are names of objects.
const OBJECT_SCHEMES: [&str; 7] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss"];

/// What would end a path in a URL, or be changed in it.
const KEY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'[')
    .add(b']')
    .add(b'*')
    .add(b'^');

/// Whether a path has the signs of a pattern.
pub fn is_pattern(location: &str) -> bool {
    location.contains(['*', '?', '[', '{'])
}

/// The files that `location` means: a path or URL of one file or of a directory, or a pattern. A local file that is called
/// like a pattern is that file.
///
/// The pattern of the URL is read by `PathPattern`, not by DataFusion.
///
/// # Errors
/// A URL or pattern that cannot be read.
pub fn listing_url(location: &str) -> Result<ListingTableUrl> {
    let place = Place::of(location);
    let (is_literal, path) = match &place {
        Place::Web(_) => return ListingTableUrl::parse(location),
        Place::Object { key, .. } => (!is_pattern(key), key.as_str()),
        Place::Local(path) => (!is_pattern(path) || Path::new(path).exists(), path.as_str()),
    };
    if is_literal {
        return ListingTableUrl::try_new(place.url(path)?, None);
    }
    PathPattern::parse(path)?;
    let wildcard = path.find(['*', '?', '[', '{']).unwrap_or(0);
    let folder = path
        .get(..wildcard)
        .and_then(|fixed| fixed.rfind('/'))
        .map_or(0, |slash| slash + 1);
    let (folder, pattern) = path.split_at(folder);
    let url = match (&place, folder) {
        (Place::Local(_), "") => place.url("./")?,
        _ => place.url(folder)?,
    };
    // Carries the text; what it matches is for `PathPattern` to say.
    ListingTableUrl::try_new(url, None)?.with_glob(&escape(pattern))
}

/// The one file or directory that `location` names, whatever signs it has: where something is to be written.
///
/// # Errors
/// A URL that cannot be read.
pub fn literal_url(location: &str) -> Result<Url> {
    let place = Place::of(location);
    match &place {
        Place::Web(_) => Url::parse(location)
            .map_err(|error| plan_datafusion_err!("'{location}' is no address: {error}")),
        Place::Object { key: path, .. } | Place::Local(path) => place.url(path),
    }
}

/// The pattern that [`listing_url`] found in a location.
///
/// # Errors
/// A pattern that cannot be read.
pub(super) fn pattern_of(url: &ListingTableUrl) -> Result<Option<PathPattern>> {
    let Some(glob) = url.get_glob() else {
        return Ok(None);
    };
    PathPattern::parse(&unescape(glob.as_str())).map(Some)
}

/// A text that DataFusion's patterns take for itself, so that none is refused: `?` is `[?]`.
fn escape(pattern: &str) -> String {
    let mut escaped = String::with_capacity(pattern.len());
    for sign in pattern.chars() {
        if matches!(sign, '?' | '*' | '[' | ']') {
            escaped.extend(['[', sign, ']']);
        } else {
            escaped.push(sign);
        }
    }
    escaped
}

/// Undoes [`escape`].
fn unescape(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(character) = rest.chars().next() {
        let mut inside = rest.chars().skip(1);
        match (character, inside.next(), inside.next()) {
            ('[', Some(sign), Some(']')) if matches!(sign, '?' | '*' | '[' | ']') => {
                text.push(sign);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                text.push(character);
                rest = rest.get(character.len_utf8()..).unwrap_or_default();
            }
        }
    }
    text
}

/// A location before its path is read.
enum Place {
    /// Read as URLs are.
    Web(()),
    /// `s3://bucket`, and the key without the slash between them.
    Object { store: String, key: String },
    /// A path of the local disk.
    Local(String),
}

impl Place {
    fn of(location: &str) -> Self {
        if let Some((scheme, rest)) = location.split_once("://") {
            let scheme = scheme.to_ascii_lowercase();
            if scheme == "file" {
                return Self::Local(file_path(rest));
            }
            if OBJECT_SCHEMES.contains(&scheme.as_str()) {
                let (store, key) = rest.split_once('/').unwrap_or((rest, ""));
                return Self::Object {
                    store: format!("{scheme}://{store}"),
                    key: key.to_string(),
                };
            }
            let is_scheme = !scheme.is_empty()
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            if is_scheme {
                return Self::Web(());
            }
        }
        Self::Local(from_home(location))
    }

    /// The URL of a path here, with every sign in it standing for itself.
    fn url(&self, path: &str) -> Result<Url> {
        let text = match self {
            Self::Web(()) => path.to_string(),
            Self::Object { store, .. } => {
                if path.split('/').any(|part| matches!(part, "." | "..")) {
                    return plan_err!(
                        "'{store}/{path}' has a part '.' or '..', which no key can have"
                    );
                }
                format!("{store}/{}", utf8_percent_encode(path, KEY))
            }
            Self::Local(_) => {
                let resolved = resolve(path)
                    .ok_or_else(|| plan_datafusion_err!("'{path}' is no path of this machine"))?;
                let is_directory = path.ends_with('/') || resolved.is_dir();
                let url = if is_directory {
                    Url::from_directory_path(&resolved)
                } else {
                    Url::from_file_path(&resolved)
                };
                url.map_err(|()| plan_datafusion_err!("'{path}' is no path of this machine"))?
                    .into()
            }
        };
        Url::parse(&text).map_err(|error| plan_datafusion_err!("'{text}' is no address: {error}"))
    }
}

/// The path of a `file://` URL: as it stands, or decoded where only that names something.
fn file_path(rest: &str) -> String {
    // A host may stand before the path; there is only this one.
    let path = rest.find('/').and_then(|slash| rest.get(slash..));
    let path = path.unwrap_or(rest);
    if path.contains('%')
        && !Path::new(path).exists()
        && let Ok(decoded) = percent_decode_str(path).decode_utf8()
        && Path::new(decoded.as_ref()).exists()
    {
        return decoded.into_owned();
    }
    path.to_string()
}

/// A path that may begin at the home directory.
fn from_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) if !Path::new("~").exists() => {
            format!("{}/{rest}", home.display())
        }
        _ => path.to_string(),
    }
}

/// An absolute path without `.` and `..`, which are resolved by name, as URLs do.
fn resolve(path: &str) -> Option<PathBuf> {
    let absolute = std::path::absolute(if path.is_empty() { "." } else { path }).ok()?;
    let mut resolved = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_what_was_written() {
        for (location, prefix, pattern) in [
            ("s3://b/p/x.cvc", "p/x.cvc", None),
            ("s3://b/out/#1.parquet", "out/#1.parquet", None),
            ("s3://b/50%/a+b c%20d/ü.csv", "50%/a+b c%20d/ü.csv", None),
            ("s3://b/p/*.cvc", "p", Some("*.cvc")),
            ("s3://b/year=*/x.cvc", "", Some("year=*/x.cvc")),
            ("gs://b/p#1/part-?.cvc", "p#1", Some("part-?.cvc")),
            ("s3://b/[ab].{cvc,npy}", "", Some("[ab].{cvc,npy}")),
            ("https://h/x.cvc?version=1", "x.cvc", None),
            ("/tmp/no where/#1?.cvc", "tmp/no where", Some("#1?.cvc")),
            ("file:///tmp/a/../#1%20.csv", "tmp/#1%20.csv", None),
            ("/tmp/t/**/*.cvc", "tmp/t", Some("**/*.cvc")),
        ] {
            let url = listing_url(location).unwrap();
            assert_eq!(url.prefix().as_ref(), prefix, "{location}");
            let found = pattern_of(&url).unwrap();
            assert_eq!(found.as_ref().map(PathPattern::text), pattern, "{location}");
        }
    }

    #[test]
    fn what_is_written_has_no_patterns() {
        for (location, expected) in [
            ("s3://b/wh?t.cvc", "wh?t.cvc"),
            ("s3://b/[1].cvc", "[1].cvc"),
            ("s3://b/a/*", "a/*"),
            ("/tmp/{a,b}#.csv", "tmp/{a,b}#.csv"),
            ("file:///tmp/wh?t#1.csv", "tmp/wh?t#1.csv"),
        ] {
            let url = literal_url(location).unwrap();
            // Through text, as DataFusion reads it.
            let read = ListingTableUrl::parse(url.as_str()).unwrap();
            assert_eq!(read.prefix().as_ref(), expected, "{location}");
            assert!(read.get_glob().is_none(), "{location}");
        }
    }

    #[test]
    fn files_called_like_patterns_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wh?t[1].csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let url = listing_url(path.to_str().unwrap()).unwrap();
        assert!(url.get_glob().is_none());
        assert!(url.prefix().as_ref().ends_with("wh?t[1].csv"));
        // A URL of a program has its blanks encoded.
        let path = folder.path().join("a b.csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let url = format!("file://{}/a%20b.csv", folder.path().display());
        assert!(
            listing_url(&url)
                .unwrap()
                .prefix()
                .as_ref()
                .ends_with("a b.csv")
        );
    }
}
