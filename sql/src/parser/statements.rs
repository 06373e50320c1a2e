//! Text to statements.

use std::fmt;

use datafusion::common::config::Dialect;
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{Expr, Query, Statement as SqlStatement};
use datafusion::sql::sqlparser::dialect::{Dialect as SqlDialect, dialect_from_str};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::parser::dialect::OgiveDialect;
use crate::parser::other_dialects::translate;
use crate::parser::tokens::tokenize;

/// How deep expressions may nest; deeper ones are an error, not a crash.
const NESTING_MAX: usize = 100;

/// How deep array literals may nest: in dialects other than ours the parser tries each of them twice. PostgreSQL's arrays have
/// six dimensions.
const BRACKETS_MAX: usize = 32;

/// How many elements an array literal may have; each takes half a kilobyte once parsed.
const ELEMENTS_MAX: usize = 1_000_000;

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
    let statements = DFParserBuilder::new(tokens(&dialect, sql)?)
        .with_dialect(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    Ok(statements.into_iter().map(Statement).collect())
}

/// One expression, as it may stand in a statement.
pub(crate) fn parse_expression(sql: &str) -> Result<Expr> {
    parse_part(sql, |parser| parser.parse_expr())
}

/// One query, as it may stand in a statement.
pub(crate) fn parse_query(sql: &str) -> Result<Box<Query>> {
    parse_part(sql, |parser| parser.parse_query())
}

/// One statement of SQL's own.
pub(crate) fn parse_statement(sql: &str) -> Result<SqlStatement> {
    parse_part(sql, |parser| parser.parse_statement())
}

fn parse_part<T>(
    sql: &str,
    read: impl FnOnce(&mut Parser<'_>) -> std::result::Result<T, ParserError>,
) -> Result<T> {
    let dialect = OgiveDialect::default();
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .with_tokens_with_locations(tokens(&dialect, sql)?);
    let parsed = read(&mut parser).and_then(|part| {
        parser.expect_token(&Token::EOF)?;
        Ok(part)
    });
    parsed.map_err(|error| DataFusionError::SQL(Box::new(error), None))
}

fn tokens(dialect: &OgiveDialect, sql: &str) -> Result<Vec<TokenWithSpan>> {
    let mut tokens = checked_tokens(dialect, sql)?;
    free_value(&mut tokens);
    write_with(&mut tokens);
    translate(vector_operators(tokens))
}

/// Makes `value` between brackets the name that it may be everywhere in PostgreSQL: after a word, as in `sum(CASE value WHEN 1 ..)`, the
/// parser would take it for the one of `json_object(key VALUE 1)`, which nothing here understands.
fn free_value(tokens: &mut [TokenWithSpan]) {
    let mut depth = 0_usize;
    for token in tokens {
        match &mut token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if depth > 0 && word.keyword == Keyword::VALUE => {
                word.keyword = Keyword::NoKeyword;
            }
            _ => {}
        }
    }
}

/// Writes the `WITH` of `CREATE EXTENSION [IF NOT EXISTS] vector SCHEMA public`, which PostgreSQL's users may leave out and the parser
/// wants.
fn write_with(tokens: &mut Vec<TokenWithSpan>) {
    let names_one = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::EXTENSION);
    if !tokens.iter().any(names_one) {
        return;
    }
    let keyword = |tokens: &[TokenWithSpan], at: usize| match tokens.get(at).map(|t| &t.token) {
        Some(Token::Word(word)) => Some(word.keyword),
        _ => None,
    };
    let words: Vec<usize> = (0..tokens.len())
        .filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_)))
        .collect();
    let mut missing = Vec::new();
    for (index, at) in words.iter().enumerate() {
        let is = |offset: usize, wanted: Keyword| {
            let at = words.get(index + offset);
            at.is_some_and(|at| keyword(tokens, *at) == Some(wanted))
        };
        if keyword(tokens, *at) != Some(Keyword::CREATE) || !is(1, Keyword::EXTENSION) {
            continue;
        }
        // The name, after `IF NOT EXISTS` if that is there, and then the options.
        let options = if is(2, Keyword::IF) { 6 } else { 3 };
        if [Keyword::SCHEMA, Keyword::VERSION, Keyword::CASCADE]
            .into_iter()
            .any(|option| is(options, option))
        {
            missing.extend(words.get(index + options).copied());
        }
    }
    for at in missing.into_iter().rev() {
        let span = tokens[at].span;
        let token = Token::make_keyword("WITH");
        tokens.insert(at, TokenWithSpan { token, span });
    }
}

fn checked_tokens(dialect: &dyn SqlDialect, sql: &str) -> Result<Vec<TokenWithSpan>> {
    let tokens = tokenize(dialect, sql)
        .map_err(|error| DataFusionError::SQL(Box::new(error.into()), None))?;
    check_arrays(&tokens)?;
    Ok(tokens)
}

/// Refuses array literals that would take the parser minutes, or gigabytes.
fn check_arrays(tokens: &[TokenWithSpan]) -> Result<()> {
    // The elements seen so far of each open bracket.
    let mut open: Vec<usize> = Vec::new();
    for token in tokens {
        match token.token {
            Token::LBracket => open.push(1),
            Token::RBracket => {
                open.pop();
            }
            Token::Comma => {
                if let Some(elements) = open.last_mut() {
                    *elements += 1;
                }
            }
            _ => continue,
        }
        let at = token.span.start;
        if open.len() > BRACKETS_MAX {
            return plan_err!("arrays nest deeper than {BRACKETS_MAX}{at}");
        }
        if open.last().is_some_and(|elements| *elements > ELEMENTS_MAX) {
            return plan_err!(
                "an array literal has more than {ELEMENTS_MAX} elements{at}; give it as a text or as a parameter"
            );
        }
    }
    Ok(())
}

/// The statements of a script in the dialect that `datafusion.sql_parser.dialect` names. ogive's
/// own is what `generic` and `postgresql` mean; text in another is read as DataFusion reads it.
pub(crate) fn parse_as(sql: &str, dialect: Dialect) -> Result<Vec<Statement>> {
    if matches!(dialect, Dialect::Generic | Dialect::PostgreSQL) {
        return parse(sql);
    }
    let dialect = dialect_from_str(dialect)
        .ok_or_else(|| plan_datafusion_err!("there is no parser for the dialect {dialect}"))?;
    let tokens = checked_tokens(dialect.as_ref(), sql)?;
    let statements = DFParserBuilder::new(tokens)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    Ok(statements.into_iter().map(Statement).collect())
}

/// Makes `<+>` one token, which no dialect does, reads `B'101'` as `to_bit('101')`, and gives `<=>` the precedence of PostgreSQL's
/// other operators instead of that of a comparison.
fn vector_operators(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| is_part_of_operator(&token.token)) {
        return tokens;
    }
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

/// Whether a token is the last of those that [`vector_operators`] replaces.
fn is_part_of_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::Gt
            | Token::LongArrow
            | Token::HashLongArrow
            | Token::ShiftRight
            | Token::CustomBinaryOperator(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::Spaceship
    )
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
