//! `text_to_bytea`: bytes from PostgreSQL's text of them.

use std::sync::Arc;

use arrow::array::{AsArray, BinaryArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use ogive_vectors::{VectorError, sqlstate};

use crate::pgvector::documentation;

/// `text_to_bytea(text)`: what a cast of a text to `bytea` stands for. `\x` and hexadecimal digits, or characters with `\\` for a
/// backslash and `\ooo` for a byte; anything else after a backslash is an error (22P02).
pub fn text_to_bytea_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(TextToBytea {
        signature: Signature::string(1, Volatility::Immutable),
        documentation: documentation(
            "text_to_bytea(text)",
            "Bytes from PostgreSQL's text of them: what `'\\x00ff'::bytea` stands for.",
        ),
    }))
}

#[derive(Debug)]
struct TextToBytea {
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for TextToBytea {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for TextToBytea {}

impl std::hash::Hash for TextToBytea {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for TextToBytea {
    fn name(&self) -> &str {
        "text_to_bytea"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else {
            return internal_err!("text_to_bytea with {} arguments", args.args.len());
        };
        let is_constant = matches!(argument, ColumnarValue::Scalar(_));
        let texts = cast(&argument.to_array(1)?, &DataType::LargeUtf8)?;
        let bytes = texts
            .as_string::<i64>()
            .iter()
            .map(|text| text.map(parse_bytea).transpose())
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let bytes: BinaryArray = bytes.iter().map(Option::as_deref).collect();
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&bytes, 0)?),
            false => ColumnarValue::Array(Arc::new(bytes)),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The bytes of a literal of type `bytea`.
///
/// # Errors
/// 22P02, 22023: an escape that is none, a digit that is none, half a byte.
pub fn parse_bytea(text: &str) -> std::result::Result<Vec<u8>, VectorError> {
    match text.strip_prefix("\\x") {
        Some(digits) => of_digits(digits),
        None => of_escapes(text.as_bytes()),
    }
}

fn of_digits(text: &str) -> std::result::Result<Vec<u8>, VectorError> {
    let wrong = |message: String| VectorError::new("22023", message);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut characters = text.chars();
    while let Some(first) = characters.next() {
        // Blanks may stand between bytes, not within one.
        if matches!(first, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = |found: char| {
            let value = found
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok());
            value.ok_or_else(|| wrong(format!("invalid hexadecimal digit: \"{found}\"")))
        };
        let high = digit(first)?;
        let Some(second) = characters.next() else {
            return Err(wrong(
                "invalid hexadecimal data: odd number of digits".to_owned(),
            ));
        };
        bytes.push(high << 4 | digit(second)?);
    }
    Ok(bytes)
}

fn of_escapes(text: &[u8]) -> std::result::Result<Vec<u8>, VectorError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', after @ ..] => {
                bytes.push(b'\\');
                after
            }
            [
                b'\\',
                high @ b'0'..=b'3',
                middle @ b'0'..=b'7',
                low @ b'0'..=b'7',
                after @ ..,
            ] => {
                bytes.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
                after
            }
            [b'\\', ..] => {
                return Err(VectorError::new(
                    sqlstate::INVALID_TEXT_REPRESENTATION,
                    "invalid input syntax for type bytea",
                ));
            }
            [plain, after @ ..] => {
                bytes.push(*plain);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_bytes() {
        let read = |text: &str| parse_bytea(text).unwrap();
        assert_eq!(read("\\x00fFa0"), [0, 0xff, 0xa0]);
        assert_eq!(read("\\x 00 ff\n"), [0, 0xff]);
        assert_eq!(read("\\x"), Vec::<u8>::new());
        assert_eq!(read(""), Vec::<u8>::new());
        assert_eq!(read("abc"), b"abc");
        assert_eq!(read("a\\\\b\\000\\377"), [b'a', b'\\', b'b', 0, 255]);
        assert_eq!(read("é"), "é".as_bytes());
    }

    #[test]
    fn what_is_none_is_refused() {
        let refused = |text: &str| parse_bytea(text).unwrap_err().to_string();
        assert_eq!(refused("\\xg0"), "invalid hexadecimal digit: \"g\"");
        assert_eq!(
            refused("\\x012"),
            "invalid hexadecimal data: odd number of digits"
        );
        assert_eq!(refused("\\x0 0"), "invalid hexadecimal digit: \" \"");
        for text in ["\\", "\\a", "\\400", "\\00", "\\X00"] {
            assert_eq!(refused(text), "invalid input syntax for type bytea");
        }
    }
}
