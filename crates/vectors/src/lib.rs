//! The values of pgvector's types: their text, their binary form, their casts and their arithmetic.
//!
//! A `vector` is a slice of `f32` and a `halfvec` one of [`half::f16`] (both [`Element`]s), a `sparsevec` is a
//! [`SparseVec`], and a bit string is a slice of `bool`. [`parse_vector`] and its kin read what a client sends,
//! [`format_vector`] and its kin write what it gets back, and everything that can go wrong is a [`VectorError`], which
//! has the message, detail and SQLSTATE of pgvector 0.8 under PostgreSQL.
//!
//! ```
//! use ogive_vectors::{add, format_vector, parse_vector};
//!
//! let a = parse_vector("[1, 2, 3]", Some(3))?;
//! let b = parse_vector("[0.5, 1e6, -3.00001]", None)?;
//! assert_eq!(format_vector(&add(&a, &b)?), "[1.5,1.000002e+06,-1.001358e-05]");
//!
//! let error = parse_vector("[1,2", None).unwrap_err();
//! assert_eq!(error.to_string(), r#"invalid input syntax for type vector: "[1,2""#);
//! assert_eq!(error.sqlstate(), "22P02");
//! # Ok::<(), ogive_vectors::VectorError>(())
//! ```
//!
//! It has no distances between dense vectors, which are sums over stored blocks and not over single values, only
//! [`VectorType::check_same`] for their operands. It knows nothing of Arrow or SQL: NULLs never reach it, except
//! inside an array that is cast.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod arithmetic;
mod array_text;
mod average;
mod bits;
mod cast;
mod dense_text;
mod element;
mod error;
mod float_text;
mod scanner;
mod sparsevec;
mod vector_type;
mod wire;

#[cfg(test)]
mod tests;

pub use arithmetic::{
    add, binary_quantize, compare, concat, l2_normalize, mul, norm, spherical_distance, sub,
    subvector,
};
pub use array_text::{parse_array, parse_double, parse_integer, parse_real};
pub use average::{StateArray, accumulate, average, combine};
pub use bits::{
    check_bit_length, check_same_length, check_varbit_length, format_bits, hamming_distance,
    jaccard_distance, parse_bits, parse_varbits, resize_bits,
};
pub use cast::{
    ArrayElement, Numeric, array_not_one_dimensional, dense_to_sparsevec, halfvec_from_array,
    halfvec_to_vector, sparsevec_from_array, sparsevec_to_dense, sparsevec_to_halfvec,
    sparsevec_to_vector, to_reals, unsupported_array_type, vector_from_array, vector_to_halfvec,
};
pub use dense_text::{
    format_dense, format_halfvec, format_vector, parse_dense, parse_halfvec, parse_vector,
    write_dense,
};
pub use element::Element;
pub use error::{QUOTED_CHARACTERS_MAX, VectorError, sqlstate};
pub use float_text::{format_float4, format_float8, write_float4, write_float8};
pub use sparsevec::{SparseVec, format_sparsevec, parse_sparsevec, write_sparsevec};
pub use vector_type::{
    BIT_LENGTH_MAX, HALFVEC_DIMENSIONS_MAX, SPARSEVEC_DIMENSIONS_MAX, SPARSEVEC_NON_ZERO_MAX,
    VECTOR_DIMENSIONS_MAX, VectorType, bit_type_modifier, check_dimensions,
};
pub use wire::{
    decode_halfvec, decode_sparsevec, decode_vector, encode_halfvec, encode_sparsevec,
    encode_vector,
};
