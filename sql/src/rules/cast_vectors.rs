//! The first look at a plan's expressions.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    DmlStatement, Expr, ExprSchemable, LogicalPlan, Projection, Union, WriteOp,
};
use datafusion::optimizer::AnalyzerRule;
use ogive_udfs::SqlVectorType;

use crate::types::{as_array_of, cast_vectors, to_type};

/// Applies the rewrites of [`casts`](crate::types) to every expression of a plan, before any other rule.
///
/// DataFusion's door for such rewrites keeps the name of each expression, which for a sort key is of no use to anybody and
/// has every number of a query vector printed.
#[derive(Debug, Default)]
pub struct CastVectors;

impl AnalyzerRule for CastVectors {
    fn name(&self) -> &str {
        "cast_vectors"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut has_new_types = false;
        let rewritten = plan.transform_up_with_subqueries(|node| {
            if let LogicalPlan::Union(union) = &node
                && let Some(union) = of_one_type(union)?
            {
                has_new_types = true;
                return Ok(Transformed::yes(LogicalPlan::Union(union)));
            }
            // What stands above such a union was planned with the types of its first query.
            let node = match has_new_types {
                true => node.recompute_schema()?,
                false => node,
            };
            in_node(node, config)?.transform_data(|node| {
                let marked = with_marks(node)?;
                has_new_types |= marked.transformed;
                Ok(marked)
            })
        })?;
        Ok(rewritten.data)
    }
}

/// What `unnest` and `array_agg` give of pgvector's types, with the mark that they drop:
///
/// ```text
/// Unnest: a                            =>   Projection: to_vector(a) AS a
///   x                                         Unnest: a
///
/// Aggregate: array_agg(v)              =>   Projection: CAST(array_agg(v) AS vector[]) AS array_agg(v)
///   x                                         Aggregate: array_agg(v)
/// ```
fn with_marks(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let count = node.schema().fields().len();
    let mut kinds: Vec<Option<SqlVectorType>> = vec![None; count];
    let is_unnest = match &node {
        LogicalPlan::Unnest(unnest) => {
            let lists = unnest.list_type_columns.iter();
            let lists: Vec<usize> = lists.map(|(index, _)| *index).collect();
            for (kind, input) in kinds.iter_mut().zip(&unnest.dependency_indices) {
                if lists.contains(input)
                    && let DataType::List(element) | DataType::FixedSizeList(element, _) =
                        unnest.input.schema().field(*input).data_type()
                {
                    *kind = SqlVectorType::of(element);
                }
            }
            true
        }
        LogicalPlan::Aggregate(aggregate) => {
            let from = count.saturating_sub(aggregate.aggr_expr.len());
            for (kind, expr) in kinds.iter_mut().skip(from).zip(&aggregate.aggr_expr) {
                if let Expr::AggregateFunction(call) = expr.clone().unalias()
                    && call.func.name() == "array_agg"
                    && let Some(argument) = call.params.args.first()
                {
                    let (_, field) = argument.to_field(aggregate.input.schema())?;
                    *kind = SqlVectorType::of(&field);
                }
            }
            false
        }
        _ => return Ok(Transformed::no(node)),
    };
    if kinds.iter().all(Option::is_none) {
        return Ok(Transformed::no(node));
    }
    let columns = node.schema().iter().zip(&kinds);
    let columns = columns.map(|((table, field), kind)| {
        let column = Expr::Column(Column::from((table, field)));
        let Some(kind) = kind else {
            return column;
        };
        let marked = match is_unnest {
            true => to_type(*kind, None, column),
            false => as_array_of(*kind, column),
        };
        marked.alias_qualified(table.cloned(), field.name())
    });
    let columns = columns.collect();
    let projection = Projection::try_new(columns, Arc::new(node))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}

fn in_node(node: LogicalPlan, config: &ConfigOptions) -> Result<Transformed<LogicalPlan>> {
    let schema = columns(&node)?;
    let names = (!matches!(node, LogicalPlan::Sort(_))).then(|| NamePreserver::new(&node));
    node.map_expressions(|expr| {
        let name = names.as_ref().map(|names| names.save(&expr));
        let rewritten = expr.transform_up(|expr| cast_vectors(expr, &schema, config))?;
        Ok(rewritten.update_data(|expr| match name {
            Some(name) => name.restore(expr),
            None => expr,
        }))
    })
}

/// A union with its texts cast to the type of pgvector's that another of its queries has in their place; `None` if there
/// are none.
fn of_one_type(union: &Union) -> Result<Option<Union>> {
    let kinds: Vec<Option<SqlVectorType>> = (0..union.schema.fields().len())
        .map(|column| {
            let fields = union.inputs.iter();
            let mut kinds =
                fields.filter_map(|input| SqlVectorType::of(input.schema().fields().get(column)?));
            kinds.next()
        })
        .collect();
    let has_texts = |input: &Arc<LogicalPlan>| {
        let fields = input.schema().fields().iter();
        fields
            .zip(&kinds)
            .any(|(field, kind)| kind.is_some() && field.data_type().is_string())
    };
    if !union.inputs.iter().any(has_texts) {
        return Ok(None);
    }
    let inputs = union.inputs.iter().map(|input| {
        let columns = input.schema().iter().zip(&kinds);
        let columns = columns.map(|((table, field), kind)| {
            let column = Expr::Column(Column::from((table, field)));
            match kind {
                Some(kind) if field.data_type().is_string() => {
                    to_type(*kind, None, column).alias(field.name())
                }
                _ => column,
            }
        });
        let projection = Projection::try_new(columns.collect(), Arc::clone(input))?;
        Ok(Arc::new(LogicalPlan::Projection(projection)))
    });
    Union::try_new_with_loose_types(inputs.collect::<Result<_>>()?).map(Some)
}

/// What the expressions of a node may name; only types are asked for, so that their order does not matter.
fn columns(node: &LogicalPlan) -> Result<DFSchema> {
    let mut columns = merge_schema(&node.inputs());
    let table = match node {
        LogicalPlan::TableScan(scan) => Some((&scan.table_name, scan.source.schema())),
        LogicalPlan::Dml(DmlStatement {
            op: WriteOp::MergeInto(_),
            table_name,
            target,
            ..
        }) => Some((table_name, target.schema())),
        _ => None,
    };
    if let Some((name, schema)) = table {
        columns.merge(&DFSchema::try_from_qualified_schema(name.clone(), &schema)?);
    }
    Ok(columns)
}
