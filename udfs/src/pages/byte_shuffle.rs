//! `byte_shuffle` and `byte_unshuffle`.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion_common::{Result, exec_err, internal_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use ogive_codecs::pages::shuffle::{WIDTH_MAX, shuffle, unshuffle};

use super::bytes::{bytes_type, column_of_rows, integer_type, rows};
use super::per_value::columnar;

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Puts the first byte of every value first, then the second of every one, and so on: numbers that share their high bytes then compress better. Bytes after the last whole value stay at the end. `byte_unshuffle` takes it back. NULL for NULL.",
    syntax_example = "byte_shuffle(bytes, width)",
    sql_example = r#"```sql
> select byte_shuffle('a1b2c3', 2)::text as planes;
+--------+
| planes |
+--------+
| abc123 |
+--------+
```"#,
    argument(
        name = "bytes",
        description = "Binary values of any length; of text its UTF-8."
    ),
    argument(
        name = "width",
        description = "Bytes of a value, 1 to 4096: 4 for float32, 8 for float64."
    ),
    related_udf(name = "byte_unshuffle")
)]
struct ByteShuffleDoc;

#[user_doc(
    doc_section(label = "Page Functions"),
    description = "Takes back `byte_shuffle` of the same width. NULL for NULL.",
    syntax_example = "byte_unshuffle(bytes, width)",
    sql_example = r#"```sql
> select byte_unshuffle('abc123', 2)::text as bytes;
+--------+
| bytes  |
+--------+
| a1b2c3 |
+--------+
```"#,
    argument(name = "bytes", description = "What `byte_shuffle` returned."),
    argument(name = "width", description = "Bytes of a value, 1 to 4096."),
    related_udf(name = "byte_shuffle")
)]
struct ByteUnshuffleDoc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct ByteShuffle {
    is_back: bool,
    signature: Signature,
}

/// The function `byte_shuffle`.
pub fn byte_shuffle_udf() -> Arc<ScalarUDF> {
    ByteShuffle::udf(false)
}

/// The function `byte_unshuffle`.
pub fn byte_unshuffle_udf() -> Arc<ScalarUDF> {
    ByteShuffle::udf(true)
}

impl ByteShuffle {
    fn udf(is_back: bool) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self {
            is_back,
            signature: Signature::user_defined(Volatility::Immutable),
        }))
    }

    fn moved(&self, bytes: &[u8], width: i64) -> Result<Vec<u8>> {
        let Some(width) = usize::try_from(width)
            .ok()
            .filter(|width| (1..=WIDTH_MAX).contains(width))
        else {
            return exec_err!(
                "{}: a width is 1 to {WIDTH_MAX} bytes, not {width}",
                self.name()
            );
        };
        let mut out = vec![0; bytes.len()];
        match self.is_back {
            true => unshuffle(bytes, width, &mut out),
            false => shuffle(bytes, width, &mut out),
        }
        Ok(out)
    }
}

impl ScalarUDFImpl for ByteShuffle {
    fn name(&self) -> &str {
        match self.is_back {
            true => "byte_unshuffle",
            false => "byte_shuffle",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [bytes, width] => Ok(vec![
                bytes_type(self.name(), 1, bytes)?,
                integer_type(self.name(), 2, width)?,
            ]),
            others => plan_err!(
                "{} takes bytes and a width, not {} arguments",
                self.name(),
                others.len()
            ),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [bytes, ..] => Ok(bytes.clone()),
            [] => internal_err!("{} without arguments", self.name()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let count = if is_constant { 1 } else { args.number_rows };
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [bytes, widths] = columns.as_slice() else {
            return internal_err!("{} with {} arguments", self.name(), columns.len());
        };
        let Some(widths) = widths.as_primitive_opt::<Int64Type>() else {
            return internal_err!("{}: a width of {}", self.name(), widths.data_type());
        };
        debug_assert_eq!(widths.len(), count);
        let moved = rows(bytes.as_ref())?
            .into_iter()
            .zip(widths)
            .map(|(row, width)| {
                row.zip(width)
                    .map(|(row, width)| self.moved(row, width))
                    .transpose()
            })
            .collect::<Result<Vec<_>>>()?;
        columnar(column_of_rows(bytes.data_type(), &moved)?, is_constant)
    }

    fn documentation(&self) -> Option<&Documentation> {
        match self.is_back {
            true => ByteUnshuffleDoc.doc(),
            false => ByteShuffleDoc.doc(),
        }
    }
}
