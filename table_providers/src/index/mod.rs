//! Indexes over files that somebody else may own: which there are, whether they are of what a file is now, their codes when
//! a search wants them, and how they are built and dropped.
//!
//! ```text
//! docs.npy
//! _ogive/
//!   docs.npy.docs_embedding_idx.index     manifest: which file, which column, which distances, which codes
//!   0f3c5a…e1.flat                        codes, called by their content, never changed
//! ```
//!
//! One manifest and one file of codes for each data file. Where nothing may be written beside the data,
//! `ogive.index_location` names a folder that has such a folder for each directory of data. A manifest is written last and
//! removed first, each by one rename, so that whoever sees it sees all codes.
//!
//! An index is only ever a shortcut: when anything about it is not as it should be, the rows are searched exactly, and one
//! warning says which index was not used and why.

mod build;
mod contents;
mod garbage;
mod indexes;
mod place;

pub use build::{BuildIndex, IndexBuild, build_index, drop_sidecar};
pub use contents::Sidecar;
pub use garbage::collect_garbage;
pub use indexes::{BuildProgress, Indexes, OpenIndex, SearchTotals, SeenFolders};
pub use place::{FOLDER, SourceFile, writing_folder};
