//! Vector functions for SQL, one file each: DataFusion scalar functions over the distance kernels; and functions over
//! compressed pages of bytes (`page_compress` and what goes with it).
//!
//! [`scalar_functions`] and [`aggregate_functions`] give everything that a session registers. The functions take `FixedSizeList`, `List` and
//! `LargeList` columns of `Float64`, `Float32`, `Float16`, `Int8` and `UInt8` elements where they lie, in any mixture;
//! a constant argument is never repeated for every row. Other lists of numbers are cast to `Float64` elements.
//!
//! ```
//! use arrow::datatypes::DataType;
//! use ogive_kernels::Metric;
//!
//! # fn main() -> datafusion_common::Result<()> {
//! let functions = ogive_udfs::scalar_functions();
//! let l2 = functions.iter().find(|function| function.name() == "l2_distance");
//! let l2 = l2.ok_or_else(|| datafusion_common::plan_datafusion_err!("not there"))?;
//! assert_eq!(ogive_udfs::metric_of(l2), Some(Metric::L2));
//!
//! let vector = DataType::new_fixed_size_list(DataType::Float32, 384, true);
//! assert_eq!(l2.coerce_types(&[vector.clone(), vector.clone()])?, [vector.clone(), vector]);
//! # Ok(())
//! # }
//! ```
//!
//! # NULL and other special cases
//!
//! They are those of DataFusion's own list functions, so that `array_distance`, `inner_product` and `cosine_distance`
//! can stand in for the built-ins: a NULL list or a NULL element gives NULL, a zero vector in a cosine gives NULL, two
//! empty vectors have the inner product 0 and the distance 0, unequal lengths are an error. Answers are `Float64`; NaN
//! and infinities propagate, NaN always in its positive form, and there is no negative zero, so that answers compare
//! and sort in SQL as the numbers do.
//!
//! # What it is not
//!
//! It plans nothing: operators, casts and the top-k rewrite are elsewhere. [`knn_udf`] is only the mark that the rewrite
//! leaves for a scan.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod answers;
mod array_distance;
mod bound;
mod bytea;
mod code;
mod coercion;
mod constant;
mod cosine_distance;
mod cosine_similarity;
mod distance;
mod evaluate;
mod execution;
mod field_of;
mod functions;
mod inner_product;
mod knn;
mod l1_distance;
mod l2_distance;
mod l2_normalize;
mod l2_squared_distance;
mod min_by;
mod negative_inner_product;
mod other_names;
mod pages;
mod pgvector;
mod vault;
mod vector_aggregates;
mod vector_dims;
mod vector_norm;
mod vector_types;
mod vectors;

#[cfg(test)]
mod tests;

pub use array_distance::array_distance_udf;
pub use bound::{SHOWN, SHOWN_WHOLE_MAX, bind_constant, bound_constant, unbound};
pub use bytea::{parse_bytea, text_to_bytea_udf};
pub use code::code_functions;
pub use constant::constant_vector;
pub use cosine_distance::cosine_distance_udf;
pub use cosine_similarity::cosine_similarity_udf;
pub use distance::{metric_of, precision_of, text_type_of};
pub use execution::{
    BACKENDS, BackendRow, DEVICES, Execution, backends, check_backend, check_device,
};
pub use field_of::field_of;
pub use functions::{aggregate_functions, scalar_functions};
pub use inner_product::inner_product_udf;
pub use knn::{KNN, is_knn, knn_udf};
pub use l1_distance::l1_distance_udf;
pub use l2_distance::l2_distance_udf;
pub use l2_normalize::l2_normalize_udf;
pub use l2_squared_distance::l2_squared_distance_udf;
pub use min_by::{max_by_udaf, min_by_udaf};
pub use negative_inner_product::negative_inner_product_udf;
pub use pages::{
    byte_shuffle_udf, byte_unshuffle_udf, length_of_bytes, page_algorithm_udf, page_compress_udf,
    page_decompress_udf, page_dictionary_udaf, page_entropy_udf, page_is_same_fill_udf,
    page_ratio_udf, page_stats_udaf,
};
pub use pgvector::{
    SPHERE, beside_texts, check_comparison, compare_udf, schema_as_text, text_to_array_udf,
    to_text_udf, to_type_udf, vectors_as_text,
};
pub use vault::{element_type, number_array, vault_functions, vault_value};
pub use vector_dims::vector_dims_udf;
pub use vector_norm::vector_norm_udf;
pub use vector_types::{EXTENSION_METADATA, EXTENSION_NAME, SqlVectorType, sparsevec_fields};
pub use vectors::{rows_of, vector_nulls};
