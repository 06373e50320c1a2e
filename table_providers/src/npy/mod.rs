//! `.npy`, `.fvecs`, `.bvecs` and `.ivecs` files: one column, `vector`, and `_row`.

mod file;

pub use file::NpyFile;
