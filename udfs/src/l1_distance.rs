//! `l1_distance`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Taxicab distance: `sum(abs(a[i] - b[i]))`. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "l1_distance(vector1, vector2)",
    sql_example = r#"```sql
> select l1_distance([0, 0], [3, 4]);
+-----------------------------+
| l1_distance([0, 0], [3, 4]) |
+-----------------------------+
| 7.0                         |
+-----------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length.")
)]
struct L1Distance;

/// The function `l1_distance`.
pub fn l1_distance_udf() -> Arc<ScalarUDF> {
    Distance::udf(Metric::L1, "l1_distance", &[], L1Distance.doc())
}
