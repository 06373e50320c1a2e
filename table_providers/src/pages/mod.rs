//! Bytes in pages: [`page_table_functions`] gives the pages of files and devices, the kernel's zram devices, and the back
//! ends that work on both, as tables.

mod backends;
mod files;
mod function;
mod source;
mod zram;

#[cfg(test)]
mod tests;

pub use function::page_table_functions;
