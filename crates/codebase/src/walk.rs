//! Which files a checkout has.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;

use crate::error::{Error, FileError, Result, Stage};

/// Which files are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkOptions {
    /// Globs of which a path has to match one; none of them means all paths. A glob without a slash matches names at any
    /// depth, and a folder stands for all that is in it.
    pub include: Vec<String>,
    /// Globs of which a path must match none.
    pub exclude: Vec<String>,
    /// Whether names that begin with a dot are looked at. `.git` never is.
    pub hidden: bool,
    /// Whether `.gitignore`, `.ignore` and `.git/info/exclude` hold.
    pub ignore_files: bool,
    /// Whether symbolic links are followed.
    pub follow_links: bool,
    /// The largest file that is read. Larger ones are errors.
    pub file_bytes_max: u64,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            hidden: false,
            ignore_files: true,
            follow_links: false,
            file_bytes_max: 16 << 20,
        }
    }
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path, relative to the checkout, with forward slashes.
    pub path: String,
    /// Where it is.
    pub absolute: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970; 0 where that is not known.
    pub modified_ns: i64,
}

/// What a walk found: files in order of their paths, and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Files, sorted by path.
    pub entries: Vec<Entry>,
    /// Errors, sorted by path.
    pub errors: Vec<FileError>,
}

/// Finds the files under `root`. A root that is a file is the only one.
///
/// # Errors
///
/// There is nothing at `root`, or a pattern is not a glob.
pub fn walk(root: &Path, options: &WalkOptions) -> Result<Found> {
    let missing = |source| Error::Missing {
        path: root.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(root).map_err(missing)?;
    let include = globs(&options.include)?;
    let exclude = globs(&options.exclude)?;
    if metadata.is_file() {
        let path = root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        return Ok(Found {
            entries: vec![entry(path, root.to_owned(), &metadata)],
            errors: Vec::new(),
        });
    }
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(!options.hidden)
        .ignore(options.ignore_files)
        .git_ignore(options.ignore_files)
        .git_exclude(options.ignore_files)
        .git_global(options.ignore_files)
        .parents(options.ignore_files)
        .require_git(false)
        .follow_links(options.follow_links)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
    let mut found = Found::default();
    for step in builder.build() {
        match step {
            Err(error) => found.errors.push(walk_error(root, &error)),
            Ok(step) => {
                if let Some(error) = step.error() {
                    // An ignore file with a line that is no pattern.
                    found.errors.push(walk_error(root, error));
                }
                // Links that are not followed are neither files nor folders.
                if !step.file_type().is_some_and(|kind| kind.is_file()) {
                    continue;
                }
                let path = relative(root, step.path());
                if exclude.is_match(&path)
                    || !options.include.is_empty() && !include.is_match(&path)
                {
                    continue;
                }
                match step.metadata() {
                    Ok(metadata) => {
                        let absolute = step.into_path();
                        found.entries.push(entry(path, absolute, &metadata));
                    }
                    Err(error) => found.errors.push(walk_error(root, &error)),
                }
            }
        }
    }
    found
        .entries
        .sort_unstable_by(|a, b| (&a.path, &a.absolute).cmp(&(&b.path, &b.absolute)));
    found.errors.sort_unstable();
    Ok(found)
}

fn entry(path: String, absolute: PathBuf, metadata: &Metadata) -> Entry {
    let modified_ns = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|age| i64::try_from(age.as_nanos()).ok())
        .unwrap_or(0);
    Entry {
        path,
        absolute,
        bytes: metadata.len(),
        modified_ns,
    }
}

/// A path below `root` with forward slashes.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let mut text = String::new();
    for part in path.components() {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(&part.as_os_str().to_string_lossy());
    }
    if text.is_empty() {
        text.push('.');
    }
    text
}

fn walk_error(root: &Path, error: &ignore::Error) -> FileError {
    /// The path that an error is about.
    fn path_of(error: &ignore::Error) -> Option<&Path> {
        match error {
            ignore::Error::WithPath { path, .. } => Some(path),
            ignore::Error::Loop { child, .. } => Some(child),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                path_of(err)
            }
            ignore::Error::Partial(errors) => errors.first().and_then(path_of),
            _ => None,
        }
    }
    /// What the error says, without paths of this machine.
    fn message_of(root: &Path, error: &ignore::Error) -> String {
        match error {
            ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => {
                message_of(root, err)
            }
            ignore::Error::Loop { ancestor, .. } => format!(
                "a link that leads back to {}; it is not followed",
                relative(root, ancestor)
            ),
            ignore::Error::Partial(errors) => errors
                .first()
                .map_or_else(|| error.to_string(), |error| message_of(root, error)),
            other => other.to_string(),
        }
    }
    let path = path_of(error).map_or_else(|| ".".to_owned(), |path| relative(root, path));
    FileError::new(&path, Stage::Walk, message_of(root, error))
}

/// A set of globs over relative paths.
fn globs(patterns: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = |text: String| -> Result<Glob> {
            GlobBuilder::new(&text)
                .literal_separator(true)
                .build()
                .map_err(|source| Error::Pattern {
                    pattern: pattern.clone(),
                    source,
                })
        };
        let plain = pattern.trim_start_matches("./").trim_matches('/');
        let anywhere = if pattern.trim_end_matches('/').contains('/') {
            ""
        } else {
            "**/"
        };
        set.add(glob(format!("{anywhere}{plain}"))?);
        set.add(glob(format!("{anywhere}{plain}/**"))?);
    }
    set.build().map_err(|source| Error::Pattern {
        pattern: patterns.join(", "),
        source,
    })
}
