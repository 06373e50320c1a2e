//! `l2_squared_distance`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Squared Euclidean distance: `sum((a[i] - b[i])^2)`. Orders rows as `l2_distance` does, without the square root. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "l2_squared_distance(vector1, vector2)",
    sql_example = r#"```sql
> select l2_squared_distance([0, 0], [3, 4]);
+-------------------------------------+
| l2_squared_distance([0, 0], [3, 4]) |
+-------------------------------------+
| 25.0                                |
+-------------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "l2_distance")
)]
struct L2SquaredDistance;

/// The function `l2_squared_distance`.
pub fn l2_squared_distance_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::L2Squared,
        "l2_squared_distance",
        &[],
        L2SquaredDistance.doc(),
    )
}
