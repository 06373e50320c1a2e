//! Distances to a constant that the function itself holds.
//!
//! ```text
//! l2_distance(v, [0.1, .. 383 more])   =>   (l2_distance to [0.1, .. 383 more])(v)
//! ```
//!
//! An optimizer names, hashes and compares the expressions of a plan over and over. With a vector of some hundred
//! numbers among the arguments that takes about as long as all the rest of planning; a function is named and hashed once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion_common::metadata::FieldMetadata;
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::interval_arithmetic::Interval;
use datafusion_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::constant::list_elements;

/// Longer constants are bound, and are shown shortened.
pub const SHOWN_WHOLE_MAX: usize = 16;

/// Numbers that are shown of them.
pub const SHOWN: usize = 4;

/// A distance function with one of its two arguments.
#[derive(Debug)]
pub(crate) struct BoundDistance {
    distance: Arc<ScalarUDF>,
    constant: ScalarValue,
    field: FieldRef,
    /// Whether the constant is the first argument.
    first: bool,
    name: String,
    hash: u64,
    signature: Signature,
}

/// A call of a distance function with its constant argument, if that is a long vector, made a part of the function;
/// `None` for other calls. `constant` is the argument at `index`, as a value of the type of `field`.
pub fn bind_constant(
    call: &ScalarFunction,
    index: usize,
    constant: &ScalarValue,
    field: &FieldRef,
) -> Result<Option<ScalarFunction>> {
    let [left, right] = call.args.as_slice() else {
        return Ok(None);
    };
    let other = if index == 0 { right } else { left };
    if !is_bindable(&call.func) || constant.is_null() || !constant.data_type().is_list() {
        return Ok(None);
    }
    let Some(elements) = list_elements(constant)?.filter(|list| list.len() > SHOWN_WHOLE_MAX)
    else {
        return Ok(None);
    };
    let shown = elements.slice(0, SHOWN);
    let formatter = ArrayFormatter::try_new(&shown, &FormatOptions::default())?;
    let numbers: Vec<String> = (0..SHOWN)
        .map(|number| formatter.value(number).to_string())
        .collect();
    let name = format!(
        "{} to [{}, .. {} more]",
        call.func.name(),
        numbers.join(", "),
        elements.len() - SHOWN
    );
    let mut hasher = DefaultHasher::new();
    (&call.func, constant, index).hash(&mut hasher);
    let bound = BoundDistance {
        distance: Arc::clone(&call.func),
        constant: constant.clone(),
        field: Arc::clone(field),
        first: index == 0,
        name,
        hash: hasher.finish(),
        signature: Signature::user_defined(Volatility::Immutable),
    };
    Ok(Some(ScalarFunction::new_udf(
        Arc::new(ScalarUDF::from(bound)),
        vec![other.clone()],
    )))
}

/// A call as it was before [`bind_constant`].
pub fn unbound(call: &ScalarFunction) -> ScalarFunction {
    let (Some(bound), [other]) = (bound(&call.func), call.args.as_slice()) else {
        return call.clone();
    };
    let metadata = FieldMetadata::from(bound.field.as_ref());
    let constant = Expr::Literal(bound.constant.clone(), Some(metadata));
    let args = bound.both(constant, other.clone());
    ScalarFunction::new_udf(Arc::clone(&bound.distance), args)
}

/// The constant that a function holds, with its type, and whether it is the first argument.
pub fn bound_constant(udf: &ScalarUDF) -> Option<(&ScalarValue, &FieldRef, bool)> {
    bound(udf).map(|bound| (&bound.constant, &bound.field, bound.first))
}

/// The distance that a function with a constant computes; any other function itself.
pub(crate) fn distance_of(udf: &ScalarUDF) -> &ScalarUDF {
    bound(udf).map_or(udf, |bound| bound.distance.as_ref())
}

fn bound(udf: &ScalarUDF) -> Option<&BoundDistance> {
    udf.inner().downcast_ref()
}

fn is_bindable(udf: &ScalarUDF) -> bool {
    udf.inner().is::<crate::distance::Distance>()
}

impl BoundDistance {
    /// Both arguments in their order.
    fn both<T>(&self, constant: T, other: T) -> Vec<T> {
        match self.first {
            true => vec![constant, other],
            false => vec![other, constant],
        }
    }

    /// The argument that is not the constant.
    fn other<T>(&self, arguments: impl IntoIterator<Item = T>) -> Result<T> {
        let mut arguments = arguments.into_iter();
        match (arguments.next(), arguments.next()) {
            (Some(other), None) => Ok(other),
            _ => internal_err!("{} takes one argument", self.name),
        }
    }
}

impl PartialEq for BoundDistance {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.first == other.first
            && self.distance == other.distance
            && self.field == other.field
            && self.constant == other.constant
    }
}

impl Eq for BoundDistance {}

impl Hash for BoundDistance {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl ScalarUDFImpl for BoundDistance {
    fn name(&self) -> &str {
        &self.name
    }

    /// Unlike the name, different for every constant.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let other = self.other(args)?.schema_name();
        Ok(format!("{} #{:016x}({other})", self.name, self.hash))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let types = self.both(self.constant.data_type(), self.other(arg_types)?.clone());
        let mut coerced = self.distance.coerce_types(&types)?;
        if self.first {
            coerced.reverse();
        }
        coerced.truncate(1);
        Ok(coerced)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let types = self.both(self.constant.data_type(), self.other(arg_types)?.clone());
        self.distance.return_type(&types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let other = self.other(args.arg_fields)?;
        let fields = self.both(Arc::clone(&self.field), Arc::clone(other));
        let constants = self.both(Some(&self.constant), *self.other(args.scalar_arguments)?);
        self.distance.return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &constants,
        })
    }

    fn is_strict(&self) -> bool {
        self.distance.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = ColumnarValue::Scalar(self.constant.clone());
        let fields = self.both(Arc::clone(&self.field), self.other(args.arg_fields)?);
        self.distance.invoke_with_args(ScalarFunctionArgs {
            args: self.both(constant, self.other(args.args)?),
            arg_fields: fields,
            ..args
        })
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        self.distance.evaluate_bounds(inputs)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.distance.documentation()
    }
}
