//! What the prompt knows of SQL while it is being typed: which words could follow, and whether a statement is whole.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use ogive::Session;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

/// The words that statements are made of here.
const KEYWORDS: [&str; 70] = [
    "ALL",
    "ALTER",
    "ANALYZE",
    "AND",
    "ARRAY",
    "AS",
    "ASC",
    "ATTACH",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COPY",
    "CREATE",
    "CROSS",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DETACH",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTERNAL",
    "FALSE",
    "FILTER",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCATION",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OPTIONS",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "SELECT",
    "SET",
    "SHOW",
    "STORED",
    "TABLE",
    "THEN",
    "TO",
    "TRUE",
    "UNION",
    "UPDATE",
    "VALUES",
    "VIEW",
    "WHERE",
    "WITH",
];

/// Completes keywords, tables and functions.
pub struct SqlHelper {
    session: Session,
}

impl SqlHelper {
    /// A helper over the tables and functions that `session` has at any moment.
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    fn candidates(&self, word: &str) -> Vec<String> {
        if word.is_empty() {
            return Vec::new();
        }
        let lower = word.to_lowercase();
        let starts = |name: &str| name.to_lowercase().starts_with(&lower);
        let mut found: Vec<String> = table_names(&self.session)
            .into_iter()
            .filter(|name| starts(name))
            .collect();
        // Keywords come as one began to write them.
        let is_lower = word.chars().any(char::is_lowercase);
        let keywords = KEYWORDS.iter().filter(|keyword| starts(keyword));
        found.extend(keywords.map(|word| {
            if is_lower {
                word.to_lowercase()
            } else {
                (*word).to_owned()
            }
        }));
        let state = self.session.context().state();
        let functions: BTreeSet<&String> = state
            .scalar_functions()
            .keys()
            .chain(state.aggregate_functions().keys())
            .filter(|name| starts(name))
            .collect();
        found.extend(functions.into_iter().map(|name| format!("{name}(")));
        found
    }
}

/// Names of all tables: plain in the default schema, else with schema and, where it is not the default, catalog.
pub fn table_names(session: &Session) -> Vec<String> {
    let context = session.context();
    let state = context.state();
    let defaults = &state.config_options().catalog;
    let mut names = Vec::new();
    for catalog_name in context.catalog_names() {
        let Some(catalog) = context.catalog(&catalog_name) else {
            continue;
        };
        for schema_name in catalog.schema_names() {
            if schema_name == "information_schema" {
                continue;
            }
            let Some(schema) = catalog.schema(&schema_name) else {
                continue;
            };
            let prefix = match (
                catalog_name == defaults.default_catalog,
                schema_name == defaults.default_schema,
            ) {
                (true, true) => String::new(),
                (true, false) => format!("{schema_name}."),
                (false, _) => format!("{catalog_name}.{schema_name}."),
            };
            names.extend(
                schema
                    .table_names()
                    .into_iter()
                    .map(|table| format!("{prefix}{table}")),
            );
        }
    }
    names.sort();
    names
}

/// Whether more lines are needed: until a `;` outside of text and comments. Commands are single lines.
pub fn is_unfinished(input: &str) -> bool {
    let text = input.trim();
    if text.is_empty() || text.starts_with('\\') {
        return false;
    }
    match Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() {
        Ok(tokens) => {
            let last = tokens
                .iter()
                .rev()
                .find(|token| !matches!(token, Token::Whitespace(_)));
            last != Some(&Token::SemiColon)
        }
        // Inside of quotes or a comment. Whatever else is wrong is for the parser to say.
        Err(error) => error.message.contains("Unterminated") || error.message.contains("EOF"),
    }
}

impl Completer for SqlHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..position).unwrap_or(line);
        let is_word =
            |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
        let start = before
            .rfind(|character| !is_word(character))
            .map_or(0, |at| {
                at + before
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8)
            });
        let word = before.get(start..).unwrap_or_default();
        let pair = |text: String| Pair {
            display: text.clone(),
            replacement: text,
        };
        Ok((start, self.candidates(word).into_iter().map(pair).collect()))
    }
}

impl Validator for SqlHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_unfinished(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Hinter for SqlHelper {
    type Hint = String;
}

impl Highlighter for SqlHelper {}

impl Helper for SqlHelper {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_with_a_semicolon() {
        for unfinished in [
            "SELECT 1",
            "SELECT ';",
            "SELECT 1 -- ;",
            "SELECT 1 /* ; ",
            "SELECT $$ ; ",
            "SELECT \"a;",
            "SELECT 1;\nSELECT",
        ] {
            assert!(is_unfinished(unfinished), "{unfinished}");
        }
        for whole in [
            "SELECT 1;",
            "SELECT ';';  ",
            "SELECT 1; -- done",
            "",
            "\\d",
            "\\d name",
            "SELECT $$;$$;\n",
        ] {
            assert!(!is_unfinished(whole), "{whole}");
        }
    }
}
