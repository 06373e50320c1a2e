//! Sort keys that are a distance in disguise.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use ogive_kernels::Metric;
use ogive_udfs::{metric_of, scalar_functions, unbound};

/// The distance that a sort key orders by.
pub(crate) struct Key {
    /// The call.
    pub distance: ScalarFunction,
    /// Largest first.
    pub descending: bool,
    /// The key is the distance itself: equal keys are equal distances.
    pub exact: bool,
}

/// Takes monotone wrappers off a key.
///
/// NaN decides which are safe. DataFusion sorts NaN as the greatest number and a negated NaN as
/// the least, so `-d` is `d` the other way round, NaN included; `c - d` is not, because its NaN
/// stays positive, and is refused, but for the cosine pair `1 - cosine_distance` and
/// `1 - cosine_similarity`, which are each other.
pub(crate) fn strip(key: &Expr, descending: bool) -> Option<Key> {
    let wrapped = |inner: &Expr, descending| {
        strip(inner, descending).map(|key| Key {
            exact: false,
            ..key
        })
    };
    match key {
        Expr::Alias(alias) => strip(&alias.expr, descending),
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Float64 => {
            strip(&cast.expr, descending)
        }
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Float32 => {
            wrapped(&cast.expr, descending)
        }
        Expr::Negative(inner) => strip(inner, !descending),
        Expr::ScalarFunction(call) if metric_of(&call.func).is_some() => Some(Key {
            distance: call.clone(),
            descending,
            exact: true,
        }),
        Expr::ScalarFunction(call) if call.func.name() == "sqrt" => {
            let [inner] = call.args.as_slice() else {
                return None;
            };
            // The root of a negative number is NaN: only distances that have no sign.
            wrapped(inner, descending).filter(|key| {
                matches!(
                    metric_of(&key.distance.func),
                    Some(Metric::L2 | Metric::L2Squared | Metric::L1)
                ) && key.descending == descending
            })
        }
        Expr::BinaryExpr(binary) => strip_arithmetic(binary, descending),
        _ => None,
    }
}

fn strip_arithmetic(binary: &BinaryExpr, descending: bool) -> Option<Key> {
    let wrapped = |inner: &Expr| {
        strip(inner, descending).map(|key| Key {
            exact: false,
            ..key
        })
    };
    let (left, right) = (&binary.left, &binary.right);
    match (binary.op, constant(left), constant(right)) {
        (Operator::Multiply, Some(factor), None) if is_factor(factor) => wrapped(right),
        (Operator::Multiply | Operator::Divide, None, Some(factor)) if is_factor(factor) => {
            wrapped(left)
        }
        (Operator::Plus, Some(term), None) if term.is_finite() => wrapped(right),
        (Operator::Plus | Operator::Minus, None, Some(term)) if term.is_finite() => wrapped(left),
        (Operator::Minus, Some(1.0), None) => {
            let key = strip(right, descending)?;
            let twin = match metric_of(&key.distance.func)? {
                Metric::CosineDistance if key.exact => Metric::CosineSimilarity,
                Metric::CosineSimilarity if key.exact => Metric::CosineDistance,
                _ => return None,
            };
            // A negation inside would have turned NaN round.
            if key.descending != descending {
                return None;
            }
            let func = scalar_functions()
                .into_iter()
                .find(|function| function.name() == twin.function_name())?;
            Some(Key {
                distance: ScalarFunction::new_udf(func, unbound(&key.distance).args),
                descending,
                exact: false,
            })
        }
        _ => None,
    }
}

/// Positive and finite, and no so small or large that products leave the range of numbers.
fn is_factor(factor: f64) -> bool {
    (1e-30..1e30).contains(&factor)
}

fn constant(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64).ok()? {
            ScalarValue::Float64(value) => value,
            _ => None,
        },
        _ => None,
    }
}
