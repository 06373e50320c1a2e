//! `page_entropy`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion_expr::ScalarUDF;
use datafusion_macros::user_doc;
use ogive_codecs::pages::entropy_bits;

use super::bytes::bytes_type;
use super::per_value::PerValue;

const NAME: &str = "page_entropy";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Shannon entropy of bytes, in bits a byte: 0 where all are equal, 8 where all 256 values are as frequent. NULL for NULL and for no bytes.",
    syntax_example = "page_entropy(bytes)",
    sql_example = r#"```sql
> select page_entropy(x'00010203');
+---------------------------+
| page_entropy(x'00010203') |
+---------------------------+
| 2.0                       |
+---------------------------+
```"#,
    argument(
        name = "bytes",
        description = "Binary values of any length; of text its UTF-8."
    ),
    related_udf(name = "page_compress")
)]
struct PageEntropy;

/// The function `page_entropy`.
pub fn page_entropy_udf() -> Arc<ScalarUDF> {
    PerValue {
        name: NAME,
        coerce: bytes_type,
        returns: DataType::Float64,
        of_column: |rows| {
            let entropy = |row: Option<&[u8]>| row.filter(|row| !row.is_empty()).map(entropy_bits);
            Ok(Arc::new(
                rows.into_iter().map(entropy).collect::<Float64Array>(),
            ))
        },
    }
    .udf(PageEntropy.doc())
}
