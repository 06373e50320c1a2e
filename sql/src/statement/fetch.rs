//! `FETCH FIRST n ROWS`, the standard's words for a limit.
//!
//! ```text
//! SELECT .. ORDER BY k FETCH FIRST 5 ROWS ONLY       =>  SELECT .. ORDER BY k LIMIT 5
//! SELECT .. ORDER BY k FETCH FIRST 5 ROWS WITH TIES  =>  SELECT .. QUALIFY rank() OVER (ORDER BY k) <= 5 ORDER BY k
//! ```
//!
//! With `OFFSET m` the rank is compared with `m + 5`, and the rows before are left out as ever.

use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SetExpr, Value, WindowType,
};

use crate::parser::parse_expression;

/// Rewrites the clause; one row unless a number is given.
///
/// # Errors
/// What has no such meaning: a share of the rows, ties without an order.
pub(super) fn limit_fetched(query: &mut Query) -> Result<()> {
    let Some(fetch) = query.fetch.take() else {
        return Ok(());
    };
    if fetch.percent {
        return plan_err!("FETCH takes a number of rows: {fetch} is not supported");
    }
    let one = || Expr::Value(Value::Number("1".to_string(), false).with_empty_span());
    let count = fetch.quantity.clone().unwrap_or_else(one);
    if fetch.with_ties {
        return keep_ties(query, count);
    }
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(count),
                offset: None,
                limit_by: Vec::new(),
            });
        }
        Some(LimitClause::LimitOffset { limit: given, .. }) if given.is_none() => {
            *given = Some(count);
        }
        Some(_) => return plan_err!("a query has either LIMIT or FETCH"),
    }
    Ok(())
}

fn keep_ties(query: &mut Query, count: Expr) -> Result<()> {
    let offset = match &query.limit_clause {
        None => None,
        Some(LimitClause::LimitOffset {
            limit: None,
            offset,
            ..
        }) => offset.as_ref().map(|offset| offset.value.clone()),
        Some(_) => return plan_err!("a query has either LIMIT or FETCH"),
    };
    let keys = match query.order_by.as_ref().map(|order| &order.kind) {
        Some(OrderByKind::Expressions(keys)) if !keys.is_empty() => keys.clone(),
        _ => return plan_err!("WITH TIES cannot be specified without ORDER BY clause"),
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        return plan_err!(
            "FETCH .. WITH TIES is of a SELECT: write SELECT * FROM (..) ORDER BY .. around a UNION and its like"
        );
    };
    if select.distinct.is_some() || select.qualify.is_some() {
        return plan_err!(
            "FETCH .. WITH TIES is not supported beside DISTINCT or QUALIFY: write SELECT * FROM (..) ORDER BY .. around the query"
        );
    }
    let keys = keys
        .into_iter()
        .map(|key| of_rows(key, select))
        .collect::<Result<_>>()?;
    let mut condition = parse_expression("rank() OVER (ORDER BY k) <= 1")?;
    let Expr::BinaryOp { left, right, .. } = &mut condition else {
        return internal_err!("the template of WITH TIES is no comparison");
    };
    match left.as_mut() {
        Expr::Function(rank) => match &mut rank.over {
            Some(WindowType::WindowSpec(window)) => window.order_by = keys,
            _ => return internal_err!("the template of WITH TIES has no window"),
        },
        _ => return internal_err!("the template of WITH TIES is no call"),
    }
    **right = match offset {
        None => count,
        Some(offset) => Expr::BinaryOp {
            left: Box::new(offset),
            op: BinaryOperator::Plus,
            right: Box::new(count),
        },
    };
    select.qualify = Some(condition);
    Ok(())
}

/// A key of ORDER BY, which may be a column of the result, as an expression over the rows.
fn of_rows(mut key: OrderByExpr, select: &Select) -> Result<OrderByExpr> {
    let place = match &key.expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.parse::<usize>().ok(),
            _ => None,
        },
        Expr::Identifier(name) => select.projection.iter().position(|item| {
            matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name.value)
        }).map(|index| index + 1),
        _ => None,
    };
    let Some(place) = place else {
        return Ok(key);
    };
    let item = place
        .checked_sub(1)
        .and_then(|index| select.projection.get(index));
    key.expr = match item {
        Some(SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr)) => {
            expr.clone()
        }
        _ => {
            return plan_err!(
                "ORDER BY position {place} is not an expression of the select list: FETCH .. WITH TIES needs one"
            );
        }
    };
    Ok(key)
}
