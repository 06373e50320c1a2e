//! Names as PostgreSQL reads them.
//!
//! ```text
//! FROM generate_series(1, 3) n         =>  FROM generate_series(1, 3) AS n (n)
//! FROM unnest(ARRAY[1, 2]) v           =>  FROM unnest(ARRAY[1, 2]) AS v (v)
//! public.l2_distance(a, b)             =>  l2_distance(a, b)
//! a OPERATOR(public.=) b               =>  a = b
//! '\x00'::bytea                        =>  text_to_bytea('\x00')
//! ```

use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, ObjectName, ObjectNamePart, TableAlias, TableAliasColumnDef,
    TableFactor, Value,
};

use crate::parser::parse_expression;
use crate::statement::visit::is_call_of;

/// Table functions of one column without a name of its own.
const OF_ONE_COLUMN: [&str; 3] = ["generate_series", "range", "unnest"];
/// Schemas in which PostgreSQL finds what is called without one.
const SCHEMAS: [&str; 2] = ["public", "pg_catalog"];

/// A function of one column that has an alias: its column is called so too.
pub(super) fn name_column(factor: &mut TableFactor) {
    let alias = match factor {
        TableFactor::UNNEST {
            alias: Some(alias),
            array_exprs,
            with_offset: false,
            with_ordinality: false,
            ..
        } if array_exprs.len() == 1 => alias,
        TableFactor::Table {
            name,
            alias: Some(alias),
            args: Some(_),
            with_ordinality: false,
            ..
        } if is_of_one_column(name) => alias,
        TableFactor::Function {
            name,
            alias: Some(alias),
            with_ordinality: false,
            ..
        } if is_of_one_column(name) => alias,
        _ => return,
    };
    name_as_table(alias);
}

fn is_of_one_column(name: &ObjectName) -> bool {
    OF_ONE_COLUMN
        .iter()
        .any(|function| is_call_of(function, name))
}

fn name_as_table(alias: &mut TableAlias) {
    if alias.columns.is_empty() {
        alias.columns = vec![TableAliasColumnDef {
            name: alias.name.clone(),
            data_type: None,
        }];
    }
}

/// A function or an operator of a schema that is searched anyway, without it.
pub(super) fn without_schema(expr: &mut Expr) {
    match expr {
        Expr::Function(call) => leave_schema_out(&mut call.name),
        Expr::BinaryOp { op, .. } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op
                && let Some(plain) = operator(parts)
            {
                *op = plain;
            }
        }
        _ => {}
    }
}

/// A text written out as `bytea`; DataFusion would take its characters.
pub(super) fn read_bytea(expr: &mut Expr) -> Result<()> {
    if let Expr::Cast {
        expr: text,
        data_type: DataType::Bytea,
        ..
    } = expr
        && let Expr::Value(value) = text.as_ref()
        && matches!(value.value, Value::SingleQuotedString(_))
    {
        *expr = parse_expression(&format!("text_to_bytea({text})"))?;
    }
    Ok(())
}

/// The same for a table function.
pub(super) fn table_without_schema(factor: &mut TableFactor) {
    match factor {
        TableFactor::Table {
            name,
            args: Some(_),
            ..
        }
        | TableFactor::Function { name, .. } => leave_schema_out(name),
        _ => {}
    }
}

fn is_searched(schema: &str) -> bool {
    SCHEMAS
        .iter()
        .any(|known| schema.eq_ignore_ascii_case(known))
}

fn leave_schema_out(name: &mut ObjectName) {
    if let [
        ObjectNamePart::Identifier(schema),
        ObjectNamePart::Identifier(_),
    ] = name.0.as_slice()
        && is_searched(&schema.value)
    {
        name.0.remove(0);
    }
}

fn operator(parts: &[String]) -> Option<BinaryOperator> {
    let text = match parts {
        [text] => text,
        [schema, text] if is_searched(schema) => text,
        _ => return None,
    };
    Some(match text.as_str() {
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "||" => BinaryOperator::StringConcat,
        "<->" => BinaryOperator::LtDashGt,
        "<=>" => BinaryOperator::Spaceship,
        "~" => BinaryOperator::PGRegexMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "@>" => BinaryOperator::AtArrow,
        "<@" => BinaryOperator::ArrowAt,
        other => BinaryOperator::Custom(other.to_owned()),
    })
}
