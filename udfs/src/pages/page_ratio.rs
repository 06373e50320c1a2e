//! `page_ratio`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::frame::Frame;

use super::bytes::frame_type;
use super::codec_error;
use super::per_value::answer;

const NAME: &str = "page_ratio";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "The bytes before compression over the bytes that are stored for them, of a frame of `page_compress`; headers of frames, 20 bytes a page and less, are not counted. NULL for a frame of no bytes. A frame that was changed is an error.",
    syntax_example = "page_ratio(frame)",
    sql_example = r#"```sql
> select page_ratio(page_compress(repeat('a', 4096)));
+----------------------------------------------+
| page_ratio(page_compress(repeat('a', 4096))) |
+----------------------------------------------+
| 512.0                                        |
+----------------------------------------------+
```"#,
    argument(name = "frame", description = "Frames of `page_compress`."),
    related_udf(name = "page_compress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageRatio {
    signature: Signature,
}

/// The function `page_ratio`.
pub fn page_ratio_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageRatio {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for PageRatio {
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
        Ok(DataType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answer(NAME, &args.args, |rows| {
            let ratio = |row: Option<&[u8]>| Ok(row.map(ratio).transpose()?.flatten());
            Ok(Arc::new(
                rows.into_iter()
                    .map(ratio)
                    .collect::<Result<Float64Array>>()?,
            ))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn ratio(frame: &[u8]) -> Result<Option<f64>> {
    let parsed = Frame::parse(frame).and_then(|frame| frame.verify().map(|()| frame));
    let frame = parsed.map_err(|error| codec_error(NAME, &error))?;
    let stored = frame.stored_bytes();
    Ok((stored > 0).then(|| frame.original_bytes() as f64 / stored as f64))
}
