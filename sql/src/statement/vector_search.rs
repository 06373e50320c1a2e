//! `vector_search(table, column, query, k => 10, ..)`: the query that it stands for.
//!
//! ```text
//! FROM vector_search('docs', 'embedding', '[1,2,3]', k => 5, metric => 'cosine', filter => 'year > 2020') s
//!
//! FROM (SELECT *, cosine_distance("embedding", '[1,2,3]') AS _distance FROM 'docs'
//!       WHERE (year > 2020) ORDER BY _distance LIMIT 5) s
//! ```
//!
//! A query vector that is a column of a table further left makes the subquery lateral, as for any function in
//! PostgreSQL's `FROM`, and the whole a kNN join. The rewrite is of the statement's text, before names are looked up, so that the
//! searched table may be a path.

use std::ops::ControlFlow;

use datafusion::common::{internal_err, plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    LimitClause, ObjectName, Query, Select, SelectItem, SetExpr, TableFactor, Value, Visit,
    Visitor,
};
use ogive_kernels::Metric;

use crate::parser::{parse_expression, parse_query};
use crate::statement::visit::{derived_table, is_call_of};

/// The function.
const NAME: &str = "vector_search";

/// What the computed column is called, as in Lance and Spark.
const DISTANCE: &str = "_distance";

/// The names that `metric` takes, pgvector's operators among them, and the function of each.
const METRICS: [(&[&str], Metric); 8] = [
    (&["l2", "euclidean", "<->"], Metric::L2),
    (&["l2_squared", "l2sq"], Metric::L2Squared),
    (&["cosine", "<=>"], Metric::CosineDistance),
    (
        &["ip", "dot", "inner_product", "<#>"],
        Metric::NegativeInnerProduct,
    ),
    (&["l1", "manhattan", "<+>"], Metric::L1),
    (&["hamming", "<~>"], Metric::Hamming),
    (&["jaccard", "<%>"], Metric::Jaccard),
    (&["cosine_similarity"], Metric::CosineSimilarity),
];

/// Lets the calls in a FROM whose query vectors have columns see the tables before them.
pub(crate) fn make_searches_lateral(select: &mut Select) {
    for (index, from) in select.from.iter_mut().enumerate() {
        if index > 0 {
            make_lateral(&mut from.relation);
        }
        for join in &mut from.joins {
            make_lateral(&mut join.relation);
        }
    }
}

/// Puts the query that a call stands for in its place; anything else stays.
///
/// # Errors
/// Arguments that are missing, unknown, given twice or of the wrong kind.
pub(crate) fn expand_search(context: &SessionContext, factor: &mut TableFactor) -> Result<()> {
    let (lateral, args, alias) = match factor {
        TableFactor::Table {
            name,
            args: Some(args),
            alias,
            ..
        } if is_call_of(NAME, name) => (false, std::mem::take(&mut args.args), alias.take()),
        TableFactor::Function {
            lateral,
            name,
            args,
            alias,
            ..
        } if is_call_of(NAME, name) => (*lateral, std::mem::take(args), alias.take()),
        _ => return Ok(()),
    };
    let subquery = Arguments::of(args)?.into_query(context)?;
    *factor = derived_table(lateral, subquery, alias, NAME);
    Ok(())
}

/// Lets a call whose query vector has columns see the tables before it.
fn make_lateral(factor: &mut TableFactor) {
    let TableFactor::Table {
        name,
        args: Some(args),
        alias,
        ..
    } = factor
    else {
        return;
    };
    if !is_call_of(NAME, name) || !query_argument(&args.args).is_some_and(has_columns) {
        return;
    }
    *factor = TableFactor::Function {
        lateral: true,
        name: name.clone(),
        args: std::mem::take(&mut args.args),
        with_ordinality: false,
        alias: alias.take(),
    };
}

/// A name, quoted or not.
fn word(name: &Expr) -> String {
    match name {
        Expr::Identifier(name) => name.value.to_lowercase(),
        other => other.to_string(),
    }
}

/// The query vector of a call: the third argument, or the one of that name.
fn query_argument(args: &[FunctionArg]) -> Option<&Expr> {
    args.iter().enumerate().find_map(|(index, argument)| {
        let (is_query, value) = match argument {
            FunctionArg::Unnamed(value) => (index == 2, value),
            FunctionArg::Named { name, arg, .. } => (name.value.eq_ignore_ascii_case("query"), arg),
            FunctionArg::ExprNamed { name, arg, .. } => (word(name) == "query", arg),
        };
        match value {
            FunctionArgExpr::Expr(query) if is_query => Some(query),
            _ => None,
        }
    })
}

fn has_columns(query: &Expr) -> bool {
    struct Columns;
    impl Visitor for Columns {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    query.visit(&mut Columns).is_break()
}

/// The arguments of a call by name.
#[derive(Default)]
struct Arguments {
    table: Option<Expr>,
    column: Option<Expr>,
    query: Option<Expr>,
    k: Option<Expr>,
    metric: Option<Expr>,
    filter: Option<Expr>,
    exact: Option<Expr>,
}

/// In the order in which they may stand without names.
const ARGUMENTS: [&str; 7] = ["table", "column", "query", "k", "metric", "filter", "exact"];

impl Arguments {
    fn of(given: Vec<FunctionArg>) -> Result<Self> {
        let mut arguments = Self::default();
        let mut named = false;
        for (index, argument) in given.into_iter().enumerate() {
            let (name, value) = match argument {
                FunctionArg::Unnamed(_) if named => {
                    return plan_err!("{NAME}: an argument without a name follows one with a name");
                }
                FunctionArg::Unnamed(value) => {
                    let Some(name) = ARGUMENTS.get(index) else {
                        return plan_err!("{NAME} takes {} arguments", ARGUMENTS.len());
                    };
                    ((*name).to_string(), value)
                }
                FunctionArg::Named { name, arg, .. } => (name.value.to_lowercase(), arg),
                FunctionArg::ExprNamed { name, arg, .. } => (word(&name), arg),
            };
            named |= index >= 3;
            let FunctionArgExpr::Expr(value) = value else {
                return plan_err!("{NAME}: {name} is a value, not {value}");
            };
            let Some(slot) = arguments.slot(&name) else {
                return plan_err!(
                    "{NAME} has no argument '{name}'; it has {}",
                    ARGUMENTS.join(", ")
                );
            };
            if slot.replace(value).is_some() {
                return plan_err!("{NAME}: {name} is given twice");
            }
        }
        Ok(arguments)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Expr>> {
        Some(match name {
            "table" => &mut self.table,
            "column" => &mut self.column,
            "query" => &mut self.query,
            "k" => &mut self.k,
            "metric" => &mut self.metric,
            "filter" => &mut self.filter,
            "exact" => &mut self.exact,
            _ => return None,
        })
    }

    fn into_query(self, context: &SessionContext) -> Result<Box<Query>> {
        let missing = |name: &str| {
            plan_datafusion_err!(
                "{NAME} needs a {name}: {NAME}(table, column, query, k => 10, metric => 'l2', filter => .., exact => ..)"
            )
        };
        let table = self.table.ok_or_else(|| missing("table"))?;
        let column = self.column.ok_or_else(|| missing("column"))?;
        let vector = self.query.ok_or_else(|| missing("query"))?;
        if let Some(exact) = &self.exact
            && !matches!(value(exact), Some(Value::Boolean(_)))
        {
            return plan_err!("{NAME}: exact is true or false, not {exact}");
        }
        let metric = match &self.metric {
            None => Metric::L2,
            Some(metric) => metric_named(metric)?,
        };
        let mut query = template(metric)?;
        let SetExpr::Select(select) = query.body.as_mut() else {
            return internal_err!("the template of {NAME} is no SELECT");
        };
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias {
                expr: Expr::Function(call),
                ..
            } = item
            {
                call.args = FunctionArguments::List(FunctionArgumentList {
                    duplicate_treatment: None,
                    args: [column_name(&column), vector.clone()]
                        .map(|part| FunctionArg::Unnamed(FunctionArgExpr::Expr(part)))
                        .to_vec(),
                    clauses: Vec::new(),
                });
            }
        }
        if let Some(from) = select.from.first_mut() {
            search_in(&mut from.relation, table, context)?;
        }
        select.selection = self.filter.map(condition).transpose()?;
        if let Some(k) = self.k {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(count(k)?),
                offset: None,
                limit_by: Vec::new(),
            });
        }
        Ok(query)
    }
}

/// The query with everything that is the same in all.
fn template(metric: Metric) -> Result<Box<Query>> {
    let text = format!(
        "SELECT *, {}(c, q) AS {DISTANCE} FROM t ORDER BY {DISTANCE}{} LIMIT 10",
        metric.function_name(),
        match metric {
            Metric::CosineSimilarity => " DESC NULLS LAST",
            _ => "",
        }
    );
    parse_query(&text)
}

fn value(expr: &Expr) -> Option<&Value> {
    match expr {
        Expr::Value(value) => Some(&value.value),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match value(expr)? {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}

fn metric_named(expr: &Expr) -> Result<Metric> {
    let named = text(expr).and_then(|name| {
        METRICS
            .into_iter()
            .find(|(names, _)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    });
    match named {
        Some((_, metric)) => Ok(metric),
        None => {
            let known: Vec<&str> = METRICS
                .iter()
                .filter_map(|(names, _)| names.first().copied())
                .collect();
            plan_err!(
                "{NAME}: there is no metric {expr}; there are '{}'",
                known.join("', '")
            )
        }
    }
}

/// `'embedding'` is the column of that very name, an identifier is read as everywhere.
fn column_name(expr: &Expr) -> Expr {
    match text(expr) {
        Some(name) => Expr::Identifier(Ident::with_quote('"', name)),
        None => expr.clone(),
    }
}

/// Puts what is searched after FROM.
fn search_in(from: &mut TableFactor, table: Expr, context: &SessionContext) -> Result<()> {
    let parts = match table {
        Expr::Identifier(name) => vec![name],
        Expr::CompoundIdentifier(names) => names,
        Expr::Subquery(subquery) => {
            *from = TableFactor::Derived {
                lateral: false,
                subquery,
                alias: None,
                sample: None,
            };
            return Ok(());
        }
        other => match text(&other) {
            // A name with dots in it is a table in a schema where there is one, else a path.
            // There may be no such schema, which is an error to ask for.
            Some(name) if name.contains('.') && context.table_exist(name).unwrap_or(false) => name
                .split('.')
                .map(|part| Ident::with_quote('"', part))
                .collect(),
            Some(name) => vec![Ident::with_quote('\'', name)],
            None => {
                return plan_err!(
                    "{NAME}: table is a name, a path in quotes or a query in parentheses, not {other}"
                );
            }
        },
    };
    if let TableFactor::Table { name, .. } = from {
        *name = ObjectName::from(parts);
    }
    Ok(())
}

/// A filter as it stands, or as text.
fn condition(filter: Expr) -> Result<Expr> {
    match text(&filter) {
        None => Ok(filter),
        Some(text) => match parse_expression(text) {
            Ok(condition) => Ok(Expr::Nested(Box::new(condition))),
            Err(DataFusionError::SQL(error, _)) => {
                plan_err!("{NAME}: the filter '{text}' is no condition: {error}")
            }
            Err(error) => Err(error),
        },
    }
}

fn count(k: Expr) -> Result<Expr> {
    let is_count = match value(&k) {
        Some(Value::Number(number, _)) => number.parse::<u64>().is_ok(),
        Some(Value::Placeholder(_)) => true,
        Some(_) => false,
        None => !matches!(k, Expr::UnaryOp { .. }),
    };
    if is_count {
        Ok(k)
    } else {
        plan_err!("{NAME}: k is a number of rows, 0 or more, not {k}")
    }
}
