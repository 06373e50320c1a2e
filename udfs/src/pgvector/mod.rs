//! Functions over pgvector's types that work value by value; distances are with the other distances.
//!
//! [`RowFunction`](row_function::RowFunction) is what they share: reading arguments, NULL in NULL
//! out, and building the answer. Each file adds functions of one kind. Errors are pgvector's, with
//! their SQLSTATE: [`VectorError`](ogive_vectors::VectorError) inside
//! [`DataFusionError::External`](datafusion_common::DataFusionError::External).

mod arithmetic;
mod array_fill;
mod array_text;
mod averages;
mod beside_texts;
mod bits;
mod compare;
mod conversion;
mod display;
mod mistakes;
mod overloaded;
mod parts;
mod row_function;
mod sparse;
mod sphere;
mod value;

pub(crate) use bits::{BitDistance, bit_distance_udfs};
pub(crate) use mistakes::no_function;
pub(crate) use overloaded::overloaded;
pub(crate) use row_function::documentation;
pub(crate) use sparse::sparse_distance;
pub(crate) use value::as_type;

use std::sync::Arc;

use datafusion_common::DataFusionError;
use datafusion_expr::ScalarUDF;
use ogive_vectors::VectorError;

pub use array_text::text_to_array_udf;
pub use beside_texts::beside_texts;
pub use compare::{check_comparison, compare_udf};
pub use conversion::{to_text_udf, to_type_udf};
pub use display::{schema_as_text, vectors_as_text};
pub use sphere::SPHERE;

/// Every function of this module, for a session to register.
pub(crate) fn functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions = conversion::udfs();
    functions.extend(arithmetic::udfs());
    functions.extend(compare::udfs());
    functions.extend(parts::udfs());
    functions.extend(sphere::udfs());
    functions.extend(averages::udfs());
    functions.push(text_to_array_udf());
    functions.push(array_fill::array_fill_udf());
    functions
}

/// An error of pgvector's as DataFusion carries it.
pub(crate) fn external(error: VectorError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
