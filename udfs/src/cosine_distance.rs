//! `cosine_distance`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Cosine distance: `1 - sum(a[i] * b[i]) / (|a| * |b|)`. NULL when either vector is zero. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "cosine_distance(vector1, vector2)",
    sql_example = r#"```sql
> select cosine_distance([1, 0], [0, 1]);
+---------------------------------+
| cosine_distance([1, 0], [0, 1]) |
+---------------------------------+
| 1.0                             |
+---------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "cosine_similarity")
)]
struct CosineDistance;

/// The function `cosine_distance`.
pub fn cosine_distance_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::CosineDistance,
        "cosine_distance",
        &[],
        CosineDistance.doc(),
    )
}
