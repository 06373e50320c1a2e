//! PostgreSQL's dialect with the few words of DataFusion's own that users rely on.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, Expr, Ident, ObjectName, Statement, UnaryOperator, Value,
};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// What text is read as: PostgreSQL, and beside it what DataFusion reads where PostgreSQL has
/// nothing to say: `SELECT * EXCEPT (..)`, `EXCLUDE (..)` and `REPLACE (..)`, `map {..}`, `{a: 1}`,
/// `struct(1 AS a)`, `FROM VALUES (..)`, `FROM (t) AS u`, `first_value(a IGNORE NULLS)`,
/// `LIMIT 10, 5`, `SELECT a, FROM t`, names in backticks.
#[derive(Debug, Default)]
pub struct OgiveDialect(PostgreSqlDialect);

/// The pragma that `CHECKPOINT notes` is read as, with the name of the database as its value.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The same for `REFRESH code`.
pub(crate) const REFRESH: &str = "refresh";
const UPKEEP: [&str; 2] = [CHECKPOINT, REFRESH];
/// The pragma that `REINDEX INDEX name` is read as; `reindex.table.stale` is `REINDEX (STALE) TABLE name`.
pub(crate) const REINDEX: &str = "reindex";
/// Of a table, not of an index.
pub(crate) const TABLE: &str = "table";
/// Only what is not of its files as they are now.
pub(crate) const STALE: &str = "stale";
/// The pragma that `SHOW INDEXES [FROM docs]` is read as.
pub(crate) const SHOW_INDEXES: &str = "show_indexes";

fn upkeep(parser: &mut Parser, name: &str) -> Result<Statement, ParserError> {
    let database = parser.parse_identifier()?;
    let database = match database.quote_style {
        Some(_) => database.value,
        None => database.value.to_lowercase(),
    };
    Ok(Statement::Pragma {
        name: ObjectName::from(vec![Ident::new(name)]),
        value: Some(Value::SingleQuotedString(database).with_empty_span()),
        is_eq: true,
    })
}

fn pragma(words: &[&str], value: Option<Ident>) -> Statement {
    let value = value.map(|value| match value.quote_style {
        Some(_) => value.value,
        None => value.value.to_lowercase(),
    });
    Statement::Pragma {
        name: ObjectName::from(
            words
                .iter()
                .map(|word| Ident::new(*word))
                .collect::<Vec<_>>(),
        ),
        value: value.map(|value| Value::SingleQuotedString(value).with_empty_span()),
        is_eq: true,
    }
}

/// Whether the next token is one of these words, and takes it if so.
fn take_word(parser: &mut Parser, words: &[&str]) -> bool {
    let is_one = match &parser.peek_token_ref().token {
        Token::Word(word) if word.quote_style.is_none() => words
            .iter()
            .any(|wanted| word.value.eq_ignore_ascii_case(wanted)),
        _ => false,
    };
    if is_one {
        parser.advance_token();
    }
    is_one
}

/// `REINDEX [(STALE)] INDEX | TABLE [CONCURRENTLY] name`, of which the first word is read.
fn reindex(parser: &mut Parser) -> Result<Statement, ParserError> {
    let mut words = vec![REINDEX];
    if parser.consume_token(&Token::LParen) {
        loop {
            if take_word(parser, &["stale"]) {
                words.push(STALE);
            } else if !take_word(parser, &["verbose", "concurrently"]) {
                return parser
                    .expected_ref("STALE, VERBOSE or CONCURRENTLY", parser.peek_token_ref());
            }
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        parser.expect_token(&Token::RParen)?;
    }
    if take_word(parser, &["table"]) {
        words.push(TABLE);
    } else if !take_word(parser, &["index"]) {
        return parser.expected_ref("INDEX or TABLE", parser.peek_token_ref());
    }
    take_word(parser, &["concurrently"]);
    let name = parser.parse_identifier()?;
    Ok(pragma(&words, Some(name)))
}

/// `SHOW INDEXES [FROM | ON | IN docs]`, of which the first two words are read.
fn show_indexes(parser: &mut Parser) -> Result<Statement, ParserError> {
    let table = match take_word(parser, &["from", "on", "in"]) {
        true => Some(parser.parse_identifier()?),
        false => None,
    };
    Ok(pragma(&[SHOW_INDEXES], table))
}

/// Answers that are PostgreSQL's.
macro_rules! as_in_postgres {
    ($($name:ident),* $(,)?) => {
        $(fn $name(&self) -> bool { self.0.$name() })*
    };
}

impl Dialect for OgiveDialect {
    fn dialect(&self) -> TypeId {
        self.0.dialect()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.0.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`' || self.0.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.0.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.0.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.0.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        ch != '`' && self.0.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        self.0.get_next_precedence(parser)
    }

    /// `ATTACH` and `DETACH` as DuckDB has them; `CHECKPOINT notes`, `REFRESH code`, `REINDEX` and `SHOW INDEXES`, for which the parser has no statement.
    fn parse_statement(&self, parser: &mut Parser) -> Option<Result<Statement, ParserError>> {
        if parser.parse_keyword(Keyword::ATTACH) {
            return Some(parser.parse_attach_duckdb_database());
        }
        if parser.parse_keyword(Keyword::DETACH) {
            return Some(parser.parse_detach_duckdb_database());
        }
        if let Token::Word(word) = &parser.peek_token_ref().token
            && word.quote_style.is_none()
            && let Some(name) = UPKEEP
                .into_iter()
                .find(|name| word.value.eq_ignore_ascii_case(name))
        {
            parser.advance_token();
            return Some(upkeep(parser, name));
        }
        if take_word(parser, &[REINDEX]) {
            return Some(reindex(parser));
        }
        if let (Token::Word(show), Token::Word(what)) = (
            &parser.peek_token_ref().token,
            &parser.peek_nth_token_ref(1).token,
        ) && show.keyword == Keyword::SHOW
            && ["indexes", "index"]
                .iter()
                .any(|word| what.value.eq_ignore_ascii_case(word))
        {
            parser.advance_token();
            parser.advance_token();
            return Some(show_indexes(parser));
        }
        self.0.parse_statement(parser)
    }

    /// Vectors and numbers, of which a vector has hundreds: the parser would try each as the name of a type first.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        match parser.peek_token_ref().token {
            Token::Number(..) => Some(parser.parse_value().map(Expr::Value)),
            Token::Minus => {
                parser.advance_token();
                let operand = parser.parse_subexpr(self.prec_value(Precedence::MulDivModOp));
                Some(operand.map(negative))
            }
            Token::LBracket => {
                parser.advance_token();
                Some(match numbers(parser) {
                    Some(array) => Ok(array),
                    None => parser.parse_array_expr(false),
                })
            }
            _ => self.0.parse_prefix(parser),
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if parser.parse_keyword(Keyword::MATCH) {
            return Some(
                parser
                    .parse_subexpr(precedence)
                    .map(|query| Expr::BinaryOp {
                        left: Box::new(expr.clone()),
                        op: BinaryOperator::Match,
                        right: Box::new(query),
                    }),
            );
        }
        self.0.parse_infix(parser, expr, precedence)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.0.prec_value(precedence)
    }

    as_in_postgres!(
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_set_names,
        supports_alter_column_type_using,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
        supports_comment_optimizer_hint,
    );

    /// Names of arguments are words. Where they may be expressions, the parser reads every argument twice, to see whether it is
    /// the name of another: vectors too, and an argument of a call in a call in a call eight times.
    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_projection_trailing_commas(&self) -> bool {
        true
    }

    fn supports_trailing_commas(&self) -> bool {
        false
    }
}

fn negative(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Minus,
        expr: Box::new(expr),
    }
}

/// The array whose bracket has been read, if there is nothing but numbers in it; otherwise nothing more is read.
fn numbers(parser: &mut Parser) -> Option<Expr> {
    let mut index = parser.get_current_index();
    // A parsed number takes hundreds of bytes, which are not to be moved while the list grows.
    let commas = (index + 1..)
        .map(|index| &parser.token_at(index).token)
        .take_while(|token| !matches!(token, Token::RBracket | Token::EOF))
        .filter(|token| **token == Token::Comma);
    let mut elem = Vec::with_capacity(commas.count() + 1);
    let mut next = || loop {
        index += 1;
        let token = parser.token_at(index);
        if !matches!(token.token, Token::Whitespace(_)) {
            return token;
        }
    };
    loop {
        let mut token = next();
        let is_negative = token.token == Token::Minus;
        if is_negative {
            token = next();
        }
        let Token::Number(digits, false) = &token.token else {
            return None;
        };
        let number = Expr::Value(Value::Number(digits.clone(), false).with_span(token.span));
        elem.push(match is_negative {
            true => negative(number),
            false => number,
        });
        match next().token {
            Token::Comma => {}
            Token::RBracket => break,
            _ => return None,
        }
    }
    while parser.get_current_index() < index {
        parser.advance_token();
    }
    Some(Expr::Array(Array { elem, named: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sqlparser's own way to read what [`OgiveDialect::parse_prefix`] takes a short cut for.
    fn check(sql: &str) {
        let ours = Parser::parse_sql(&OgiveDialect::default(), sql);
        let plain = Parser::parse_sql(&PostgreSqlDialect {}, sql);
        match (ours, plain) {
            (Ok(ours), Ok(plain)) => assert_eq!(ours, plain, "{sql}"),
            (Err(ours), Err(plain)) => assert_eq!(ours.to_string(), plain.to_string(), "{sql}"),
            (ours, plain) => panic!("{sql}: {ours:?}, expected {plain:?}"),
        }
    }

    #[test]
    fn arguments_are_read_as_sqlparser_reads_them() {
        for argument in [
            "a",
            "a.b",
            "value",
            "NOT value",
            "NOT value IN (1, 2)",
            "CASE value WHEN 1 THEN 2 ELSE 0 END",
            "DISTINCT CASE value WHEN 1 THEN 2 END",
            "CASE WHEN value THEN value END, value",
            "(SELECT max(value) FROM u)",
            "a[1:2]",
            "'a'",
            "x::text",
            "*",
            "a, *",
            "-value",
            "interval '1 day'",
            "date '2020-01-01'",
            "EXISTS (SELECT value FROM u)",
            "b ORDER BY value",
        ] {
            let sql = format!("SELECT f({argument}), value FROM t");
            let ours = crate::parser::parse(&sql).map(|statements| statements[0].to_string());
            let plain = Parser::parse_sql(&PostgreSqlDialect {}, &sql);
            let plain = plain.map(|statements| statements[0].to_string());
            assert_eq!(ours.unwrap(), plain.unwrap(), "{sql}");
        }
        let named = "SELECT f(a => 1, b := 2)";
        assert_eq!(crate::parser::parse(named).unwrap()[0].to_string(), named);
    }

    #[test]
    fn calls_in_calls_are_read_once() {
        for (open, close) in [("abs(", ")"), ("f(a => ", ")"), ("coalesce(1, ", ", 2)")] {
            let sql = format!("SELECT {}1{}", open.repeat(40), close.repeat(40));
            assert_eq!(crate::parser::parse(&sql).unwrap().len(), 1, "{sql}");
        }
    }

    #[test]
    fn numbers_and_arrays_are_read_as_sqlparser_reads_them() {
        for expression in [
            "[1, -2.5, 3e-4]",
            "[1]",
            "[]",
            "[ 1 , - 2 ]",
            "[1, 2][1]",
            "[1, x]",
            "[1, 2 + 3]",
            "[1, 2::int]",
            "[[1, 2], [3, -4]]",
            "[-(1), - -2, --3\n 4]",
            "ARRAY[1, -2]",
            "ARRAY[[1], [-2]]",
            "-1",
            "-1 ^ 2",
            "-3 + 4 * -5",
            "- a.b::int",
            "-f(x) * 2",
            "1 - -1",
            "-'1 day'::interval",
            "v <-> [1, -2]",
            "-",
            "[1",
            "[1 2]",
            "[1,, 2]",
            "[-]",
            "[- , 1]",
            "[1, 2, ]",
        ] {
            check(&format!("SELECT {expression} FROM t"));
            check(&format!("SELECT {expression}"));
        }
    }
}
