//! Text to statements.

use std::fmt;

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

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
    let statements = DFParserBuilder::new(tokens)
        .with_dialect(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    Ok(statements.into_iter().map(Statement).collect())
}
