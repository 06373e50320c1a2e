//! `COPY` of vectors to CSV: as their texts, which pgvector's `COPY` reads and writes too.
//!
//! ```text
//! COPY (SELECT id, v ..) TO 'x.csv'   =>   COPY (SELECT id, vector_to_text(v) AS v ..) TO 'x.csv'
//! ```

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::dml::CopyTo;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, cast};
use ogive_udfs::{SqlVectorType, to_text_udf};

use crate::rules::copy_target::{with_literal_target, with_named_partitions};

/// A plan whose copies go where they say, and those to CSV have texts for columns of pgvector's types.
pub(crate) fn vectors_as_texts(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_down(|node| match node {
        LogicalPlan::Copy(mut copy) => {
            let mut changed = with_literal_target(&mut copy)?;
            changed |= with_named_partitions(&mut copy)?;
            if matches!(copy.file_type.get_ext().as_str(), "csv" | "tsv") {
                changed |= with_texts(&mut copy)?;
            }
            let copy = LogicalPlan::Copy(copy);
            Ok(Transformed::new(copy, changed, TreeNodeRecursion::Jump))
        }
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Ok(Transformed::no(node)),
        // Nothing else has a copy inside.
        _ => Ok(Transformed::new(node, false, TreeNodeRecursion::Jump)),
    })
    .data()
}

fn with_texts(copy: &mut CopyTo) -> Result<bool> {
    let mut changed = false;
    let columns: Vec<Expr> = copy
        .input
        .schema()
        .iter()
        .map(|(relation, field)| {
            let column = Expr::Column(Column::from((relation, field)));
            let text = match SqlVectorType::of(field) {
                Some(_) => to_text_udf().call(vec![column]),
                None if is_numbers(field.data_type()) => list_text(column, field.data_type()),
                None => return column,
            };
            changed = true;
            text.alias_qualified(relation.cloned(), field.name())
        })
        .collect();
    if changed {
        let projection = Projection::try_new(columns, Arc::clone(&copy.input))?;
        copy.input = Arc::new(LogicalPlan::Projection(projection));
    }
    Ok(changed)
}

/// Whether a list is a vector without a mark, as in files of arrays: its text is one too.
fn is_numbers(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(element, _)
        | DataType::List(element)
        | DataType::LargeList(element) => element.data_type().is_numeric(),
        _ => false,
    }
}

/// Arrow writes lists as texts, and those of a fixed size not.
fn list_text(column: Expr, data_type: &DataType) -> Expr {
    let list = match data_type {
        DataType::FixedSizeList(element, _) => cast(column, DataType::List(Arc::clone(element))),
        _ => column,
    };
    cast(list, DataType::Utf8)
}
