//! The plan with the operator.
//!
//! ```text
//! Filter: conditions
//!   Projection: the join's columns; the distance is a column
//!     KnnJoin: l2(d.v, q.v), k=10, type=inner
//!       left
//!       inner
//! ```
//!
//! For one sort key that is a distance, or a monotone wrapper of one, between an expression over the left and one over
//! the inner side, both lists of numbers. Refused: filters that compare the two sides, further keys, `OFFSET`, distances of
//! bits, sparse vectors and texts, conditions under a left join.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Extension, JoinType, LogicalPlan, LogicalPlanBuilder, lit};
use ogive_kernels::{Metric, Order, Precision};
use ogive_udfs::{field_of, metric_of, precision_of};

use super::expressions::{only_if, replace};
use super::lateral::Lateral;
use super::node::{KnnJoinNode, distance_column};
use crate::rules::{Key, strip};

/// More rows than this for each row of the left are for a sort.
const K_MAX: usize = 65_536;

/// True in rows of the inner side.
const MATCHED: &str = "__knn_matched";

/// Why the operator does not serve a join.
pub(crate) type Refusal = &'static str;

/// The plan for a join that was taken apart, or why the operator does not serve it.
pub(super) fn with_operator(
    lateral: &Lateral,
) -> Result<std::result::Result<LogicalPlan, Refusal>> {
    let key = match lateral.keys.as_slice() {
        [key] => key,
        [] => return Ok(Err("the subquery has no ORDER BY")),
        _ => return Ok(Err("ORDER BY has more than one key")),
    };
    let Some(k) = lateral.fetch else {
        return Ok(Err("the subquery has no LIMIT"));
    };
    let keeps_left = lateral.join_type == JoinType::Left;
    if lateral.skip > 0 {
        return Ok(Err("the subquery has an OFFSET"));
    }
    if k > K_MAX {
        return Ok(Err("LIMIT is larger than 65536"));
    }
    if !lateral.predicates.is_empty() {
        return Ok(Err("a filter before the LIMIT compares the two sides"));
    }
    if keeps_left && !lateral.conditions.is_empty() {
        return Ok(Err("a LEFT JOIN has a condition beside ON true"));
    }
    let Some(Key {
        distance,
        descending,
        ..
    }) = strip(&fold_casts(&key.expr)?, !key.asc)
    else {
        return Ok(Err("the sort key is not a distance between two vectors"));
    };
    let order = Order {
        descending,
        nulls_first: key.nulls_first,
    };
    let sides = match Sides::of(&distance, lateral)? {
        Ok(sides) => sides,
        Err(refusal) => return Ok(Err(refusal)),
    };

    let is_distance = [(
        Expr::ScalarFunction(distance.clone()),
        Expr::Column(distance_column()),
    )];
    let inner_schema = lateral.inner.schema();
    let mut needs_mark = false;
    let mut outputs = Vec::with_capacity(lateral.outputs.len());
    for output in &lateral.outputs {
        let output = replace(output, &is_distance)?;
        outputs.push(match &output {
            Expr::Column(column)
                if *column == distance_column() || inner_schema.has_column(column) =>
            {
                output
            }
            _ if !keeps_left => output,
            _ => {
                needs_mark = true;
                only_if(Expr::Column(Column::new_unqualified(MATCHED)), output)?
            }
        });
    }
    let inner = if needs_mark {
        let columns = inner_schema.columns();
        let mut columns: Vec<Expr> = columns.into_iter().map(Expr::Column).collect();
        columns.push(lit(true).alias(MATCHED));
        LogicalPlanBuilder::from(lateral.inner.clone())
            .project(columns)?
            .build()?
    } else {
        lateral.inner.clone()
    };
    let node = KnnJoinNode::try_new(
        Arc::clone(&lateral.left),
        Arc::new(inner),
        sides.distance,
        sides.query_first,
        k,
        order,
        lateral.join_type,
    )?;
    let mut plan = LogicalPlanBuilder::from(LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    }));
    let conditions = lateral
        .conditions
        .iter()
        .map(|condition| replace(condition, &is_distance))
        .collect::<Result<Vec<_>>>()?;
    if let Some(conditions) = conjunction(conditions) {
        plan = plan.filter(conditions)?;
    }
    plan.project(lateral.projection(outputs))?.build().map(Ok)
}

/// Which argument of a distance is the query.
struct Sides {
    distance: ScalarFunction,
    query_first: bool,
}

impl Sides {
    fn of(
        distance: &ScalarFunction,
        lateral: &Lateral,
    ) -> Result<std::result::Result<Self, Refusal>> {
        let (Some(metric), [first, second]) = (metric_of(&distance.func), distance.args.as_slice())
        else {
            return Ok(Err("the sort key is not a distance between two vectors"));
        };
        if matches!(metric, Metric::Hamming | Metric::Jaccard) {
            return Ok(Err("the distance is one between bits"));
        }
        let (left, inner) = (lateral.left.schema(), lateral.inner.schema());
        let query_first = match () {
            () if is_over(first, left) && is_over(second, inner) => true,
            () if is_over(second, left) && is_over(first, inner) => false,
            () => {
                return Ok(Err(
                    "the distance is not between an expression over the outer table and one over the inner",
                ));
            }
        };
        let (query, vector) = if query_first {
            (first, second)
        } else {
            (second, first)
        };
        let query_field = field_of(query, left)?;
        let vector_field = field_of(vector, inner)?;
        let (query_type, vector_type) = (query_field.data_type(), vector_field.data_type());
        let (Some(query_element), Some(vector_element)) =
            (element(query_type), element(vector_type))
        else {
            return Ok(Err("one side of the distance is not a list of numbers"));
        };
        let mut distance = distance.clone();
        if *query_element == DataType::Float64 && *vector_element != DataType::Float64 {
            // A query is rounded to what it is compared with; the function rounds neither of two columns. A cast would
            // lose the type's name, and pgvector's precision with it.
            if precision_of(&[Arc::clone(&query_field), Arc::clone(&vector_field)])
                != Precision::Double
            {
                return Ok(Err("a query in double precision meets vectors in single"));
            }
            let index = usize::from(query_first);
            if let Some(vector) = distance.args.get_mut(index) {
                let widened = widened(vector_type);
                *vector = Expr::Cast(Cast::new(Box::new(vector.clone()), widened));
            }
        }
        Ok(Ok(Self {
            distance,
            query_first,
        }))
    }
}

/// Whether an expression has columns, and all of them are of `schema`.
fn is_over(expr: &Expr, schema: &DFSchema) -> bool {
    let columns: HashSet<&Column> = expr.column_refs();
    !columns.is_empty()
        && columns.into_iter().all(|column| schema.has_column(column))
        && !expr.is_volatile()
        && !crate::types::has_subquery(expr)
}

/// The elements of a list that the kernels read.
fn element(list: &DataType) -> Option<&DataType> {
    use DataType::{FixedSizeList, Float16, Float32, Float64, Int8, LargeList, List, UInt8};
    match list {
        List(field) | LargeList(field) | FixedSizeList(field, _) => Some(field.data_type())
            .filter(|element| matches!(element, Float16 | Float32 | Float64 | Int8 | UInt8)),
        _ => None,
    }
}

/// The same kind of list with elements of double precision.
fn widened(list: &DataType) -> DataType {
    let wide =
        |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_data_type(DataType::Float64));
    match list {
        DataType::List(field) => DataType::List(wide(field)),
        DataType::LargeList(field) => DataType::LargeList(wide(field)),
        DataType::FixedSizeList(field, dimension) => {
            DataType::FixedSizeList(wide(field), *dimension)
        }
        other => other.clone(),
    }
}

/// An expression whose constants have the type that they are cast to: the optimizer, which does so, comes later.
fn fold_casts(expr: &Expr) -> Result<Expr> {
    expr.clone()
        .transform_up(|node| {
            let Expr::Cast(cast) = &node else {
                return Ok(Transformed::no(node));
            };
            let Expr::Literal(value, _) = cast.expr.as_ref() else {
                return Ok(Transformed::no(node));
            };
            Ok(match value.cast_to(cast.field.data_type()) {
                Ok(value) => Transformed::yes(lit(value)),
                Err(_) => Transformed::no(node),
            })
        })
        .data()
}
