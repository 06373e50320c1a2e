//! `COPY` of vectors to CSV: as their texts, which pgvector's `COPY` reads and writes too.
//!
//! ```text
//! COPY (SELECT id, v ..) TO 'x.csv'   =>   COPY (SELECT id, vector_to_text(v) AS v ..) TO 'x.csv'
//! ```

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::dml::CopyTo;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use ogive_udfs::{SqlVectorType, to_text_udf};

/// A plan whose copies to CSV have texts for columns of pgvector's types.
pub(crate) fn vectors_as_texts(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_down(|node| match node {
        LogicalPlan::Copy(copy) if copy.file_type.get_ext() == "csv" => with_texts(copy),
        LogicalPlan::Copy(_) | LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => {
            Ok(Transformed::no(node))
        }
        // Nothing else has a copy inside.
        _ => Ok(Transformed::new(node, false, TreeNodeRecursion::Jump)),
    })
    .data()
}

fn with_texts(mut copy: CopyTo) -> Result<Transformed<LogicalPlan>> {
    let mut changed = false;
    let columns: Vec<Expr> = copy
        .input
        .schema()
        .iter()
        .map(|(relation, field)| {
            let column = Expr::Column(Column::from((relation, field)));
            if SqlVectorType::of(field).is_none() {
                return column;
            }
            changed = true;
            to_text_udf()
                .call(vec![column])
                .alias_qualified(relation.cloned(), field.name())
        })
        .collect();
    if !changed {
        return Ok(Transformed::no(LogicalPlan::Copy(copy)));
    }
    copy.input = Arc::new(LogicalPlan::Projection(Projection::try_new(
        columns, copy.input,
    )?));
    Ok(Transformed::yes(LogicalPlan::Copy(copy)))
}
