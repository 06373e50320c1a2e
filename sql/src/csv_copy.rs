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

use crate::copy_target::{with_literal_target, with_named_partitions};

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
            if SqlVectorType::of(field).is_none() {
                return column;
            }
            changed = true;
            to_text_udf()
                .call(vec![column])
                .alias_qualified(relation.cloned(), field.name())
        })
        .collect();
    if changed {
        let projection = Projection::try_new(columns, Arc::clone(&copy.input))?;
        copy.input = Arc::new(LogicalPlan::Projection(projection));
    }
    Ok(changed)
}
