//! EXPLAIN's rows: long lists of numbers shortened, decisions beside the plans.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{DmlStatement, LogicalPlan, WriteOp};
use ogive_udfs::{SHOWN, SHOWN_WHOLE_MAX};

/// Whether a statement deletes or changes rows, which DataFusion's tables in memory do while the plan is made.
pub(crate) fn changes_rows(plan: &LogicalPlan) -> bool {
    matches!(
        plan,
        LogicalPlan::Dml(DmlStatement {
            op: WriteOp::Delete | WriteOp::Update | WriteOp::Truncate | WriteOp::MergeInto(_),
            ..
        })
    )
}

/// EXPLAIN's row about a plan that is not made an executable one.
pub(crate) fn logical_plan_row(plan: &LogicalPlan, schema: &DFSchema) -> Result<RecordBatch> {
    let columns = [
        "logical_plan".to_string(),
        plan.display_indent().to_string(),
    ]
    .map(|text| Arc::new(StringArray::from(vec![text])) as ArrayRef);
    let row = RecordBatch::try_new(Arc::clone(schema.inner()), columns.to_vec())?;
    shorten_lists(&row)
}

/// The rows with every list of more than sixteen numbers as `[0.1, 0.2, 0.3, 0.4, .. 380 more]`.
pub(crate) fn shorten_lists(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows
        .columns()
        .iter()
        .map(|column| {
            let texts = cast(column, &DataType::Utf8)?;
            let shortened: StringArray = texts
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(with_short_lists))
                .collect();
            Ok(cast(
                &(Arc::new(shortened) as ArrayRef),
                column.data_type(),
            )?)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

/// A text with every list of more than sixteen numbers in brackets as `[0.1, 0.2, 0.3, 0.4, .. 380 more]`, for readers
/// of plans and of the names of columns.
///
/// ```
/// let ones = ["1"; 20].join(", ");
/// let short = ogive_sql::with_short_lists(&format!("l2_distance(v, [{ones}])"));
/// assert_eq!(short, "l2_distance(v, [1, 1, 1, 1, .. 16 more])");
/// ```
pub fn with_short_lists(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4096));
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let (before, list) = rest.split_at(start + 1);
        out.push_str(before);
        rest = match list.find([']', '[']) {
            Some(end) if list[end..].starts_with(']') => {
                // With spaces as values print, or without, as texts are often written.
                let separator = match list[..end].contains(", ") {
                    true => ", ",
                    false => ",",
                };
                let numbers: Vec<&str> = list[..end].split(separator).collect();
                if numbers.len() > SHOWN_WHOLE_MAX
                    && numbers.iter().all(|n| n.parse::<f64>().is_ok())
                {
                    out.push_str(&numbers[..SHOWN].join(separator));
                    out.push_str(&format!(", .. {} more", numbers.len() - SHOWN));
                } else {
                    out.push_str(&list[..end]);
                }
                &list[end..]
            }
            _ => list,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_lists_of_numbers_are_shortened() {
        let numbers = |n: usize| {
            let all: Vec<String> = (0..n).map(|i| format!("{}.5", i as i64 - 3)).collect();
            all.join(", ")
        };
        let short = format!("l2_distance(v@0, [{}]) < 1", numbers(16));
        assert_eq!(with_short_lists(&short), short);
        assert_eq!(
            with_short_lists(&format!("f([a, b], [{}]) [{}]", numbers(17), numbers(384))),
            "f([a, b], [-3.5, -2.5, -1.5, 0.5, .. 13 more]) [-3.5, -2.5, -1.5, 0.5, .. 380 more]"
        );
        assert_eq!(
            with_short_lists(&format!(
                "to_vector(Utf8(\"[{}]\"))",
                numbers(18).replace(' ', "")
            )),
            "to_vector(Utf8(\"[-3.5,-2.5,-1.5,0.5, .. 14 more]\"))"
        );
        let names = "file_groups={1 group: [[".to_string() + &["a.cvc"; 20].join(", ") + "]]}";
        assert_eq!(with_short_lists(&names), names);
        assert_eq!(with_short_lists("open [1, 2"), "open [1, 2");
    }
}
