//! What the filters of a scan ask for: the nearest rows, or rows within a distance, of one of its columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion_expr::utils::split_conjunction;
use datafusion_expr::{Expr, Operator};
use datafusion_session::Session;
use ogive_kernels::Order;
use ogive_udfs::{Execution, KNN, field_of, is_knn, metric_of, precision_of, unbound};

use crate::options::OgiveOptions;
use crate::scan::request::{RangeRequest, TopKRequest, is_searchable};

/// The optimizer's request among the filters of a scan, if the column of `schema` can be searched.
pub(crate) fn knn_request(
    state: &dyn Session,
    schema: &SchemaRef,
    filters: &[Expr],
) -> Result<Option<TopKRequest>> {
    let marker = filters
        .iter()
        .find_map(as_knn)
        .filter(|_| is_enabled(state));
    let Some(args) = marker else {
        return Ok(None);
    };
    let [distance, k, descending, nulls_first, ties] = args else {
        return plan_err!("{KNN}: expected 5 arguments, found {}", args.len());
    };
    let (Some(k), Some(descending), Some(nulls_first), Some(ties)) = (
        number(k),
        boolean(descending),
        boolean(nulls_first),
        boolean(ties),
    ) else {
        return plan_err!("{KNN}: k and the sort order must be constants");
    };
    let order = Order {
        descending,
        nulls_first,
    };
    request(state, schema, distance, k, order, ties)
}

/// A request for rows by a distance between one of the file's columns and a constant.
fn request(
    state: &dyn Session,
    schema: &SchemaRef,
    distance: &Expr,
    k: usize,
    order: Order,
    ties: bool,
) -> Result<Option<TopKRequest>> {
    let Expr::ScalarFunction(call) = distance else {
        return Ok(None);
    };
    let call = unbound(call);
    let (Some(metric), [left, right]) = (metric_of(&call.func), call.args.as_slice()) else {
        return Ok(None);
    };
    let (column, query) = match (left, right) {
        (Expr::Column(column), query) | (query, Expr::Column(column)) => (column, query),
        _ => return Ok(None),
    };
    let Ok(index) = schema.index_of(&column.name) else {
        return Ok(None);
    };
    if !query.column_refs().is_empty() || !is_searchable(schema.field(index).data_type()) {
        return Ok(None);
    }
    let query_field = field_of(query, &DFSchema::empty())?;
    let precision = precision_of(&[Arc::new(schema.field(index).clone()), query_field]);
    let query = state.create_physical_expr(query.clone(), &DFSchema::empty())?;
    let name = column.name.clone();
    let instructions = Execution::of(state.config_options()).instructions();
    let request = TopKRequest::new(metric, precision, index, name, query, k, order, ties);
    Ok(Some(request.with_instructions(instructions)))
}

/// The first range of distances among filters that all must hold.
pub(crate) fn range_request(
    state: &dyn Session,
    schema: &SchemaRef,
    filters: &[Expr],
) -> Result<Option<RangeRequest>> {
    if !is_enabled(state) {
        return Ok(None);
    }
    for filter in filters.iter().flat_map(split_conjunction) {
        let Some((distance, descending, limit)) = range_of(filter) else {
            continue;
        };
        let order = Order {
            descending,
            nulls_first: false,
        };
        if let Some(request) = request(state, schema, distance, usize::MAX, order, false)? {
            return Ok(Some(RangeRequest { request, limit }));
        }
    }
    Ok(None)
}

fn is_enabled(state: &dyn Session) -> bool {
    state
        .config_options()
        .extensions
        .get::<OgiveOptions>()
        .is_none_or(|options| options.enable_top_k)
}

/// A comparison of something with a number that says how far it may go: what, whether it must be
/// large, and the number.
fn range_of(filter: &Expr) -> Option<(&Expr, bool, f64)> {
    let Expr::BinaryExpr(comparison) = filter else {
        return None;
    };
    let number = |expr: &Expr| match expr {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(Some(number))) if !number.is_nan() => Some(number),
            _ => None,
        },
        _ => None,
    };
    let (left, right) = (comparison.left.as_ref(), comparison.right.as_ref());
    let (distance, limit, operator) = match (number(left), number(right)) {
        (None, Some(limit)) => (left, limit, comparison.op),
        (Some(limit), None) => (right, limit, comparison.op.swap()?),
        _ => return None,
    };
    match operator {
        Operator::Lt | Operator::LtEq => Some((distance, false, limit)),
        Operator::Gt | Operator::GtEq => Some((distance, true, limit)),
        _ => None,
    }
}

/// Whether a filter is the optimizer's request.
pub(crate) fn is_knn_filter(filter: &Expr) -> bool {
    as_knn(filter).is_some()
}

/// The arguments of the marker that the optimizer leaves.
fn as_knn(filter: &Expr) -> Option<&[Expr]> {
    match filter {
        Expr::ScalarFunction(call) if is_knn(&call.func) => Some(&call.args),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => usize::try_from(*value).ok(),
        Expr::Literal(ScalarValue::UInt64(Some(value)), _) => usize::try_from(*value).ok(),
        _ => None,
    }
}

fn boolean(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Literal(ScalarValue::Boolean(value), _) => *value,
        _ => None,
    }
}

/// Whether the scan can evaluate a filter row by row.
pub(crate) fn is_plain(filter: &Expr) -> bool {
    let mut plain = !filter.is_volatile();
    let visited = filter.apply(|expr| {
        if matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(_, _)
                | Expr::Placeholder(_)
        ) {
            plain = false;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    plain && visited.is_ok()
}
