//! `page_algorithm`.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::DataType;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::Codec;
use ogive_codecs::pages::frame::Frame;

use super::bytes::frame_type;
use super::codec_error;
use super::per_value::answer;

const NAME: &str = "page_algorithm";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "How the pages of a frame of `page_compress` are stored: 'none', 'same_fill', 'lz4' or 'zstd', or 'mixed' where they differ. A frame that was changed is an error.",
    syntax_example = "page_algorithm(frame)",
    sql_example = r#"```sql
> select page_algorithm(page_compress(repeat('a', 4096), 'zstd'));
+----------------------------------------------------------+
| page_algorithm(page_compress(repeat('a', 4096), 'zstd')) |
+----------------------------------------------------------+
| same_fill                                                |
+----------------------------------------------------------+
```"#,
    argument(name = "frame", description = "Frames of `page_compress`."),
    related_udf(name = "page_compress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageAlgorithm {
    signature: Signature,
}

/// The function `page_algorithm`.
pub fn page_algorithm_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageAlgorithm {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for PageAlgorithm {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes] => Ok(vec![frame_type(NAME, 1, bytes)?]),
            others => plan_err!("{NAME} takes one argument, not {}", others.len()),
        }
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answer(NAME, &args.args, |rows| {
            let algorithm = |row: Option<&[u8]>| row.map(algorithm).transpose();
            Ok(Arc::new(
                rows.into_iter()
                    .map(algorithm)
                    .collect::<Result<StringArray>>()?,
            ))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn algorithm(frame: &[u8]) -> Result<&'static str> {
    let parsed = Frame::parse(frame).and_then(|frame| frame.verify().map(|()| frame));
    let frame = parsed.map_err(|error| codec_error(NAME, &error))?;
    Ok(frame.codec().map_or("mixed", Codec::name))
}
