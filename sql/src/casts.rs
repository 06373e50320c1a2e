//! Casts to and from pgvector's types, and texts given for their values.
//!
//! DataFusion has no hook for casts: Arrow would cast `'[1,2,3]'` to a list of one element. Before
//! any other rule looks at an expression,
//!
//! ```text
//! CAST(x AS vector(3))              =>  to_vector(x, 3)
//! CAST(v AS text)                   =>  vector_to_text(v)            v of one of the types
//! l2_distance(v, '[1,2,3]')         =>  l2_distance(v, to_vector('[1,2,3]'))
//! ```
//!
//! so that constants are folded and checked while planning.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use ogive_kernels::Metric;
use ogive_udfs::{SqlVectorType, metric_of, to_text_udf, to_type_udf};

/// The rewrite.
#[derive(Debug)]
pub struct VectorCasts;

impl FunctionRewrite for VectorCasts {
    fn name(&self) -> &str {
        "vector_casts"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Cast(cast) => {
                if let Some(kind) = SqlVectorType::of(&cast.field) {
                    let length = kind.length_of(&cast.field);
                    return Ok(Transformed::yes(to_type(kind, length, *cast.expr)));
                }
                let to_text = matches!(
                    cast.field.data_type(),
                    DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
                );
                if to_text && kind_of(&cast.expr, schema).is_some() {
                    return Ok(Transformed::yes(to_text_udf().call(vec![*cast.expr])));
                }
                Ok(Transformed::no(Expr::Cast(cast)))
            }
            Expr::ScalarFunction(call) => Ok(match metric_of(&call.func) {
                Some(metric) => read_texts(metric, call, schema),
                None => Transformed::no(Expr::ScalarFunction(call)),
            }),
            other => Ok(Transformed::no(other)),
        }
    }
}

/// `to_vector(expr, length)` and so on.
pub fn to_type(kind: SqlVectorType, length: Option<usize>, expr: Expr) -> Expr {
    let mut arguments = vec![expr];
    arguments.extend(
        length
            .and_then(|length| i64::try_from(length).ok())
            .map(lit),
    );
    to_type_udf(kind).call(arguments)
}

fn kind_of(expr: &Expr, schema: &DFSchema) -> Option<SqlVectorType> {
    let (_, field) = expr.to_field(schema).ok()?;
    SqlVectorType::of(&field)
}

/// Texts among a distance's arguments as values of the type beside them.
fn read_texts(metric: Metric, call: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let is_text = |expr: &Expr| {
        expr.to_field(schema).is_ok_and(|(_, field)| {
            matches!(
                field.data_type(),
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
            )
        })
    };
    if !call.args.iter().any(is_text) {
        return Transformed::no(Expr::ScalarFunction(call));
    }
    let beside = call.args.iter().find_map(|arg| kind_of(arg, schema));
    let kind = beside.unwrap_or(match metric {
        Metric::Hamming | Metric::Jaccard => SqlVectorType::Bit,
        _ => SqlVectorType::Vector,
    });
    let args = call
        .args
        .into_iter()
        .map(|arg| {
            if is_text(&arg) {
                to_type(kind, None, arg)
            } else {
                arg
            }
        })
        .collect();
    Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
        call.func, args,
    )))
}
