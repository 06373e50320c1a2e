//! Text to statements.

mod dialect;
mod other_dialects;
mod statements;
mod tokens;

pub(crate) use dialect::{CHECKPOINT, REFRESH, REINDEX, SHOW_INDEXES, STALE, TABLE};
pub use statements::{Statement, parse};
pub(crate) use statements::{parse_as, parse_expression, parse_query, parse_statement};
