//! Scans of vector files: one machinery for every format of [`FileKind`].
//!
//! [`VectorTable`] plans, [`VectorSource`] carries the plan, the opener reads; what differs from
//! format to format is behind [`ArrayFile`].

mod access;
mod batch;
mod bytes;
mod certified;
mod declared;
mod empty;
mod exact_rows;
mod file;
mod file_scan;
mod format;
mod index_files;
mod kind;
mod load;
mod mapped_files;
mod memory_map;
mod metrics;
mod opened;
mod opener;
mod predicate;
mod request;
mod request_filters;
mod shared_rows;
mod source;
mod spans;
mod table;
mod top_k;
mod unchanged;

pub use access::Access;
pub use batch::primitive_array;
pub use bytes::{FileBytes, ReadCost, local_path};
pub use empty::refuse_empty_file;
pub use file::{ArrayFile, ColumnEncoding, FileColumn, ROW_COLUMN};
pub use format::{VectorFormat, VectorFormatFactory};
pub use index_files::IndexFile;
pub use kind::FileKind;
pub use mapped_files::mapped_file_at;
pub use memory_map::MemoryMap;
pub use opened::{FileCache, Identity, is_local};
pub(crate) use request::BYTES_BETWEEN_YIELDS;
pub use request::{RangeRequest, Search, TopKRequest, is_searchable};
pub(crate) use request_filters::{is_knn_filter, is_plain, knn_request, range_request};
pub(crate) use shared_rows::K_MAX;
pub use source::VectorSource;
pub(crate) use spans::Span;
pub use table::VectorTable;
pub(crate) use unchanged::refuse_changed;
