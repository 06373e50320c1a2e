//! Values of SQLite vaults: what the package `kohakuvault` stores, read and made in SQL.
//!
//! [`vault_functions`] gives `vault_decode`, `vault_type`, `vault_encode`, `pack`, `unpack`, `pack_json` and
//! `kv_read`.

mod arrays;
mod decode;
mod encode;
mod function;
mod kv_read;
mod packer;
mod values;

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

pub use arrays::{element_type, number_array};
pub use values::vault_value;

/// Every function of this module.
pub fn vault_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        decode::vault_decode(),
        decode::vault_type(),
        encode::vault_encode(),
        packer::pack(),
        packer::unpack(),
        packer::pack_json(),
        kv_read::kv_read(),
    ]
}
