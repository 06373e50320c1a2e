//! `ORDER BY <distance to a subquery's vector> LIMIT k`: the request of
//! [`VectorTopK`](super::VectorTopK) where the query vector is known only at run time.
//!
//! ```text
//! SortExec: TopK(fetch=k), expr=[l2_distance(v@0, scalar_subquery(..))]
//!   (ProjectionExec)*
//!     DataSourceExec: file_type=cvc
//! ```
//!
//! A logical plan that held the subquery twice would run it twice, so here the request is put
//! into the physical scan, with the very expression that the sort evaluates.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use ogive_kernels::Order;
use ogive_table_providers::{TopKRequest, VectorSource};
use ogive_udfs::metric_of;

use super::vector_top_k::is_enabled;

/// The rule.
#[derive(Debug, Default)]
pub struct TopKSubquery;

impl PhysicalOptimizerRule for TopKSubquery {
    fn name(&self) -> &str {
        "vector_top_k_subquery"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !is_enabled(config) {
            return Ok(plan);
        }
        Ok(plan
            .transform_down(|node| {
                let Some(sort) = node.downcast_ref::<SortExec>() else {
                    return Ok(Transformed::no(node));
                };
                let (Some(k), first) = (sort.fetch(), sort.expr().first()) else {
                    return Ok(Transformed::no(node));
                };
                let order = Order {
                    descending: first.options.descending,
                    nulls_first: first.options.nulls_first,
                };
                let wanted = Wanted {
                    key: Arc::clone(&first.expr),
                    k,
                    order,
                    ties: sort.expr().len() > 1,
                };
                match wanted.put_into(sort.input())? {
                    None => Ok(Transformed::no(node)),
                    Some(input) => {
                        let replaced = Arc::clone(&node).replace_children(
                            vec![input],
                            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
                        )?;
                        Ok(Transformed::yes(replaced))
                    }
                }
            })?
            .data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What the sort wants, in terms of the plan reached so far.
struct Wanted {
    key: Arc<dyn PhysicalExpr>,
    k: usize,
    order: Order,
    ties: bool,
}

impl Wanted {
    fn put_into(self, plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let Some(key) = below(&self.key, projection.expr())? else {
                return Ok(None);
            };
            let inner = Wanted { key, ..self }.put_into(projection.input())?;
            return inner
                .map(|input| {
                    Arc::clone(plan).replace_children(
                        vec![input],
                        ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
                    )
                })
                .transpose();
        }
        let Some(scan) = plan.downcast_ref::<DataSourceExec>() else {
            return Ok(None);
        };
        let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>() else {
            return Ok(None);
        };
        let Some(source) = config.file_source().downcast_ref::<VectorSource>() else {
            return Ok(None);
        };
        if source.top_k().is_some() || config.limit.is_some() {
            return Ok(None);
        }
        let Some(request) = self.request(config)? else {
            return Ok(None);
        };
        let config = FileScanConfigBuilder::from(config.clone())
            .with_statistics(config.statistics().to_inexact())
            .with_source(Arc::new(source.clone().with_top_k(request)))
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    fn request(self, config: &FileScanConfig) -> Result<Option<TopKRequest>> {
        let schema = config.file_source().table_schema().file_schema();
        let key = match config.file_source().projection() {
            Some(projection) => projection.unproject_expr(&self.key)?,
            None => self.key,
        };
        let Some(call) = key.downcast_ref::<ScalarFunctionExpr>() else {
            return Ok(None);
        };
        let (Some(metric), [left, right]) = (metric_of(call.fun()), call.args()) else {
            return Ok(None);
        };
        let (column, query) = match (
            left.downcast_ref::<Column>(),
            right.downcast_ref::<Column>(),
        ) {
            (Some(column), None) => (column, right),
            (None, Some(column)) => (column, left),
            _ => return Ok(None),
        };
        let Ok(index) = schema.index_of(column.name()) else {
            return Ok(None);
        };
        let searchable = ogive_table_providers::is_searchable(schema.field(index).data_type());
        if !searchable || !collect_columns(query).is_empty() || is_volatile(query) {
            return Ok(None);
        }
        Ok(Some(TopKRequest::new(
            metric,
            index,
            column.name().to_string(),
            Arc::clone(query),
            self.k,
            self.order,
            self.ties,
        )))
    }
}

/// Whether a part of an expression may differ from call to call.
fn is_volatile(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.is_volatile_node() || expr.children().into_iter().any(is_volatile)
}

/// An expression over a projection's output in terms of its input.
fn below(
    key: &Arc<dyn PhysicalExpr>,
    projection: &[ProjectionExpr],
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let mut known = true;
    let replaced = Arc::clone(key).transform_down(|node| {
        let Some(column) = node.downcast_ref::<Column>() else {
            return Ok(Transformed::no(node));
        };
        Ok(match projection.get(column.index()) {
            Some(inner) => Transformed::new(
                Arc::clone(&inner.expr),
                true,
                datafusion::common::tree_node::TreeNodeRecursion::Jump,
            ),
            None => {
                known = false;
                Transformed::no(node)
            }
        })
    })?;
    Ok(known.then_some(replaced.data))
}
