//! `page_decompress`.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::{CompressorBuilder, Values};

use super::bytes::{frame_type, text_type};
use super::per_value::columnar;
use super::settings::{Form, Places, Wish};
use super::{Batches, codec_error, settings, warn_of_device};
use crate::Execution;

const NAME: &str = "page_decompress";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "The bytes that `page_compress` made a frame of. A frame says itself how it was compressed; of a plain LZ4 block or Zstd frame that has to be said. Bytes that are not what was written are an error that names page and offset. NULL for NULL bytes or a NULL algorithm.",
    syntax_example = "page_decompress(bytes[, algorithm][, dictionary])",
    sql_example = r#"```sql
> select page_decompress(page_compress('abc', 'lz4_raw'), 'lz4_raw')::text as back;
+------+
| back |
+------+
| abc  |
+------+
```"#,
    argument(name = "bytes", description = "Frames, or plain blocks or frames."),
    argument(
        name = "algorithm",
        description = "'lz4_raw' or 'zstd_raw' for plain blocks and frames; every other algorithm of `page_compress` means a frame of ours."
    ),
    argument(
        name = "dictionary",
        description = "The dictionary that the frame names. NULL is none."
    ),
    related_udf(name = "page_compress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageDecompress {
    signature: Signature,
    batches: Batches,
}

/// The function `page_decompress`.
pub fn page_decompress_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageDecompress {
        signature: Signature::user_defined(Volatility::Immutable),
        batches: Batches::default(),
    }))
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

impl ScalarUDFImpl for PageDecompress {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes] => Ok(vec![frame_type(NAME, 1, bytes)?]),
            [bytes, dictionary] if is_binary(dictionary) => {
                Ok(vec![frame_type(NAME, 1, bytes)?, DataType::Binary])
            }
            [bytes, algorithm] => Ok(vec![
                frame_type(NAME, 1, bytes)?,
                text_type(NAME, 2, algorithm)?,
            ]),
            [bytes, algorithm, dictionary] => {
                frame_type(NAME, 3, dictionary)?;
                Ok(vec![
                    frame_type(NAME, 1, bytes)?,
                    text_type(NAME, 2, algorithm)?,
                    DataType::Binary,
                ])
            }
            others => plan_err!(
                "{NAME} takes bytes, an algorithm and a dictionary, not {} arguments",
                others.len()
            ),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [bytes, ..] => Ok(bytes.clone()),
            [] => internal_err!("{NAME} without arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let names_dictionary = match args.args.as_slice() {
            [_, second] => is_binary(&second.data_type()),
            _ => false,
        };
        let places = Places {
            algorithm: (!names_dictionary).then_some(1),
            level: None,
            dictionary: Some(if names_dictionary { 1 } else { 2 }),
        };
        let execution = Execution::of(&args.config_options);
        let (column, is_constant) =
            settings::over_groups(NAME, &args, places, "auto", |wish, values| {
                decompress(&self.batches, execution, wish, values)
            })?;
        columnar(column, is_constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn decompress(
    batches: &Batches,
    execution: Execution,
    wish: &Wish,
    values: &[&[u8]],
) -> Result<Values> {
    let form = Form::of(NAME, wish.algorithm.as_deref().unwrap_or_default())?;
    let settings = CompressorBuilder::default();
    let (batch, dictionary) = batches.get(NAME, execution, settings, wish.dictionary.as_deref())?;
    let made = match form {
        Form::Frame(_) => batch.decompress(values),
        Form::Raw(format) => batch.decompress_raw(format, dictionary.as_ref(), values),
    };
    warn_of_device(NAME, &batch);
    made.map_err(|error| codec_error(NAME, &error))
}
