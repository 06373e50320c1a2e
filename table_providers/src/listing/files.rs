//! Which files a location has now.

use std::sync::Arc;

use datafusion_common::{DataFusionError, Result, plan_err};
use datafusion_datasource::ListingTableUrl;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::location::pattern_of;
use super::pattern::{PathPattern, PatternPart, is_hidden};
use crate::scan::local_path;

/// Directories that are listed side by side.
const LISTINGS_IN_FLIGHT: usize = 32;

/// The files of a location, by name: one, all below a directory, or those that a pattern matches.
///
/// # Errors
/// What the store says.
pub async fn list_files(
    store: &Arc<dyn ObjectStore>,
    url: &ListingTableUrl,
) -> Result<Vec<ObjectMeta>> {
    list_below(store, url, None).await
}

/// The same, of directories below it that are called so.
pub(super) async fn list_below(
    store: &Arc<dyn ObjectStore>,
    url: &ListingTableUrl,
    below: Option<Path>,
) -> Result<Vec<ObjectMeta>> {
    let mut files = match (pattern_of(url)?, below) {
        (Some(pattern), _) => list_pattern(store, url.prefix(), &pattern).await?,
        (None, Some(below)) => {
            let directory = Path::from_iter(url.prefix().parts().chain(below.parts()));
            list_directory(store, &directory, url.prefix()).await?
        }
        (None, None) => list_literal(store, url).await?,
    };
    files.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(files)
}

/// A file, or without one of that name what lies below it.
async fn list_literal(
    store: &Arc<dyn ObjectStore>,
    url: &ListingTableUrl,
) -> Result<Vec<ObjectMeta>> {
    if !url.is_collection() {
        match store.head(url.prefix()).await {
            Ok(file) => return Ok(vec![file]),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    list_directory(store, url.prefix(), url.prefix()).await
}

/// Everything below a directory but what is hidden there.
async fn list_directory(
    store: &Arc<dyn ObjectStore>,
    directory: &Path,
    root: &Path,
) -> Result<Vec<ObjectMeta>> {
    let listed: Vec<ObjectMeta> = store.list(Some(directory)).try_collect().await?;
    let is_shown =
        |file: &ObjectMeta| relative(&file.location, root).is_none_or(|path| !is_hidden(path));
    Ok(listed.into_iter().filter(is_shown).collect())
}

async fn list_pattern(
    store: &Arc<dyn ObjectStore>,
    root: &Path,
    pattern: &PathPattern,
) -> Result<Vec<ObjectMeta>> {
    let walk = Walk {
        store: Arc::clone(store),
        root: root.clone(),
        pattern: pattern.clone(),
    };
    let files = walk.below(root.clone(), 0).await?;
    // A key that is called like the pattern is what was asked for.
    let is_literal = |file: &&ObjectMeta| relative(&file.location, root) == Some(pattern.text());
    Ok(match files.iter().find(is_literal) {
        Some(file) => vec![file.clone()],
        None => files,
    })
}

/// A walk down the parts of a pattern.
struct Walk {
    store: Arc<dyn ObjectStore>,
    root: Path,
    pattern: PathPattern,
}

impl Walk {
    fn below(&self, directory: Path, depth: usize) -> BoxFuture<'_, Result<Vec<ObjectMeta>>> {
        async move {
            let (part, is_last) = match self.pattern.parts().get(depth..) {
                Some([part]) => (part, true),
                Some([part, ..]) => (part, false),
                _ => return Ok(Vec::new()),
            };
            match part {
                PatternPart::Below => self.everything(&directory).await,
                PatternPart::Name(name) if !is_last => {
                    self.below(child(&directory, name)?, depth + 1).await
                }
                PatternPart::Name(_) | PatternPart::Names(..) => {
                    let listed = self.store.list_with_delimiter(Some(&directory)).await?;
                    if is_last {
                        let matches = |file: &ObjectMeta| {
                            file.location
                                .filename()
                                .is_some_and(|name| part.matches(name))
                        };
                        return Ok(listed.objects.into_iter().filter(matches).collect());
                    }
                    let directories: Vec<_> = listed
                        .common_prefixes
                        .into_iter()
                        .filter(|path| path.filename().is_some_and(|name| part.matches(name)))
                        .map(|path| self.below(path, depth + 1))
                        .collect();
                    let found: Vec<Vec<ObjectMeta>> = stream::iter(directories)
                        .buffered(LISTINGS_IN_FLIGHT)
                        .try_collect()
                        .await?;
                    Ok(found.into_iter().flatten().collect())
                }
            }
        }
        .boxed()
    }

    async fn everything(&self, directory: &Path) -> Result<Vec<ObjectMeta>> {
        let listed: Vec<ObjectMeta> = self.store.list(Some(directory)).try_collect().await?;
        let matches = |file: &ObjectMeta| {
            relative(&file.location, &self.root).is_some_and(|path| self.pattern.matches(path))
        };
        Ok(listed.into_iter().filter(matches).collect())
    }
}

/// The name below a directory, as it stands: a path made of parts would encode it.
fn child(directory: &Path, name: &str) -> Result<Path> {
    let text = if directory.is_root() {
        name.to_string()
    } else {
        format!("{directory}/{name}")
    };
    Path::parse(text).map_err(|error| DataFusionError::ObjectStore(Box::new(error.into())))
}

/// The path below a directory.
pub(super) fn relative<'a>(path: &'a Path, directory: &Path) -> Option<&'a str> {
    let rest = path.as_ref().strip_prefix(directory.as_ref())?;
    if directory.is_root() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// A location without files is an error where there should be some: a file or directory that is not there, or a pattern
/// that matches nothing. A directory may be empty; in a bucket it is there as long as files are below it, so
/// `may_be_empty` says that the table can do without.
///
/// # Errors
/// Nothing is there.
pub(super) fn refuse_missing(url: &ListingTableUrl, may_be_empty: bool) -> Result<()> {
    let name = display_name(url);
    if pattern_of(url)?.is_some() {
        return if may_be_empty {
            Ok(())
        } else {
            plan_err!("no such file: '{name}' matches none")
        };
    }
    if !url.is_collection() {
        return plan_err!("no such file: '{name}'");
    }
    match local_path(url.prefix()).filter(|_| url.scheme() == "file") {
        Some(path) if path.is_dir() => Ok(()),
        None if may_be_empty => Ok(()),
        _ => plan_err!("no such directory: '{name}'"),
    }
}

/// A location as a person writes it.
pub(super) fn display_name(url: &ListingTableUrl) -> String {
    let store = match url.scheme() {
        "file" => "/".to_string(),
        _ => {
            let store = url.object_store();
            format!("{}/", store.as_str().trim_end_matches('/'))
        }
    };
    let mut name = format!("{store}{}", url.prefix());
    if (url.is_collection() || url.get_glob().is_some()) && !name.ends_with('/') {
        name.push('/');
    }
    if let Ok(Some(pattern)) = pattern_of(url) {
        name.push_str(pattern.text());
    }
    name
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::listing::listing_url;

    #[tokio::test]
    async fn buckets_are_listed_by_pattern() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for key in [
            "t/x.cvc",
            "t/1/x.cvc",
            "t/1/2/y.cvc",
            "t/1/.ogive-1.tmp",
            "docs1/a.npy",
            "docs2/a.npy",
            "docs2/b/a.npy",
            "odd/#1.npy",
            "odd/[1].npy",
            "odd/1.npy",
        ] {
            let path = Path::parse(key).unwrap();
            store.put(&path, "x".into()).await.unwrap();
        }
        for (location, expected) in [
            ("t/*.cvc", vec!["t/x.cvc"]),
            ("t/*", vec!["t/x.cvc"]),
            ("t/*/*.cvc", vec!["t/1/x.cvc"]),
            ("t/**/*.cvc", vec!["t/1/2/y.cvc", "t/1/x.cvc", "t/x.cvc"]),
            ("t/", vec!["t/1/2/y.cvc", "t/1/x.cvc", "t/x.cvc"]),
            ("t", vec!["t/1/2/y.cvc", "t/1/x.cvc", "t/x.cvc"]),
            ("docs*/a.npy", vec!["docs1/a.npy", "docs2/a.npy"]),
            ("docs{1,2/b}/a.npy", vec!["docs1/a.npy", "docs2/b/a.npy"]),
            ("*/a.npy", vec!["docs1/a.npy", "docs2/a.npy"]),
            ("odd/#1.npy", vec!["odd/#1.npy"]),
            ("odd/[1].npy", vec!["odd/[1].npy"]),
            ("odd/?1.npy", vec!["odd/#1.npy"]),
            ("nothing/*", vec![]),
        ] {
            let url = listing_url(&format!("s3://b/{location}")).unwrap();
            let found = list_files(&store, &url).await.unwrap();
            let found: Vec<_> = found.iter().map(|file| file.location.as_ref()).collect();
            assert_eq!(found, expected, "{location}");
        }
    }
}
