//! A lateral join taken apart.
//!
//! ```text
//! Join                                        left
//!   left
//!   (SubqueryAlias)* Subquery                 outputs: the right's columns, as expressions over left and inner
//!     (Projection | SubqueryAlias | Filter)*  conditions: filters on rows that the limit let through
//!       Limit                                 skip, fetch
//!         (.. | Sort)*                        keys
//!           (Projection | SubqueryAlias | Filter)*   predicates: filters on rows before they are sorted
//!             inner                           the largest part at the bottom that does not refer to the left
//! ```
//!
//! Refused, and left for DataFusion: references to the left below a join, an aggregate, a window, a union or a second
//! limit; subqueries within expressions that refer to the left; volatile expressions above `inner`, which would be computed
//! for other rows than written.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, NullEquality, Result, TableReference};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{
    Expr, FetchType, Join, JoinType, Limit, LogicalPlan, LogicalPlanBuilder, SkipType, SortExpr,
    lit,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

/// The qualifier of inner columns whose names the left side has too.
const INNER: &str = "__inner";

/// The parts of a lateral join. Expressions are over the columns of `left` and `inner`, which no name confuses.
#[derive(Debug)]
pub(super) struct Lateral {
    pub left: Arc<LogicalPlan>,
    pub inner: LogicalPlan,
    /// Inner or left.
    pub join_type: JoinType,
    pub predicates: Vec<Expr>,
    pub keys: Vec<SortExpr>,
    pub skip: usize,
    pub fetch: Option<usize>,
    pub conditions: Vec<Expr>,
    /// One for each column of the right.
    pub outputs: Vec<Expr>,
    /// What the join gave: columns of the left, then of the right.
    pub schema: DFSchemaRef,
}

/// Takes a join apart; `None` when it is not lateral, or not of this shape.
pub(super) fn take_apart(join: &Join) -> Result<Option<Lateral>> {
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) || !is_lateral(&join.right) {
        return Ok(None);
    }
    let left_schema = join.left.schema();
    let Some(Chain {
        nodes,
        inner,
        limit,
        key_node,
        refers,
    }) = Chain::of(&join.right, left_schema)?
    else {
        return Ok(None);
    };
    if limit.is_none() && !refers {
        return Ok(None);
    }
    let (inner, columns) = unambiguous(inner, left_schema)?;
    let mut env = Env {
        left: left_schema,
        columns,
    };
    let mut parts = (Vec::new(), Vec::new(), Vec::new());
    let (predicates, keys, conditions) = (&mut parts.0, &mut parts.1, &mut parts.2);
    for (index, node) in nodes.iter().enumerate().rev() {
        match node {
            LogicalPlan::Projection(projection) => {
                let mut columns = Vec::with_capacity(projection.expr.len());
                for expr in &projection.expr {
                    let Some(expr) = env.resolve(expr, projection.input.schema())? else {
                        return Ok(None);
                    };
                    columns.push(expr);
                }
                env.columns = columns;
            }
            LogicalPlan::Filter(filter) => {
                let Some(expr) = env.resolve(&filter.predicate, filter.input.schema())? else {
                    return Ok(None);
                };
                let below_limit = limit.as_ref().is_some_and(|limit| index > limit.index);
                let side = if below_limit {
                    &mut *predicates
                } else {
                    &mut *conditions
                };
                side.extend(split_conjunction_owned(expr));
            }
            LogicalPlan::Sort(sort) if key_node == Some(index) => {
                for key in &sort.expr {
                    let Some(expr) = env.resolve(&key.expr, sort.input.schema())? else {
                        return Ok(None);
                    };
                    keys.push(SortExpr { expr, ..*key });
                }
            }
            _ => {}
        }
    }
    let right_schema = join.right.schema();
    for (left, right) in &join.on {
        let Some(right) = env.resolve(right, right_schema)? else {
            return Ok(None);
        };
        conditions.push(match join.null_equality {
            NullEquality::NullEqualsNothing => left.clone().eq(right),
            NullEquality::NullEqualsNull => datafusion::logical_expr::binary_expr(
                left.clone(),
                datafusion::logical_expr::Operator::IsNotDistinctFrom,
                right,
            ),
        });
    }
    if let Some(filter) = &join.filter {
        let Some(filter) = env.resolve_on(filter, right_schema)? else {
            return Ok(None);
        };
        conditions.extend(split_conjunction_owned(filter));
    }
    conditions.retain(|condition| *condition != lit(true));
    let (skip, fetch) = limit.map_or((0, None), |limit| (limit.skip, limit.fetch));
    let (predicates, keys, conditions) = parts;
    Ok(Some(Lateral {
        left: Arc::clone(&join.left),
        inner,
        join_type: join.join_type,
        predicates,
        keys,
        skip,
        fetch,
        conditions,
        outputs: env.columns,
        schema: Arc::clone(&join.schema),
    }))
}

impl Lateral {
    /// The join's columns: those of the left as they are, `outputs` under their names.
    pub(super) fn projection(&self, outputs: Vec<Expr>) -> Vec<Expr> {
        let left = self.left.schema().fields().len();
        let mut exprs: Vec<Expr> = self
            .left
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        for ((qualifier, field), expr) in self.schema.iter().skip(left).zip(outputs) {
            exprs.push(named(expr, qualifier, field.name()));
        }
        exprs
    }
}

/// An expression under a column's name.
fn named(expr: Expr, qualifier: Option<&TableReference>, name: &str) -> Expr {
    if let Expr::Column(column) = &expr
        && column.relation.as_ref() == qualifier
        && column.name == name
    {
        return expr;
    }
    expr.alias_qualified(qualifier.cloned(), name)
}

/// `true` where the right of a join is a subquery that may refer to the left.
pub(super) fn is_lateral(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Subquery(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_lateral(&alias.input),
        _ => false,
    }
}

/// The nodes above `inner`, top first.
struct Chain<'a> {
    nodes: Vec<&'a LogicalPlan>,
    inner: &'a LogicalPlan,
    limit: Option<Bounds>,
    /// The sort whose order the limit counts in.
    key_node: Option<usize>,
    /// A sort that no limit needs refers to the left.
    refers: bool,
}

/// A limit, as the number of its node in the chain.
struct Bounds {
    index: usize,
    skip: usize,
    fetch: Option<usize>,
}

impl<'a> Chain<'a> {
    fn of(right: &'a LogicalPlan, left: &DFSchema) -> Result<Option<Self>> {
        let mut chain = Chain {
            nodes: Vec::new(),
            inner: right,
            limit: None,
            key_node: None,
            refers: false,
        };
        let mut plan = right;
        loop {
            if !refers_to(plan, left)? {
                chain.inner = plan;
                return Ok(Some(chain));
            }
            let index = chain.nodes.len();
            let input = match plan {
                LogicalPlan::Projection(projection) => &projection.input,
                LogicalPlan::SubqueryAlias(alias) => &alias.input,
                LogicalPlan::Subquery(subquery) => &subquery.subquery,
                LogicalPlan::Filter(filter) => &filter.input,
                LogicalPlan::Limit(limit) if chain.limit.is_none() => {
                    let Some((skip, fetch)) = bounds(limit)? else {
                        return Ok(None);
                    };
                    chain.limit = Some(Bounds { index, skip, fetch });
                    &limit.input
                }
                LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
                    // The upper one of two sorts decides; one above the limit orders what has no order.
                    if chain.limit.is_some() && chain.key_node.is_none() {
                        chain.key_node = Some(index);
                    }
                    chain.refers |= sort.expr.iter().any(|key| key.expr.contains_outer());
                    &sort.input
                }
                _ => return Ok(None),
            };
            chain.nodes.push(plan);
            plan = input;
        }
    }
}

/// What a limit skips and fetches, if that can be told.
fn bounds(limit: &Limit) -> Result<Option<(usize, Option<usize>)>> {
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().build());
    let simplify = |expr: &Option<Box<Expr>>| {
        let expr = expr.as_deref().cloned();
        let simple = expr.map(|expr| simplifier.simplify(expr)).transpose();
        simple.map(|expr| expr.map(Box::new))
    };
    let limit = Limit {
        skip: simplify(&limit.skip)?,
        fetch: simplify(&limit.fetch)?,
        input: Arc::clone(&limit.input),
    };
    Ok(match (limit.get_skip_type()?, limit.get_fetch_type()?) {
        (SkipType::Literal(skip), FetchType::Literal(fetch)) => Some((skip, fetch)),
        _ => None,
    })
}

/// Whether a plan refers to columns outside of it: in its own expressions at all, in subqueries of those to columns
/// that `left` has.
pub(super) fn refers_to(plan: &LogicalPlan, left: &DFSchema) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                found |= match expr {
                    Expr::OuterReferenceColumn(_, _) => true,
                    other => outer_columns(other)
                        .iter()
                        .any(|column| matches!(column, Expr::OuterReferenceColumn(_, c) if left.has_column(c))),
                };
                Ok(step(found))
            })
        })?;
        Ok(step(found))
    })?;
    Ok(found)
}

fn step(found: bool) -> TreeNodeRecursion {
    if found {
        TreeNodeRecursion::Stop
    } else {
        TreeNodeRecursion::Continue
    }
}

/// The columns that a subquery within an expression takes from around it.
fn outer_columns(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::ScalarSubquery(subquery) => &subquery.outer_ref_columns,
        Expr::InSubquery(query) => &query.subquery.outer_ref_columns,
        Expr::Exists(exists) => &exists.subquery.outer_ref_columns,
        Expr::SetComparison(comparison) => &comparison.subquery.outer_ref_columns,
        _ => &[],
    }
}

/// The inner plan with columns whose names say which side they are from, and those columns.
pub(super) fn unambiguous(
    inner: &LogicalPlan,
    left: &DFSchema,
) -> Result<(LogicalPlan, Vec<Expr>)> {
    if left.join(inner.schema()).is_ok() {
        let columns = inner.schema().columns();
        return Ok((
            inner.clone(),
            columns.into_iter().map(Expr::Column).collect(),
        ));
    }
    let mut renamed = Vec::new();
    let mut columns = Vec::new();
    for (index, column) in inner.schema().columns().into_iter().enumerate() {
        let name = format!("__{index}_{}", column.name);
        columns.push(Expr::Column(Column::new(Some(INNER), &name)));
        renamed.push(Expr::Column(column).alias_qualified(Some(INNER), name));
    }
    let plan = LogicalPlanBuilder::from(inner.clone())
        .project(renamed)?
        .build()?;
    Ok((plan, columns))
}

/// What the columns of a node in the chain are.
pub(super) struct Env<'a> {
    pub(super) left: &'a DFSchema,
    pub(super) columns: Vec<Expr>,
}

impl Env<'_> {
    /// An expression over a node with `schema`, over left and inner instead.
    pub(super) fn resolve(&self, expr: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
        self.replace(expr, |column| {
            let index = schema.maybe_index_of_column(column)?;
            self.columns.get(index).cloned()
        })
    }

    /// The same for a join's own condition, where columns of the left are columns too.
    fn resolve_on(&self, expr: &Expr, right: &DFSchema) -> Result<Option<Expr>> {
        self.replace(expr, |column| {
            if self.left.has_column(column) {
                return Some(Expr::Column(column.clone()));
            }
            let index = right.maybe_index_of_column(column)?;
            self.columns.get(index).cloned()
        })
    }

    fn replace(
        &self,
        expr: &Expr,
        column: impl Fn(&Column) -> Option<Expr>,
    ) -> Result<Option<Expr>> {
        if expr.is_volatile() {
            return Ok(None);
        }
        let mut known = true;
        let replaced = expr
            .clone()
            .transform_up(|node| {
                let replacement = match &node {
                    Expr::Column(found) => column(found),
                    Expr::OuterReferenceColumn(_, outer) if self.left.has_column(outer) => {
                        Some(Expr::Column(outer.clone()))
                    }
                    Expr::OuterReferenceColumn(_, _) => None,
                    other if !outer_columns(other).is_empty() => None,
                    _ => return Ok(Transformed::no(node)),
                };
                Ok(match replacement {
                    Some(replacement) => Transformed::yes(replacement),
                    None => {
                        known = false;
                        Transformed::no(node)
                    }
                })
            })
            .data()?;
        Ok(known.then(|| replaced.unalias_nested().data))
    }
}
