//! From a location to the files that lie there, and the tables over them.

mod files;
mod location;
mod named_format;
mod null_partitions;
mod partitions;
mod pattern;
mod table;
mod table_files;
mod texts;

pub use files::list_files;
pub use location::{is_pattern, listing_url, literal_url};
pub use named_format::NamedFormatFactory;
pub use null_partitions::partition_name;
pub use partitions::{NULL_PARTITION, infer_partitions};
pub use table::{FileTable, file_table};
pub use table_files::TableFiles;
