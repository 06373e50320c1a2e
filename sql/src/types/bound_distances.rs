//! Long constant vectors become a part of the distance that they are an argument of; see [`bind_constant`].
//!
//! ```text
//! l2_distance(v, [0.1, ..])              =>  (l2_distance to [0.1, ..])(v)
//! l2_distance(v, to_vector('[0.1,..]'))  =>  the same
//! ```

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, Volatility};
use ogive_udfs::{bind_constant, field_of, metric_of};

/// The functions that are evaluated here look at no setting.
static SETTINGS: LazyLock<Arc<ConfigOptions>> = LazyLock::new(Arc::default);

/// A distance between something with columns and a long constant with the constant inside; anything else as it is.
pub(crate) fn bind(expr: Transformed<Expr>, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_data(|expr| {
        let Expr::ScalarFunction(call) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let [left, right] = call.args.as_slice() else {
            return Ok(Transformed::no(expr));
        };
        if metric_of(&call.func).is_none() {
            return Ok(Transformed::no(expr));
        }
        for (index, side, other) in [(0, left, right), (1, right, left)] {
            if other.column_refs().is_empty() {
                continue;
            }
            if let Some((constant, field)) = constant(side, schema)
                && let Some(bound) = bind_constant(call, index, &constant, &field)?
            {
                return Ok(Transformed::yes(Expr::ScalarFunction(bound)));
            }
        }
        Ok(Transformed::no(expr))
    })
}

/// The value of a literal or of a call on literals. What fails is left for the call itself to report.
fn constant(expr: &Expr, schema: &DFSchema) -> Option<(ScalarValue, FieldRef)> {
    let field = field_of(expr, schema).ok()?;
    match expr {
        Expr::Literal(value, _) => Some((value.clone(), field)),
        Expr::ScalarFunction(call) => Some((evaluated(call, &field, schema)?, field)),
        _ => None,
    }
}

fn evaluated(call: &ScalarFunction, field: &FieldRef, schema: &DFSchema) -> Option<ScalarValue> {
    let volatility = call.func.signature().volatility;
    if volatility != Volatility::Immutable || !field.data_type().is_list() {
        return None;
    }
    let mut args = Vec::with_capacity(call.args.len());
    let mut arg_fields = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        let Expr::Literal(value, _) = arg else {
            return None;
        };
        args.push(ColumnarValue::Scalar(value.clone()));
        arg_fields.push(field_of(arg, schema).ok()?);
    }
    // Arguments of several types have yet to be made one: `[1, 2.5]`.
    let taken = fields_with_udf(&arg_fields, call.func.as_ref()).ok()?;
    let given = arg_fields.iter().map(|field| field.data_type());
    if given.ne(taken.iter().map(|field| field.data_type())) {
        return None;
    }
    let answer = call.func.invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields,
        number_rows: 1,
        return_field: Arc::clone(field),
        config_options: Arc::clone(&SETTINGS),
    });
    match answer.ok()? {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(one) => ScalarValue::try_from_array(&one, 0).ok(),
    }
}
