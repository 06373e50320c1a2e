//! Checkouts of source code as catalogues: files, symbols, imports, exports, references, calls, edges and errors.
//!
//! A scan walks the checkout and parses what has changed since the last one; what has not comes from the checkout's
//! cache. So a table is always what is on disk now, and nothing is held in memory.

mod attachment;
mod catalog;
mod checkout;
mod error;
mod functions;
mod lookup;
mod rows;
mod scan;
mod schema;
mod selection;
mod table;

pub use attachment::CodebaseKind;
pub use catalog::CodebaseCatalog;
pub use checkout::CodeCheckout;
pub use functions::code_table_functions;
pub use selection::selection_argument;
