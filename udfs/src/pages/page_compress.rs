//! `page_compress`.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::{CompressorBuilder, Values};

use super::bytes::{bytes_type, frame_type, integer_type, text_type};
use super::per_value::columnar;
use super::settings::{Form, Places, Wish, level};
use super::{Batches, codec_error, settings, warn_of_device};
use crate::Execution;

const NAME: &str = "page_compress";

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Compresses bytes in pages of 4 KiB and returns a frame that says how, with checksums: `page_decompress` needs nothing else, and any changed byte of it is an error. Pages that repeat one word of eight bytes are stored as that word, and pages that do not get smaller as they are. With 'lz4_raw' and 'zstd_raw' it returns a plain LZ4 block or Zstd frame of the whole value instead. NULL for NULL bytes or a NULL algorithm.",
    syntax_example = "page_compress(bytes[, algorithm[, level[, dictionary]]])",
    sql_example = r#"```sql
> select octet_length(page_compress(repeat('a', 4096)));
+------------------------------------------------+
| octet_length(page_compress(repeat('a', 4096))) |
+------------------------------------------------+
| 28                                             |
+------------------------------------------------+
```"#,
    argument(
        name = "bytes",
        description = "Binary values of any length; of text its UTF-8."
    ),
    argument(
        name = "algorithm",
        description = "'auto' (the cheapest codec that pays, page by page; the default), 'lz4', 'lz4hc', 'zstd', 'same_fill', 'none', 'lz4_raw' or 'zstd_raw'."
    ),
    argument(
        name = "level",
        description = "'auto' takes 1 to 22, the level of Zstd where it chooses that, by default 1; 'zstd' 1 to 22, by default 3; 'lz4hc' 1 to 12, by default 9; 'lz4_raw' 1 to 12, by default 1; 'zstd_raw' 1 to 22, by default 3. NULL is the default."
    ),
    argument(
        name = "dictionary",
        description = "A dictionary of `page_dictionary` for Zstd; the frame names it. NULL is none."
    ),
    related_udf(name = "page_decompress")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct PageCompress {
    signature: Signature,
    batches: Batches,
}

/// The function `page_compress`.
pub fn page_compress_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(PageCompress {
        signature: Signature::user_defined(Volatility::Immutable),
        batches: Batches::default(),
    }))
}

impl ScalarUDFImpl for PageCompress {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [bytes, others @ ..] = arg_types else {
            return plan_err!("{NAME} takes bytes");
        };
        let mut coerced = vec![bytes_type(NAME, 1, bytes)?];
        match others {
            [] => {}
            [algorithm, others @ ..] => {
                coerced.push(text_type(NAME, 2, algorithm)?);
                match others {
                    [] => {}
                    [level] => coerced.push(integer_type(NAME, 3, level)?),
                    [level, dictionary] => {
                        coerced.push(integer_type(NAME, 3, level)?);
                        frame_type(NAME, 4, dictionary)?;
                        coerced.push(DataType::Binary);
                    }
                    _ => {
                        return plan_err!(
                            "{NAME} takes bytes, an algorithm, a level and a dictionary, not {} arguments",
                            arg_types.len()
                        );
                    }
                }
            }
        }
        Ok(coerced)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [bytes, ..] => Ok(bytes.clone()),
            [] => internal_err!("{NAME} without arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let places = Places {
            algorithm: Some(1),
            level: Some(2),
            dictionary: Some(3),
        };
        let execution = Execution::of(&args.config_options);
        let (column, is_constant) =
            settings::over_groups(NAME, &args, places, "auto", |wish, values| {
                compress(&self.batches, execution, wish, values)
            })?;
        columnar(column, is_constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn compress(
    batches: &Batches,
    execution: Execution,
    wish: &Wish,
    values: &[&[u8]],
) -> Result<Values> {
    let error = |error| codec_error(NAME, &error);
    let level = level(NAME, wish.level)?;
    let word = wish.algorithm.as_deref().unwrap_or_default();
    match Form::of(NAME, word)? {
        Form::Frame(algorithm) => {
            let mut settings = CompressorBuilder::new(algorithm);
            if let Some(level) = level {
                settings = settings.level(level);
            }
            let (batch, _) = batches.get(NAME, execution, settings, wish.dictionary.as_deref())?;
            let made = batch.compress(values).map_err(error);
            warn_of_device(NAME, &batch);
            made
        }
        Form::Raw(format) => {
            let settings = CompressorBuilder::default();
            let (batch, dictionary) =
                batches.get(NAME, execution, settings, wish.dictionary.as_deref())?;
            batch
                .compress_raw(format, level, dictionary.as_ref(), values)
                .map_err(error)
        }
    }
}
