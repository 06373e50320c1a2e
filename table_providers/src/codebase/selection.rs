//! The files that a query chooses for `code_context`, as text in its argument: the query is run while the statement around it is
//! planned, since a table function cannot run one.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::{Result, plan_err};
use ogive_codebase::{Level, Selected, selection_from_text, selection_to_text};

use super::error::codebase_error;

/// What the text begins with; no query does.
const MARK: char = '\u{1e}';

/// The rows of a query as the argument `query` of `code_context`: a column `path`, and `level` and `score` if it has them.
///
/// # Errors
/// There is no column `path`, a column cannot be cast, or a level is none.
pub fn selection_argument(batches: &[RecordBatch]) -> Result<String> {
    let mut selected = Vec::new();
    for batch in batches {
        take(batch, &mut selected)?;
    }
    Ok(format!("{MARK}{}", selection_to_text(&selected)))
}

/// The files that such an argument names.
pub(super) fn selected_files(argument: &str) -> Result<Vec<Selected>> {
    match argument.strip_prefix(MARK) {
        Some(text) => selection_from_text(text).map_err(codebase_error),
        None => plan_err!(
            "code_context: a query needs a session of ogive's, which runs it while it plans the statement"
        ),
    }
}

fn take(batch: &RecordBatch, selected: &mut Vec<Selected>) -> Result<()> {
    let column = |name: &str, data_type: DataType| {
        let column = batch.column_by_name(name);
        column.map(|column| cast(column, &data_type)).transpose()
    };
    let Some(paths) = column("path", DataType::Utf8)? else {
        return plan_err!(
            "code_context: expected a query with a column path, as SELECT path FROM code.files has"
        );
    };
    let levels = column("level", DataType::Utf8)?;
    let scores = column("score", DataType::Float64)?;
    for row in 0..batch.num_rows() {
        if paths.is_null(row) {
            continue;
        }
        let level = levels.as_ref().filter(|levels| levels.is_valid(row));
        let score = scores.as_ref().filter(|scores| scores.is_valid(row));
        selected.push(Selected {
            path: paths.as_string::<i32>().value(row).to_owned(),
            level: level
                .map(|levels| levels.as_string::<i32>().value(row).parse::<Level>())
                .transpose()
                .map_err(codebase_error)?,
            score: score.map(|scores| scores.as_primitive::<Float64Type>().value(row)),
        });
    }
    Ok(())
}
