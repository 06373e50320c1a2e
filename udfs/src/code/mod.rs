//! Source code in SQL, as texts: `code_compress`, `code_tokens`, `code_language`, `code_symbols`.

mod function;
mod symbols;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::ScalarUDF;
use ogive_codebase::{Encoding, Language, Level, Tokenizer, compress};

use function::TextFunction;

/// Every function of this module.
pub fn code_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        code_compress(),
        code_tokens(),
        code_language(),
        symbols::code_symbols(),
    ]
}

/// A word that stands for something of the engine's.
fn parsed<T: std::str::FromStr<Err = ogive_codebase::Error>>(name: &str, word: &str) -> Result<T> {
    word.parse()
        .map_err(|error: ogive_codebase::Error| exec_datafusion_err!("{name}: {error}"))
}

fn code_compress() -> Arc<ScalarUDF> {
    const NAME: &str = "code_compress";
    TextFunction::udf(
        NAME,
        &[3],
        DataType::Utf8,
        (
            "code_compress(content, language, level)",
            "Source code with less text: at level 'full' without comments and needless blank lines, 'structural' (imports, exports, signatures with the first line of their documentation), 'signature' (signatures alone) or 'summary' (one line).",
        ),
        |columns| {
            let [content, language, level] = columns else {
                return exec_err!("{NAME} was called with {} arguments", columns.len());
            };
            let mut texts = StringBuilder::new();
            for row in 0..content.len() {
                if content.is_null(row) || language.is_null(row) || level.is_null(row) {
                    texts.append_null();
                    continue;
                }
                let language: Language = parsed(NAME, language.value(row))?;
                let level: Level = parsed(NAME, level.value(row))?;
                texts.append_value(compress("text", content.value(row), language, level));
            }
            Ok(Arc::new(texts.finish()))
        },
    )
}

fn code_tokens() -> Arc<ScalarUDF> {
    const NAME: &str = "code_tokens";
    TextFunction::udf(
        NAME,
        &[1, 2],
        DataType::Int64,
        (
            "code_tokens(text [, encoding])",
            "How many tokens a text is, in the encoding 'o200k_base' unless another is named.",
        ),
        |columns| {
            let (text, encoding) = match columns {
                [text] => (text, None),
                [text, encoding] => (text, Some(encoding)),
                _ => return exec_err!("{NAME} was called with {} arguments", columns.len()),
            };
            let counts = (0..text.len())
                .map(|row| {
                    let encoding = match encoding {
                        None => Encoding::default(),
                        Some(names) if names.is_null(row) => return Ok(None),
                        Some(names) => parsed(NAME, names.value(row))?,
                    };
                    let is_text = text.is_valid(row);
                    Ok(is_text.then(|| {
                        i64::try_from(encoding.count(text.value(row))).unwrap_or(i64::MAX)
                    }))
                })
                .collect::<Result<Int64Array>>()?;
            Ok(Arc::new(counts) as ArrayRef)
        },
    )
}

fn code_language() -> Arc<ScalarUDF> {
    TextFunction::udf(
        "code_language",
        &[1],
        DataType::Utf8,
        (
            "code_language(path)",
            "The language of a file by its name: 'python', 'typescript', 'cpp'; 'text' where it is none that is known.",
        ),
        |columns| {
            let languages: StringArray = columns
                .first()
                .into_iter()
                .flat_map(|paths| paths.iter())
                .map(|path| path.map(|path| Language::detect(path, &[]).name()))
                .collect();
            Ok(Arc::new(languages))
        },
    )
}
