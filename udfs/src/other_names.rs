//! Distances under the names that DuckDB has for them, and pgvector behind its operators.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use ogive_kernels::Metric;

use crate::distance::Distance;
use crate::pgvector::documentation;
use crate::vector_types::SqlVectorType::{self, Halfvec, Sparsevec, Vector};

/// The functions.
pub(crate) fn other_names() -> Vec<Arc<ScalarUDF>> {
    use Metric::{CosineDistance, CosineSimilarity, InnerProduct, L2Squared, NegativeInnerProduct};
    vec![
        of_lists(
            CosineDistance,
            "array_cosine_distance",
            &["list_cosine_distance"],
        ),
        of_lists(
            CosineSimilarity,
            "array_cosine_similarity",
            &["list_cosine_similarity"],
        ),
        of_lists(
            InnerProduct,
            "array_inner_product",
            &[
                "list_inner_product",
                "array_dot_product",
                "list_dot_product",
            ],
        ),
        of_lists(
            NegativeInnerProduct,
            "array_negative_inner_product",
            &[
                "list_negative_inner_product",
                "array_negative_dot_product",
                "list_negative_dot_product",
            ],
        ),
        taking(Vector, L2Squared, "vector_l2_squared_distance"),
        taking(Halfvec, L2Squared, "halfvec_l2_squared_distance"),
        taking(Sparsevec, L2Squared, "sparsevec_l2_squared_distance"),
        taking(
            Vector,
            NegativeInnerProduct,
            "vector_negative_inner_product",
        ),
        taking(
            Halfvec,
            NegativeInnerProduct,
            "halfvec_negative_inner_product",
        ),
        taking(
            Sparsevec,
            NegativeInnerProduct,
            "sparsevec_negative_inner_product",
        ),
    ]
}

/// DuckDB's name.
fn of_lists(metric: Metric, name: &'static str, aliases: &[&str]) -> Arc<ScalarUDF> {
    let manual = documentation(
        &format!("{name}(vector1, vector2)"),
        &format!(
            "`{}` under the name that DuckDB gives it.",
            metric.function_name()
        ),
    );
    Distance::udf(metric, name, aliases, Some(&manual))
}

/// pgvector's name, which begins with the type that texts are read as.
fn taking(kind: SqlVectorType, metric: Metric, name: &'static str) -> Arc<ScalarUDF> {
    let manual = documentation(
        &format!("{name}(vector1, vector2)"),
        &format!("`{}` of {} values.", metric.function_name(), kind.name()),
    );
    Distance::taking(kind, metric, name, manual)
}
