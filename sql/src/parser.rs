//! Text to statements.

use std::fmt;

use datafusion::common::config::Dialect;
use datafusion::common::plan_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::dialect::dialect_from_str;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::dialect::OgiveDialect;

/// How deep expressions may nest; deeper ones are an error, not a crash.
const NESTING_MAX: usize = 100;

/// One parsed statement; prints as SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement(pub(crate) DfStatement);

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The statements of a script.
///
/// # Errors
/// A syntax error with its line and column.
pub fn parse(sql: &str) -> Result<Vec<Statement>> {
    let dialect = OgiveDialect::default();
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| DataFusionError::SQL(Box::new(error.into()), None))?;
    let statements = DFParserBuilder::new(vector_operators(tokens))
        .with_dialect(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    Ok(statements.into_iter().map(Statement).collect())
}

/// The statements of a script in the dialect that `datafusion.sql_parser.dialect` names. ogive's
/// own is what `generic` and `postgresql` mean; text in another is read as DataFusion reads it.
pub(crate) fn parse_as(sql: &str, dialect: Dialect) -> Result<Vec<Statement>> {
    if matches!(dialect, Dialect::Generic | Dialect::PostgreSQL) {
        return parse(sql);
    }
    let dialect = dialect_from_str(dialect)
        .ok_or_else(|| plan_datafusion_err!("there is no parser for the dialect {dialect}"))?;
    let statements = DFParserBuilder::new(sql)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    Ok(statements.into_iter().map(Statement).collect())
}

/// Makes `<+>` one token, which no dialect does, reads `B'101'` as `to_bit('101')`, and gives `<=>` the precedence of PostgreSQL's
/// other operators instead of that of a comparison.
fn vector_operators(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut merged: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let adjacent =
            |first: &TokenWithSpan, second: &TokenWithSpan| first.span.end == second.span.start;
        if token.token == Token::Gt
            && let [.., less, plus] = merged.as_slice()
            && less.token == Token::Lt
            && plus.token == Token::Plus
            && adjacent(less, plus)
            && adjacent(plus, &token)
        {
            let mut span = less.span;
            span.end = token.span.end;
            merged.truncate(merged.len() - 2);
            merged.push(TokenWithSpan {
                token: Token::CustomBinaryOperator("<+>".to_string()),
                span,
            });
            continue;
        }
        if let Some(operator) = merged
            .last()
            .filter(|first| adjacent(first, &token))
            .and_then(|first| sphere_operator(&first.token, &token.token))
        {
            let start = merged
                .pop()
                .map_or(token.span.start, |first| first.span.start);
            let mut span = token.span;
            span.start = start;
            merged.push(TokenWithSpan {
                token: Token::CustomBinaryOperator(operator.to_string()),
                span,
            });
            continue;
        }
        if let Token::SingleQuotedByteStringLiteral(bits) = token.token {
            let text = [
                Token::make_word("to_bit", None),
                Token::LParen,
                Token::SingleQuotedString(bits),
                Token::RParen,
            ];
            merged.extend(text.map(|part| TokenWithSpan {
                token: part,
                span: token.span,
            }));
            continue;
        }
        merged.push(match token.token {
            Token::Spaceship => TokenWithSpan {
                token: Token::CustomBinaryOperator("<=>".to_string()),
                span: token.span,
            },
            _ => token,
        });
    }
    merged
}

/// VectorChord's `<<->>`, `<<#>>` and `<<=>>`, as far as their halves are tokens. `<<=` and `>>` of
/// the last come as an operator and a shift.
fn sphere_operator(first: &Token, second: &Token) -> Option<&'static str> {
    match (first, second) {
        (Token::ShiftLeft, Token::LongArrow) => Some("<<->>"),
        (Token::ShiftLeft, Token::HashLongArrow) => Some("<<#>>"),
        (Token::CustomBinaryOperator(start), Token::ShiftRight) if start == "<<=" => Some("<<=>>"),
        (Token::ShiftLeft, Token::CustomBinaryOperator(end)) if end == "=>>" => Some("<<=>>"),
        _ => None,
    }
}
