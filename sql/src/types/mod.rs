//! pgvector's types in plans: their names, operators, casts, constants and parameters.

mod bound_distances;
mod casts;
mod constant_arrays;
mod operators;
mod parameters;
mod subqueries;
mod vector_types;

pub(crate) use casts::{cast_vectors, to_type};
pub(crate) use constant_arrays::{ConstantArrays, Number, as_array_of, list};
pub(crate) use operators::VectorOperators;
pub(crate) use parameters::{PreparedTypes, declares_types};
pub(crate) use subqueries::has_subquery;
pub(crate) use vector_types::{VectorTypes, vector_type};
