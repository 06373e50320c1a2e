//! The list of everything there is.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;

use crate::pgvector::{bit_distance_udfs, overloaded};

/// Every scalar function of this crate, the marker `knn` included, for a session to register. `array_distance`,
/// `inner_product` and `cosine_distance` take the place of the built-ins when they are registered after them.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let mut functions = vec![
        crate::l2_distance_udf(),
        crate::l2_squared_distance_udf(),
        crate::l1_distance_udf(),
        crate::inner_product_udf(),
        crate::negative_inner_product_udf(),
        crate::cosine_distance_udf(),
        crate::cosine_similarity_udf(),
        crate::array_distance_udf(),
        overloaded(crate::vector_dims_udf()),
        overloaded(crate::vector_norm_udf()),
        overloaded(crate::l2_normalize_udf()),
        crate::knn_udf(),
    ];
    functions.extend(crate::other_names::other_names());
    functions.extend(bit_distance_udfs());
    functions.extend(crate::pgvector::functions());
    functions
}
