//! `page_is_same_fill`.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::same_fill::word_of;

use super::bytes::bytes_type;
use super::per_value::answer;

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
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageIsSameFill {
    signature: Signature,
}

/// The function `page_is_same_fill`.
pub fn page_is_same_fill_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageIsSameFill {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for PageIsSameFill {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes] => Ok(vec![bytes_type(NAME, 1, bytes)?]),
            others => plan_err!("{NAME} takes one argument, not {}", others.len()),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answer(NAME, &args.args, |rows| {
            let is_same_fill = |row: Option<&[u8]>| row.map(|row| word_of(row).is_some());
            Ok(Arc::new(
                rows.into_iter().map(is_same_fill).collect::<BooleanArray>(),
            ))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}
