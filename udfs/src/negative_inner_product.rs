//! `negative_inner_product`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Inner product, negated: `-sum(a[i] * b[i])`, so that the closest vectors come first in ascending order. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "negative_inner_product(vector1, vector2)",
    sql_example = r#"```sql
> select negative_inner_product([1, 2], [3, 4]);
+----------------------------------------+
| negative_inner_product([1, 2], [3, 4]) |
+----------------------------------------+
| -11.0                                  |
+----------------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "inner_product")
)]
struct NegativeInnerProduct;

/// The function `negative_inner_product`.
pub fn negative_inner_product_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::NegativeInnerProduct,
        "negative_inner_product",
        &[],
        NegativeInnerProduct.doc(),
    )
}
