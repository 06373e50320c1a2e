//! CVC files: reading through the shared scan, writing, and the functions that look inside.

mod columns;
mod file;
mod functions;
mod inexact;
mod sink;
mod write_options;

pub use file::CvcFile;
pub use functions::{CvcTableFunction, cvc_table_functions};
pub use sink::CvcSink;
pub use write_options::WriteOptions;
