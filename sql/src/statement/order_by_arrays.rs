//! `ORDER BY l2_distance(v, [0.1, 0.2, ..])`, the array put into the plan when that is made.
//!
//! DataFusion's planner names an expression of ORDER BY several times, to look for it among the columns of the query, and each
//! name has all numbers of the array in it; before that, it makes an expression of each number. So it is given a placeholder.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Array, Distinct, Expr as SqlExpr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    GroupByExpr, OrderByKind, Query, SetExpr, Statement as SqlStatement, UnaryOperator, Value,
    Visit, visit_expressions,
};
use ogive_udfs::metric_of;

use crate::types::{Number, list};

/// What stands for the first array, in a statement and in its plan; no parameter of a user's has this name.
const PLACEHOLDER: &str = "$ ogive array";

/// The arrays of a statement's ORDER BY.
#[derive(Debug, Default)]
pub(crate) struct OrderByArrays(Vec<ScalarValue>);

impl OrderByArrays {
    /// Takes the arrays of numbers that distances in a query's ORDER BY are to; placeholders are left in their places.
    pub(crate) fn take(state: &SessionState, statement: &mut DfStatement) -> Self {
        let mut taken = Self::default();
        let DfStatement::Statement(sql) = statement else {
            return taken;
        };
        let SqlStatement::Query(query) = sql.as_mut() else {
            return taken;
        };
        if state.config_options().sql_parser.parse_float_as_decimal || !is_plain(query) {
            return taken;
        }
        let Some(OrderByKind::Expressions(keys)) =
            query.order_by.as_mut().map(|order_by| &mut order_by.kind)
        else {
            return taken;
        };
        for key in keys {
            if let SqlExpr::Function(call) = &mut key.expr
                && is_distance(state, call)
            {
                taken.take_arguments(call);
            }
        }
        taken
    }

    fn take_arguments(&mut self, call: &mut Function) {
        let FunctionArguments::List(list) = &mut call.args else {
            return;
        };
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument
                && let SqlExpr::Array(array) = argument
                && let Some(value) = value_of(array)
            {
                let placeholder = Value::Placeholder(placeholder(self.0.len()));
                *argument = SqlExpr::Value(placeholder.with_empty_span());
                self.0.push(value);
            }
        }
    }

    /// Puts the arrays into the statement's plan, and names what has parameters: DataFusion gives such an expression its old name
    /// when it has put values into it, but makes it the new one first, to see that it is another.
    ///
    /// # Errors
    /// There is no place for the arrays.
    pub(crate) fn put_back(self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
            return Ok(plan);
        }
        let mut places = 0;
        let plan = plan.transform_down(|node| {
            if !matches!(node, LogicalPlan::Sort(_)) {
                return Ok(Transformed::no(node));
            }
            let sort = node.map_expressions(|key| {
                let mut parameters = false;
                let key = key.transform_down(|part| {
                    let Expr::Placeholder(found) = &part else {
                        return Ok(Transformed::no(part));
                    };
                    let Some(value) = self.value_of(&found.id) else {
                        parameters = true;
                        return Ok(Transformed::no(part));
                    };
                    places += 1;
                    Ok(Transformed::yes(Expr::Literal(value.clone(), None)))
                })?;
                Ok(match parameters && !matches!(key.data, Expr::Alias(_)) {
                    false => key,
                    true => {
                        let (relation, name) = key.data.qualified_name();
                        Transformed::yes(key.data.alias_qualified(relation, name))
                    }
                })
            })?;
            Ok(Transformed::new(sort.data, true, TreeNodeRecursion::Stop))
        })?;
        if places != self.0.len() {
            return internal_err!(
                "{} arrays of ORDER BY, {places} places for them",
                self.0.len()
            );
        }
        Ok(plan.data)
    }

    fn value_of(&self, id: &str) -> Option<&ScalarValue> {
        let index = id.strip_prefix(PLACEHOLDER)?;
        self.0.get(index.parse::<usize>().ok()?)
    }
}

fn placeholder(index: usize) -> String {
    format!("{PLACEHOLDER}{index}")
}

/// Whether ORDER BY is by itself: what it is by is not looked for in a grouping, nor in a column with an array of its own, and it
/// comes last.
fn is_plain(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    if !query.pipe_operators.is_empty() {
        return false;
    }
    let groups = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(by, modifiers) => !by.is_empty() || !modifiers.is_empty(),
    };
    let distinct = !matches!(select.distinct, None | Some(Distinct::All));
    !groups && !distinct && !has_arrays(select.as_ref()) && !has_arrays(&query.with)
}

fn has_arrays(part: &impl Visit) -> bool {
    let flow = visit_expressions(part, |expr| match expr {
        SqlExpr::Array(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    flow.is_break()
}

fn is_distance(state: &SessionState, call: &Function) -> bool {
    let [name] = call.name.0.as_slice() else {
        return false;
    };
    let Some(name) = name.as_ident() else {
        return false;
    };
    let name = match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_ascii_lowercase(),
    };
    let function = state.scalar_functions().get(&name);
    function.is_some_and(|function| metric_of(function).is_some())
}

/// The value that planning the array would come to; `None` where it would not come to a constant.
fn value_of(array: &Array) -> Option<ScalarValue> {
    list(array.elem.iter().map(|element| match element {
        SqlExpr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => number(expr, true),
        other => number(other, false),
    }))
}

/// A number as DataFusion reads it.
fn number(expr: &SqlExpr, negative: bool) -> Option<Number> {
    let SqlExpr::Value(value) = expr else {
        return None;
    };
    let Value::Number(digits, _) = &value.value else {
        return None;
    };
    if let Ok(integer) = digits.parse::<i64>() {
        return Some(Number::Integer(if negative { -integer } else { integer }));
    }
    // Whole numbers beyond, and digits in groups, have rules of their own.
    if !digits.contains(['.', 'e', 'E']) || digits.contains('_') {
        return None;
    }
    let float = digits.parse::<f64>().ok()?;
    Some(Number::Float(if negative { -float } else { float }))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::parser::parse;
    use crate::session::SessionBuilder;

    const NUMBERS: &str = "[1, -2.5, 3e-2, - 4, 5.0, 6, -0, 8.25]";

    async fn context() -> SessionContext {
        let session = SessionBuilder::new().build().unwrap();
        for sql in [
            "CREATE TABLE t (id bigint, v vector(8), name text)",
            "CREATE TABLE u (id bigint, w double[])",
        ] {
            session.sql(sql).await.unwrap();
        }
        session.context().clone()
    }

    /// The plan, and how many arrays were taken out while it was made; with no more than the statement, how it is made otherwise.
    async fn plan(
        context: &SessionContext,
        sql: &str,
        takes: bool,
    ) -> (usize, Result<LogicalPlan>) {
        let mut statement = parse(sql).unwrap().remove(0).0;
        let state = context.state();
        let arrays = match takes {
            true => OrderByArrays::take(&state, &mut statement),
            false => OrderByArrays::default(),
        };
        let taken = arrays.0.len();
        let plan = state.statement_to_plan(statement).await;
        (taken, plan.and_then(|plan| arrays.put_back(plan)))
    }

    async fn check(context: &SessionContext, sql: &str, expected: usize) {
        let sql = sql.replace("[..]", NUMBERS);
        let (taken, with) = plan(context, &sql, true).await;
        let (_, without) = plan(context, &sql, false).await;
        assert_eq!(taken, expected, "{sql}");
        match (with, without) {
            (Ok(with), Ok(without)) => {
                assert_eq!(with, without, "{sql}");
                assert_eq!(
                    with.display_indent_schema().to_string(),
                    without.display_indent_schema().to_string(),
                    "{sql}"
                );
            }
            (Err(with), Err(without)) => {
                assert_eq!(with.strip_backtrace(), without.strip_backtrace(), "{sql}");
            }
            (with, without) => panic!("{sql}: {with:?}, expected {without:?}"),
        }
    }

    #[tokio::test]
    async fn plans_are_the_same() {
        let context = context().await;
        for (sql, taken) in [
            ("SELECT id FROM t ORDER BY l2_distance(v, [..]) LIMIT 5", 1),
            ("SELECT * FROM t ORDER BY l2_distance([..], v) LIMIT 5", 1),
            (
                "SELECT v FROM t ORDER BY L2_Distance(v, ARRAY[..]) DESC NULLS LAST OFFSET 2",
                1,
            ),
            (
                "SELECT name, id FROM t ORDER BY cosine_distance(v, [..]), l1_distance(v, [..])",
                2,
            ),
            (
                "SELECT w FROM u ORDER BY \"inner_product\"(w, [..]), id LIMIT 3",
                1,
            ),
            (
                "SELECT id + 1 AS id FROM t AS a ORDER BY l2_distance(a.v, [..]) LIMIT 5",
                1,
            ),
            (
                "SELECT t.id FROM t JOIN u USING (id) ORDER BY l2_distance(v, [..])",
                1,
            ),
            (
                "WITH c AS (SELECT * FROM t ORDER BY l2_distance(v, [..]) LIMIT 9)
                 SELECT id FROM c WHERE name = 'x' ORDER BY l2_distance(v, [..]) LIMIT 3",
                0,
            ),
            (
                "SELECT id FROM (SELECT * FROM t ORDER BY id LIMIT 9) ORDER BY l2_distance(v, [..])",
                1,
            ),
            (
                "SELECT id, row_number() OVER (ORDER BY id) FROM t ORDER BY l2_distance(v, [..])",
                1,
            ),
            (
                "SELECT count(*) FROM t HAVING count(*) > 1 ORDER BY l2_distance([..], [..])",
                2,
            ),
            (
                "SELECT id FROM t WHERE id = $1 ORDER BY l2_distance(v, [..]) LIMIT $2",
                1,
            ),
            // Left where they are.
            (
                "SELECT * FROM (SELECT v, l2_distance(v, [..]) FROM t) ORDER BY l2_distance(v, [..])",
                0,
            ),
            (
                "SELECT id FROM t WHERE v <-> [..] < 1 ORDER BY l2_distance(v, [..])",
                0,
            ),
            (
                "SELECT l2_distance(v, [..]) AS d FROM t ORDER BY l2_distance(v, [..])",
                0,
            ),
            ("SELECT id FROM t ORDER BY l2_distance(v, [..]) + 1", 0),
            ("SELECT id FROM t ORDER BY v <-> [..]", 0),
            ("SELECT id FROM t ORDER BY l2_distance(v, [..]::vector)", 0),
            (
                "SELECT id FROM t GROUP BY id ORDER BY min(l2_distance(v, [..]))",
                0,
            ),
            ("SELECT DISTINCT id FROM t ORDER BY l2_distance(v, [..])", 0),
            (
                "SELECT DISTINCT ON (id) id FROM t ORDER BY id, l2_distance(v, [..])",
                0,
            ),
            (
                "SELECT id FROM t UNION SELECT id FROM u ORDER BY l2_distance([..], [..])",
                0,
            ),
            ("SELECT id FROM t ORDER BY array_length([..])", 0),
            ("SELECT id FROM t ORDER BY l2_distance(v, [1, 2])", 0),
            (
                "SELECT id FROM t ORDER BY l2_distance(v, [1, 2, 3, 4, 5, 6, 7, id])",
                0,
            ),
            (
                "SELECT id FROM t ORDER BY l2_distance(v, [1, 2, 3, 4, 5, 6, 7, '8'])",
                0,
            ),
            (
                "SELECT id FROM t ORDER BY l2_distance(v, [1, 2, 3, 4, 5, 6, 7, 9223372036854775808])",
                0,
            ),
            (
                "SELECT id FROM t ORDER BY l2_distance(v, [1, 2, 3, 4, 5, 6, 7, 1_000.5])",
                0,
            ),
            // Errors.
            ("SELECT id FROM t ORDER BY l2_distance(x, [..])", 1),
            ("SELECT id FROM missing ORDER BY l2_distance(v, [..])", 1),
            ("SELECT id FROM t ORDER BY l2_distance([..])", 1),
            ("SELECT id FROM t ORDER BY l2_distance(v, [..], 3)", 1),
            (
                "SELECT id FROM t GROUP BY ALL ORDER BY l2_distance(v, [..])",
                0,
            ),
        ] {
            check(&context, sql, taken).await;
        }
    }

    #[tokio::test]
    async fn plans_with_values_for_parameters_are_the_same() {
        let context = context().await;
        for sql in [
            "SELECT id FROM t ORDER BY l2_distance(v, $1) LIMIT 5",
            "SELECT id, l2_distance(v, $1) FROM t ORDER BY l2_distance(v, $1) DESC, id",
            "SELECT id FROM t ORDER BY id, v <-> $1, l1_distance(v, [..])",
            "SELECT id FROM (SELECT * FROM t ORDER BY v <=> $1 LIMIT 9) ORDER BY cosine_distance($1, v)",
            "SELECT id, l2_distance(v, $1) AS d FROM t ORDER BY d, 1",
            "SELECT count(*) FROM t GROUP BY name ORDER BY min(l2_distance(v, $1))",
        ] {
            let sql = sql.replace("[..]", NUMBERS);
            let statement = parse(&sql).unwrap().remove(0).0;
            let without = context.state().statement_to_plan(statement).await.unwrap();
            let (_, with) = plan(&context, &sql, true).await;
            let value = list((0..8).map(|i| Some(Number::Float(f64::from(i))))).unwrap();
            let bind = |plan: LogicalPlan| plan.with_param_values(vec![value.clone()]).unwrap();
            let (with, without) = (bind(with.unwrap()), bind(without));
            assert_eq!(with, without, "{sql}");
            let shown = |plan: &LogicalPlan| plan.display_indent_schema().to_string();
            assert_eq!(shown(&with), shown(&without), "{sql}");
        }
    }

    #[tokio::test]
    async fn floats_read_as_decimals_are_left_alone() {
        let context = context().await;
        let set = "SET datafusion.sql_parser.parse_float_as_decimal = true";
        context.sql(set).await.unwrap();
        let sql = "SELECT id FROM t ORDER BY l2_distance(v, [..])";
        check(&context, sql, 0).await;
    }
}
