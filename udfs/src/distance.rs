//! What all distance functions share: everything but the metric, the name and the manual entry.

use std::sync::Arc;

use arrow::array::{Array, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::interval_arithmetic::Interval;
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use ogive_kernels::{Metric, Query};

use crate::coercion::{readable, take_arguments, vector_argument};
use crate::constant::{constant_dimension, constant_elements};
use crate::evaluate::{ConstantSide, against_constant, check_dimensions, row_by_row};
use crate::vectors::Vectors;

/// A distance function under one of its SQL names.
///
/// A NULL list, a NULL element in either list, and a zero vector in a cosine give NULL; unequal lengths are an error,
/// found while planning where types and constants tell. A constant is compared at the column's precision: it is
/// rounded to `Float32` unless the column holds `Float64`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Distance {
    metric: Metric,
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
    documentation: Option<&'static Documentation>,
}

impl Distance {
    /// The function `name`, ready to be registered.
    pub(crate) fn udf(
        metric: Metric,
        name: &'static str,
        aliases: &[&str],
        documentation: Option<&'static Documentation>,
    ) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self {
            metric,
            name,
            aliases: aliases.iter().map(|alias| (*alias).to_string()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
            documentation,
        }))
    }

    fn against_constant(
        &self,
        column: &dyn Array,
        constant: &ScalarValue,
        side: ConstantSide,
    ) -> Result<ColumnarValue> {
        let Some(elements) = constant_elements(constant)? else {
            return Ok(null());
        };
        let column = Vectors::of_argument(self.name, column)?;
        if elements.null_count() > 0 {
            check_dimensions(self.name, &column, elements.len(), side)?;
            return Ok(null());
        }
        let query = Query::new(self.metric, elements.values());
        let distances = against_constant(self.name, &column, &query, side)?;
        Ok(ColumnarValue::Array(Arc::new(distances)))
    }

    fn row_by_row(&self, left: &dyn Array, right: &dyn Array) -> Result<Float64Array> {
        let left = Vectors::of_argument(self.name, left)?;
        let right = Vectors::of_argument(self.name, right)?;
        row_by_row(self.name, self.metric, &left, &right)
    }
}

impl ScalarUDFImpl for Distance {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = take_arguments(self.name, arg_types)?;
        Ok(vec![
            vector_argument(self.name, 1, left, readable)?,
            vector_argument(self.name, 2, right, readable)?,
        ])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let [Some(left), Some(right)] = [0, 1].map(|argument| known_dimension(&args, argument))
            && left != right
        {
            return plan_err!(
                "{}: different vector dimensions {left} and {right}",
                self.name
            );
        }
        Ok(Arc::new(Field::new(self.name, DataType::Float64, true)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        use ColumnarValue::{Array, Scalar};
        match args.args.as_slice() {
            [Array(left), Array(right)] => {
                let distances = self.row_by_row(left.as_ref(), right.as_ref())?;
                Ok(Array(Arc::new(distances)))
            }
            [Array(column), Scalar(constant)] => {
                self.against_constant(column.as_ref(), constant, ConstantSide::Right)
            }
            [Scalar(constant), Array(column)] => {
                self.against_constant(column.as_ref(), constant, ConstantSide::Left)
            }
            [Scalar(left), Scalar(right)] => {
                // The right one is taken for the constant, so that folding a call gives what the call on a column does.
                let left = left.to_array()?;
                let answer = self.against_constant(left.as_ref(), right, ConstantSide::Right)?;
                match answer {
                    Array(one) => Ok(Scalar(ScalarValue::try_from_array(&one, 0)?)),
                    scalar => Ok(scalar),
                }
            }
            other => internal_err!("{} was called with {} arguments", self.name, other.len()),
        }
    }

    /// Euclidean and taxicab distances are never negative. Sound for NaN too, which the answers hold only in its
    /// positive form, above every number. Not given for cosine: rounding takes it a little below 0 and above 2.
    fn evaluate_bounds(&self, _inputs: &[&Interval]) -> Result<Interval> {
        match self.metric {
            Metric::L2 | Metric::L2Squared | Metric::L1 => {
                Interval::make_non_negative_infinity_interval(&DataType::Float64)
            }
            _ => Interval::make_unbounded(&DataType::Float64),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.documentation
    }
}

fn null() -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Float64(None))
}

/// The dimension of an argument as far as planning knows it: from its type, or from its value when it is constant.
fn known_dimension(args: &ReturnFieldArgs<'_>, argument: usize) -> Option<usize> {
    if let Some(Some(constant)) = args.scalar_arguments.get(argument) {
        return constant_dimension(constant);
    }
    match args.arg_fields.get(argument)?.data_type() {
        DataType::FixedSizeList(_, dimension) => usize::try_from(*dimension).ok(),
        _ => None,
    }
}

/// The metric that one of this crate's distance functions computes, under whichever name; `None` for any other
/// function, built-in distances among them.
pub fn metric_of(udf: &ScalarUDF) -> Option<Metric> {
    let distance = udf.inner().downcast_ref::<Distance>()?;
    Some(distance.metric)
}
