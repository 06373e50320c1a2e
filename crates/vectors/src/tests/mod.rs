//! What pgvector is known to answer, and properties of generated values.

mod arithmetic;
mod array_text;
mod average;
mod bits;
mod casts;
mod dense_text;
mod hostile;
mod sparse;
mod type_modifiers;
mod wire;

use crate::{SparseVec, VectorError, format_dense, format_sparsevec};

/// SplitMix64: the same numbers for a seed on every run and machine.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A result as psql would show it, or the error as `SQLSTATE message [detail]`.
pub(crate) fn shown<T>(result: Result<T, VectorError>, show: impl Fn(T) -> String) -> String {
    match result {
        Ok(value) => show(value),
        Err(error) => shown_error(&error),
    }
}

pub(crate) fn shown_error(error: &VectorError) -> String {
    assert_eq!(error.hint(), None);
    assert_eq!(error.to_string(), error.message());
    match error.detail() {
        Some(detail) => format!("{} {error} [{detail}]", error.sqlstate()),
        None => format!("{} {error}", error.sqlstate()),
    }
}

pub(crate) fn shown_dense<E: crate::Element>(result: Result<Vec<E>, VectorError>) -> String {
    shown(result, |elements| format_dense(&elements))
}

pub(crate) fn shown_sparse(result: Result<SparseVec, VectorError>) -> String {
    shown(result, |sparse| format_sparsevec(&sparse))
}
