//! `cosine_similarity`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Cosine of the angle between two vectors: `sum(a[i] * b[i]) / (|a| * |b|)`. NULL when either vector is zero. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "cosine_similarity(vector1, vector2)",
    sql_example = r#"```sql
> select cosine_similarity([1, 0], [0, 1]);
+-----------------------------------+
| cosine_similarity([1, 0], [0, 1]) |
+-----------------------------------+
| 0.0                               |
+-----------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "cosine_distance")
)]
struct CosineSimilarity;

/// The function `cosine_similarity`.
pub fn cosine_similarity_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::CosineSimilarity,
        "cosine_similarity",
        &[],
        CosineSimilarity.doc(),
    )
}
