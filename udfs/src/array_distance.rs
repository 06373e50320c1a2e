//! `array_distance`, also called `list_distance`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Euclidean distance between two lists: `l2_distance` under the name that DataFusion gives it. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "array_distance(vector1, vector2)",
    sql_example = r#"```sql
> select array_distance([0, 0], [3, 4]);
+--------------------------------+
| array_distance([0, 0], [3, 4]) |
+--------------------------------+
| 5.0                            |
+--------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "l2_distance")
)]
struct ArrayDistance;

/// The function `array_distance`, also called `list_distance`.
pub fn array_distance_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::L2,
        "array_distance",
        &["list_distance"],
        ArrayDistance.doc(),
    )
}
