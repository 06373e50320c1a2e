//! `code_symbols(content, language)`: the definitions of a text.

use std::sync::Arc;

use arrow::array::{Array, Int64Builder, ListBuilder, StringBuilder, StructBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::ScalarUDF;
use ogive_codebase::{Language, Symbol, parse_source};

use super::function::TextFunction;
use super::parsed;

const NAME: &str = "code_symbols";

/// What is said of a definition, in order.
fn fields() -> Fields {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    Fields::from(vec![
        text("name"),
        text("qualified_name"),
        text("kind"),
        text("signature"),
        text("doc"),
        number("start_line"),
        number("end_line"),
        number("complexity"),
    ])
}

pub(super) fn code_symbols() -> Arc<ScalarUDF> {
    TextFunction::udf(
        NAME,
        &[2],
        DataType::List(Arc::new(Field::new_list_field(
            DataType::Struct(fields()),
            true,
        ))),
        (
            "code_symbols(content, language)",
            "The definitions in a text, in order: a list to unnest of name, qualified_name, kind, signature, doc, start_line, end_line and complexity.",
        ),
        |columns| {
            let [content, language] = columns else {
                return exec_err!("{NAME} was called with {} arguments", columns.len());
            };
            let mut lists = ListBuilder::new(StructBuilder::from_fields(fields(), 0));
            for row in 0..content.len() {
                if content.is_null(row) || language.is_null(row) {
                    lists.append_null();
                    continue;
                }
                let language: Language = parsed(NAME, language.value(row))?;
                for symbol in &parse_source(content.value(row), language).symbols {
                    append(lists.values(), symbol)?;
                }
                lists.append(true);
            }
            Ok(Arc::new(lists.finish()))
        },
    )
}

fn append(structs: &mut StructBuilder, symbol: &Symbol) -> Result<()> {
    let texts = [
        Some(symbol.name.as_str()),
        Some(symbol.qualified_name.as_str()),
        Some(symbol.kind.name()),
        Some(symbol.signature.as_str()),
        symbol.doc.as_deref(),
    ];
    let numbers = [
        Some(symbol.start_line),
        Some(symbol.end_line),
        symbol.complexity,
    ];
    let wrong = || exec_datafusion_err!("{NAME}: a field is of another type than its values");
    for (field, text) in texts.into_iter().enumerate() {
        let builder = structs
            .field_builder::<StringBuilder>(field)
            .ok_or_else(wrong)?;
        builder.append_option(text);
    }
    for (field, number) in numbers.into_iter().enumerate() {
        let builder = structs
            .field_builder::<Int64Builder>(texts.len() + field)
            .ok_or_else(wrong)?;
        builder.append_option(number.map(i64::from));
    }
    structs.append(true);
    Ok(())
}
