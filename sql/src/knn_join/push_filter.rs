//! `WHERE` over a kNN join.
//!
//! ```text
//! Filter: q.split = 'test' AND x.d < 1      Filter: x.d < 1
//!   KnnJoin                             =>    KnnJoin
//!     q                                         Filter: q.split = 'test'
//!     d                                           q
//!                                               d
//! ```
//!
//! A condition on the right is one on the neighbours, and stays: below it would choose others.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Extension, Filter, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::node::KnnJoinNode;
use crate::types::has_subquery;

/// The rule. DataFusion's own rule brings filters down to the join and takes them on below it.
#[derive(Debug, Default)]
pub struct PushFilterIntoKnnJoin;

impl OptimizerRule for PushFilterIntoKnnJoin {
    fn name(&self) -> &str {
        "push_filter_into_knn_join"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = &plan else {
            return Ok(Transformed::no(plan));
        };
        let LogicalPlan::Extension(extension) = filter.input.as_ref() else {
            return Ok(Transformed::no(plan));
        };
        let Some(join) = extension.node.as_any().downcast_ref::<KnnJoinNode>() else {
            return Ok(Transformed::no(plan));
        };
        let left = join.left().schema();
        let (below, above): (Vec<&Expr>, Vec<&Expr>) = split_conjunction(&filter.predicate)
            .into_iter()
            .partition(|part| {
                !part.is_volatile()
                    && !has_subquery(part)
                    && part
                        .column_refs()
                        .iter()
                        .all(|column| left.has_column(column))
            });
        let Some(below) = conjunction(below.into_iter().cloned()) else {
            return Ok(Transformed::no(plan));
        };
        let filtered = Filter::try_new(below, Arc::clone(join.left()))?;
        let join = LogicalPlan::Extension(Extension {
            node: Arc::new(join.with_left(LogicalPlan::Filter(filtered))),
        });
        Ok(Transformed::yes(
            match conjunction(above.into_iter().cloned()) {
                None => join,
                Some(above) => LogicalPlan::Filter(Filter::try_new(above, Arc::new(join))?),
            },
        ))
    }
}
