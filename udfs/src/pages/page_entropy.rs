//! `page_entropy`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::entropy_bits;

use super::bytes::bytes_type;
use super::per_value::answer;

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
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageEntropy {
    signature: Signature,
}

/// The function `page_entropy`.
pub fn page_entropy_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageEntropy {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for PageEntropy {
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
        Ok(DataType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answer(NAME, &args.args, |rows| {
            let entropy = |row: Option<&[u8]>| row.filter(|row| !row.is_empty()).map(entropy_bits);
            Ok(Arc::new(
                rows.into_iter().map(entropy).collect::<Float64Array>(),
            ))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}
