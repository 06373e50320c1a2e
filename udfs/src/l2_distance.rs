//! `l2_distance`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Euclidean distance: `sqrt(sum((a[i] - b[i])^2))`. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "l2_distance(vector1, vector2)",
    sql_example = r#"```sql
> select l2_distance([0, 0], [3, 4]);
+-----------------------------+
| l2_distance([0, 0], [3, 4]) |
+-----------------------------+
| 5.0                         |
+-----------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length.")
)]
struct L2Distance;

/// The function `l2_distance`.
pub fn l2_distance_udf() -> Arc<ScalarUDF> {
    Distance::udf(Metric::L2, "l2_distance", &[], L2Distance.doc())
}
