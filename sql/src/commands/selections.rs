//! `code_context(.., query => 'SELECT ..')`: the query runs while the statement around it is planned, and what it chose takes its
//! place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use datafusion::error::Result;
use datafusion::sql::parser::Statement as DfStatement;
use ogive_table_providers::selection_argument;

use crate::commands::recall::{RunsQueries, rows_of};
use crate::statement::{CONTEXT, put_chosen};

/// Runs the queries, and puts what they chose in the calls.
///
/// # Errors
/// What a query fails with; a text that is not one query; rows that choose no files.
pub(crate) async fn choose_files(
    session: &impl RunsQueries,
    statement: &mut DfStatement,
    queries: Vec<String>,
) -> Result<()> {
    let mut chosen = HashMap::with_capacity(queries.len());
    for query in queries {
        if let Entry::Vacant(entry) = chosen.entry(query) {
            let rows = rows_of(session, CONTEXT, entry.key()).await?;
            let argument = selection_argument(&rows)?;
            entry.insert(argument);
        }
    }
    put_chosen(statement, chosen)
}
