//! `inner_product`, also called `dot_product`.

use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_kernels::Metric;

use crate::distance::Distance;

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "Inner product: `sum(a[i] * b[i])`. Empty vectors give 0. Returns NULL when either vector is NULL or holds a NULL element; vectors of different lengths are an error.",
    syntax_example = "inner_product(vector1, vector2)",
    sql_example = r#"```sql
> select inner_product([1, 2], [3, 4]);
+-------------------------------+
| inner_product([1, 2], [3, 4]) |
+-------------------------------+
| 11.0                          |
+-------------------------------+
```"#,
    argument(
        name = "vector1",
        description = "List of numbers: a column, a constant or an expression."
    ),
    argument(name = "vector2", description = "List of numbers of the same length."),
    related_udf(name = "negative_inner_product")
)]
struct InnerProduct;

/// The function `inner_product`, also called `dot_product`.
pub fn inner_product_udf() -> Arc<ScalarUDF> {
    Distance::udf(
        Metric::InnerProduct,
        "inner_product",
        &["dot_product"],
        InnerProduct.doc(),
    )
}
