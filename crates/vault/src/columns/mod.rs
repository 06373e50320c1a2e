//! Typed columns.

mod blocks;
mod decode;
mod read;
mod streams;
mod values;
mod write;

pub use read::{ColumnReader, read_column};
pub use values::{ColumnValues, Numbers, Slices};
pub use write::{
    BLOCK_BYTES_DEFAULT, append_rows, clear_column, create_column, delete_column_rows, drop_column,
    insert_column_rows, update_column_rows,
};
