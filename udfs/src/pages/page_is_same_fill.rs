//! `page_is_same_fill`.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_codecs::pages::same_fill::word_of;

use super::bytes::bytes_type;
use super::per_value::PerValue;

const NAME: &str = "page_is_same_fill";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Whether bytes are one word of eight bytes over and over, the last time perhaps cut: a page of zeros, or of any other pattern of eight bytes. Up to eight bytes are where all of them are equal; no bytes are not.",
    syntax_example = "page_is_same_fill(bytes)",
    sql_example = r#"```sql
> select page_is_same_fill(repeat('ab', 2048));
+---------------------------------------+
| page_is_same_fill(repeat('ab', 2048)) |
+---------------------------------------+
| true                                  |
+---------------------------------------+
```"#,
    argument(
        name = "bytes",
        description = "Binary values of any length; of text its UTF-8."
    ),
    related_udf(name = "page_compress")
)]
struct PageIsSameFill;

/// The function `page_is_same_fill`.
pub fn page_is_same_fill_udf() -> Arc<ScalarUDF> {
    PerValue {
        name: NAME,
        coerce: bytes_type,
        returns: DataType::Boolean,
        of_column: |rows| {
            let is_same_fill = |row: Option<&[u8]>| row.map(|row| word_of(row).is_some());
            Ok(Arc::new(
                rows.into_iter().map(is_same_fill).collect::<BooleanArray>(),
            ))
        },
    }
    .udf(PageIsSameFill.doc())
}
