//! The list of everything there is.

use std::sync::Arc;

use datafusion_expr::{AggregateUDF, ScalarUDF};

use crate::pgvector::{bit_distance_udfs, overloaded};
use crate::vector_aggregates::average_and_sum;

/// Every scalar function of this crate, for a session to register. `array_distance`,
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
        crate::text_to_bytea_udf(),
    ];
    functions.extend(crate::other_names::other_names());
    functions.extend(bit_distance_udfs());
    functions.extend(crate::pgvector::functions());
    functions.extend(crate::vault::vault_functions());
    functions.extend(crate::code::code_functions());
    functions.extend(crate::pages::functions());
    functions
}

/// Every aggregate function of this crate, for a session to register: `avg`, also called `mean`, and `sum` in place of the
/// built-ins, which they leave all calls but those over vectors; [`min_by`](crate::min_by_udaf) and
/// [`max_by`](crate::max_by_udaf); `page_stats` and `page_dictionary`.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    let mut functions = average_and_sum();
    functions.extend([crate::min_by_udaf(), crate::max_by_udaf()]);
    functions.extend(crate::pages::aggregates());
    functions
}
