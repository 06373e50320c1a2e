//! `ORDER BY <distance> LIMIT k` where the scan did not get the request of
//! [`VectorTopK`](super::VectorTopK).
//!
//! ```text
//! SortExec: TopK(fetch=k), expr=[l2_distance(v@0, scalar_subquery(..))]
//!   (ProjectionExec)*
//!     X
//! ```
//!
//! Where X is the scan of a vector file, the query vector is known only at run time: a logical
//! plan that held the subquery twice would run it twice, so the request is put into the physical
//! scan, with the very expression that the sort evaluates. Over any other X comes a
//! [`VectorTopKExec`], which passes on only rows that can be among the nearest. Columns that a
//! Parquet scan computes are taken out of it, so that they are computed for those rows alone.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use ogive_kernels::Order;
use ogive_table_providers::{
    ParquetVectors, TopKRequest, VaultScanExec, VectorSource, is_searchable,
};
use ogive_udfs::{Execution, bound_constant, metric_of, precision_of};

use crate::exec::VectorTopKExec;
use crate::settings::is_enabled;

/// More rows than this are for a sort: keeping candidates would cost more than it saves.
const K_MAX: usize = 65_536;

/// The rule.
#[derive(Debug, Default)]
pub struct PhysicalTopK {
    parquet: Arc<ParquetVectors>,
}

impl PhysicalOptimizerRule for PhysicalTopK {
    fn name(&self) -> &str {
        "physical_vector_top_k"
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
                match wanted.put_into(sort.input(), &self.parquet)? {
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
    fn put_into(
        self,
        plan: &Arc<dyn ExecutionPlan>,
        parquet: &Arc<ParquetVectors>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let Some(key) = below(&self.key, projection.expr())? else {
                return Ok(None);
            };
            let inner = Wanted { key, ..self }.put_into(projection.input(), parquet)?;
            return inner
                .map(|input| {
                    Arc::clone(plan).replace_children(
                        vec![input],
                        ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
                    )
                })
                .transpose();
        }
        if let Some(config) = file_scan(plan) {
            if config.limit.is_some() {
                return Ok(None);
            }
            if let Some(source) = config.file_source().downcast_ref::<VectorSource>() {
                return self.put_into_scan(config, source);
            }
            if let Some((scan, projection)) = columns_only(config)? {
                let Some(key) = below(&self.key, &projection)? else {
                    return Ok(None);
                };
                let inner = Wanted { key, ..self }.put_above(&scan, parquet)?;
                return inner
                    .map(|input| Ok(Arc::new(ProjectionExec::try_new(projection, input)?) as _))
                    .transpose();
            }
        }
        self.put_above(plan, parquet)
    }

    /// A search between the sort and any plan.
    fn put_above(
        self,
        plan: &Arc<dyn ExecutionPlan>,
        parquet: &Arc<ParquetVectors>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let distance = Arc::clone(&self.key);
        if self.k > K_MAX || (self.ties && !is_parquet(plan)) {
            return Ok(None);
        }
        let vault = plan.downcast_ref::<VaultScanExec>();
        if vault.is_some_and(VaultScanExec::is_top_k) {
            return Ok(None);
        }
        let schema = plan.schema();
        let request = self
            .request_of(&distance, &schema)
            // Sparse vectors and texts are no lists.
            .filter(|request| schema.field(request.column).data_type().is_list());
        Ok(request.map(|request| {
            let parquet = Arc::clone(parquet);
            let search = VectorTopKExec::new(Arc::clone(plan), request, distance, parquet);
            Arc::new(search) as Arc<dyn ExecutionPlan>
        }))
    }

    /// The request in the scan of a vector file.
    fn put_into_scan(
        self,
        config: &FileScanConfig,
        source: &VectorSource,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if source.top_k().is_some() {
            return Ok(None);
        }
        let schema = Arc::clone(source.table_schema().file_schema());
        let key = match source.projection() {
            Some(projection) => projection.unproject_expr(&self.key)?,
            None => Arc::clone(&self.key),
        };
        let Some(request) = self.request_of(&key, &schema) else {
            return Ok(None);
        };
        if !is_searchable(schema.field(request.column).data_type()) {
            return Ok(None);
        }
        let config = FileScanConfigBuilder::from(config.clone())
            .with_statistics(config.statistics().to_inexact())
            .with_source(Arc::new(
                source
                    .clone()
                    .with_top_k(request)
                    .with_indexes(&config.file_groups),
            ))
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    /// The request, if `key` is a distance between a column of `schema` and something constant.
    fn request_of(self, key: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Option<TopKRequest> {
        let call = key.downcast_ref::<ScalarFunctionExpr>()?;
        let (Some(metric), sides) = (metric_of(call.fun()), arguments(call)) else {
            return None;
        };
        let [left, right] = sides.as_slice() else {
            return None;
        };
        let (column, query) = match (
            left.downcast_ref::<Column>(),
            right.downcast_ref::<Column>(),
        ) {
            (Some(column), None) => (column, right),
            (None, Some(column)) => (column, left),
            _ => return None,
        };
        let index = schema.index_of(column.name()).ok()?;
        let index = if schema.fields().get(column.index())?.name() == column.name() {
            column.index()
        } else {
            index
        };
        if !collect_columns(query).is_empty() || is_volatile(query) {
            return None;
        }
        let fields = [left, right].map(|side| side.return_field(schema));
        let [Ok(left), Ok(right)] = fields else {
            return None;
        };
        let instructions = Execution::of(call.config_options()).instructions();
        let request = TopKRequest::new(
            metric,
            precision_of(&[left, right]),
            index,
            column.name().to_string(),
            Arc::clone(query),
            self.k,
            self.order,
            self.ties,
        );
        Some(request.with_instructions(instructions))
    }
}

/// The arguments of a distance, the constant that the function holds among them.
pub(crate) fn arguments(call: &ScalarFunctionExpr) -> Vec<Arc<dyn PhysicalExpr>> {
    let mut arguments = call.args().to_vec();
    if let Some((constant, field, first)) = bound_constant(call.fun()) {
        let metadata = FieldMetadata::from(field.as_ref());
        let constant = Literal::new_with_metadata(constant.clone(), Some(metadata));
        arguments.insert(if first { 0 } else { arguments.len() }, Arc::new(constant));
    }
    arguments
}

/// The files that a plan scans, if that is all it does.
pub(crate) fn file_scan(plan: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    plan.downcast_ref::<DataSourceExec>()?
        .data_source()
        .downcast_ref::<FileScanConfig>()
}

fn is_parquet(plan: &Arc<dyn ExecutionPlan>) -> bool {
    file_scan(plan).is_some_and(|config| config.file_source().is::<ParquetSource>())
}

/// A scan, and what is computed from its columns.
type Computed = (Arc<dyn ExecutionPlan>, Vec<ProjectionExpr>);

/// A Parquet scan that computes columns, as a scan of columns and the projection that computes.
fn columns_only(config: &FileScanConfig) -> Result<Option<Computed>> {
    let Some(source) = config.file_source().downcast_ref::<ParquetSource>() else {
        return Ok(None);
    };
    let Some(projection) = source.projection() else {
        return Ok(None);
    };
    if projection
        .iter()
        .all(|projected| projected.expr.is::<Column>())
    {
        return Ok(None);
    }
    let columns = projection.column_indices();
    let schema = source.table_schema().table_schema();
    let plain = ProjectionExprs::from_indices(&columns, schema);
    let mut fresh = ParquetSource::new(source.table_schema().clone())
        .with_table_parquet_options(source.table_parquet_options().clone());
    if let Some(factory) = source.parquet_file_reader_factory() {
        fresh = fresh.with_parquet_file_reader_factory(Arc::clone(factory));
    }
    if let Some(predicate) = source.filter() {
        fresh = fresh.with_predicate(predicate);
    }
    let Some(fresh) = fresh.try_pushdown_projection(&plain)? else {
        return Ok(None);
    };
    let config = FileScanConfigBuilder::from(config.clone())
        .with_source(fresh)
        .build();
    let scan = DataSourceExec::from_data_source(config);
    let over = scan.schema();
    let exprs = projection
        .iter()
        .map(|projected| {
            let expr = reassign_expr_columns(Arc::clone(&projected.expr), &over)?;
            Ok(ProjectionExpr::new(expr, projected.alias.clone()))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Some((scan, exprs)))
}

/// Whether a part of an expression may differ from call to call.
fn is_volatile(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.is_volatile_node() || expr.children().into_iter().any(is_volatile)
}

/// An expression over a projection's output in terms of its input.
pub(crate) fn below(
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
