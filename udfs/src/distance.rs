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
use ogive_kernels::{Metric, Precision, Query};

use crate::bound::distance_of;
use crate::coercion::{is_value_of_pgvector, readable, vector_argument};
use crate::constant::{constant_dimension, constant_elements};
use crate::evaluate::{
    Answering, ConstantSide, against_constant, check_dimensions, check_same, row_by_row,
};
use crate::execution::Execution;
use crate::pgvector::{BitDistance, as_type, no_function, sparse_distance};
use crate::vector_types::{SqlVectorType, common_type};
use crate::vectors::Vectors;

/// A distance function under one of its SQL names.
///
/// A NULL list, a NULL element in either list, and a zero vector in a cosine give NULL; unequal lengths are an error,
/// found while planning where types and constants tell. A constant is compared at the column's precision: it is
/// rounded to `Float32` unless the column holds `Float64`.
///
/// As soon as an argument has one of pgvector's types, the answer is pgvector's: sums are rounded to single precision, a
/// zero vector in a cosine gives NaN, errors have its texts and SQLSTATEs, and a text stands for a value of that type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Distance {
    metric: Metric,
    name: &'static str,
    /// The type of pgvector's that the name says it takes.
    takes: Option<SqlVectorType>,
    aliases: Vec<String>,
    signature: Signature,
    documentation: Option<Documentation>,
}

impl Distance {
    /// The function `name`, ready to be registered.
    pub(crate) fn udf(
        metric: Metric,
        name: &'static str,
        aliases: &[&str],
        documentation: Option<&Documentation>,
    ) -> Arc<ScalarUDF> {
        let documentation = documentation.cloned();
        Arc::new(ScalarUDF::from(Self::named(
            metric,
            name,
            aliases,
            documentation,
        )))
    }

    /// A function whose name says which type it takes.
    pub(crate) fn taking(
        kind: SqlVectorType,
        metric: Metric,
        name: &'static str,
        documentation: Documentation,
    ) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self {
            takes: Some(kind),
            ..Self::named(metric, name, &[], Some(documentation))
        }))
    }

    fn named(
        metric: Metric,
        name: &'static str,
        aliases: &[&str],
        documentation: Option<Documentation>,
    ) -> Self {
        Self {
            metric,
            name,
            takes: None,
            aliases: aliases.iter().map(|alias| (*alias).to_string()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
            documentation,
        }
    }

    /// The type whose answers a call gives; `None` for lists.
    fn answers_as(&self, fields: &[FieldRef]) -> Option<SqlVectorType> {
        let kind = answers_as(fields)?;
        Some(match self.takes {
            Some(taken) if kind.casts_implicitly_to(taken) => taken,
            _ => kind,
        })
    }

    /// Whether there is a distance between such arguments.
    fn takes_all(&self, fields: &[FieldRef]) -> bool {
        let common = self.answers_as(fields);
        let taken = self.takes.is_none() || common.is_none() || common == self.takes;
        let argument = |field: &FieldRef| {
            if let Some(kind) = SqlVectorType::of(field) {
                return kind != SqlVectorType::Bit;
            }
            let found = field.data_type();
            is_value_of_pgvector(found) || vector_argument(self.name, 1, found, readable).is_ok()
        };
        taken && fields.len() == 2 && fields.iter().all(argument)
    }

    fn against_constant(
        &self,
        answering: &Answering,
        column: &dyn Array,
        constant: &ScalarValue,
        side: ConstantSide,
    ) -> Result<ColumnarValue> {
        let Some(elements) = constant_elements(constant)? else {
            return Ok(null());
        };
        let column = Vectors::of_argument(self.name, column)?;
        if elements.null_count() > 0 {
            check_dimensions(answering, &column, elements.len(), side)?;
            return Ok(null());
        }
        let query = Query::new(self.metric, elements.values())
            .with_precision(answering.precision())
            .with_instruction_set(answering.instructions());
        let distances = against_constant(answering, &column, &query, side)?;
        Ok(ColumnarValue::Array(Arc::new(distances)))
    }

    fn row_by_row(
        &self,
        answering: &Answering,
        left: &dyn Array,
        right: &dyn Array,
    ) -> Result<Float64Array> {
        let left = Vectors::of_argument(self.name, left)?;
        let right = Vectors::of_argument(self.name, right)?;
        row_by_row(answering, self.metric, &left, &right)
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
        // What is wrong is said with the fields in hand: an error from here would be wrapped in DataFusion's.
        let argument = |found: &DataType| {
            vector_argument(self.name, 1, found, readable).unwrap_or_else(|_| found.clone())
        };
        Ok(arg_types.iter().map(argument).collect())
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if !self.takes_all(args.arg_fields) {
            return Err(no_function(
                self.name,
                args.arg_fields,
                args.scalar_arguments,
            ));
        }
        if let [Some(left), Some(right)] = [0, 1].map(|argument| known_dimension(&args, argument))
            && left != right
        {
            if let Some(kind) = self.answers_as(args.arg_fields) {
                check_same(kind, left, right)?;
            }
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
        let kind = self.answers_as(&args.arg_fields);
        let instructions = Execution::of(&args.config_options).instructions();
        let (arguments, fields) = match kind {
            Some(kind) => as_type(self.name, kind, &args.args, &args.arg_fields)?,
            None => (args.args, args.arg_fields),
        };
        if kind == Some(SqlVectorType::Sparsevec) {
            let rows = args.number_rows;
            return sparse_distance(self.name, self.metric, &arguments, &fields, rows);
        }
        let as_kind = Answering::new(self.name, kind, instructions);
        match arguments.as_slice() {
            [Array(left), Array(right)] => {
                let distances = self.row_by_row(&as_kind, left.as_ref(), right.as_ref())?;
                Ok(Array(Arc::new(distances)))
            }
            [Array(column), Scalar(constant)] => {
                self.against_constant(&as_kind, column.as_ref(), constant, ConstantSide::Right)
            }
            [Scalar(constant), Array(column)] => {
                self.against_constant(&as_kind, column.as_ref(), constant, ConstantSide::Left)
            }
            [Scalar(left), Scalar(right)] => {
                // The right one is taken for the constant, so that folding a call gives what the call on a column does.
                let left = left.to_array()?;
                let answer =
                    self.against_constant(&as_kind, left.as_ref(), right, ConstantSide::Right)?;
                match answer {
                    Array(one) => Ok(Scalar(ScalarValue::try_from_array(&one, 0)?)),
                    scalar => Ok(scalar),
                }
            }
            other => internal_err!("{} was called with {} arguments", self.name, other.len()),
        }
    }

    /// Euclidean and taxicab distances are never negative. Sound for NaN too, which the answers hold only in its
    /// positive form, above every number. Cosine distances are between 0 and 2, and
    /// nothing is made of it.
    fn evaluate_bounds(&self, _inputs: &[&Interval]) -> Result<Interval> {
        match self.metric {
            Metric::L2 | Metric::L2Squared | Metric::L1 => {
                Interval::make_non_negative_infinity_interval(&DataType::Float64)
            }
            _ => Interval::make_unbounded(&DataType::Float64),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.documentation.as_ref()
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

/// The type whose answers a call gives: that of the arguments with a mark; `vector` where one is a text. `None` for lists.
fn answers_as(fields: &[FieldRef]) -> Option<SqlVectorType> {
    common_type(fields).or_else(|| {
        fields
            .iter()
            .any(|field| is_value_of_pgvector(field.data_type()))
            .then_some(SqlVectorType::Vector)
    })
}

/// How precise the answers of a distance between such arguments are: single-precision, as pgvector's, as soon as one has
/// a type of pgvector's, else double.
pub fn precision_of(fields: &[FieldRef]) -> Precision {
    match answers_as(fields) {
        Some(_) => Precision::Single,
        None => Precision::Double,
    }
}

/// The type of pgvector's that one of this crate's distance functions reads texts as, where no argument has one; `None`
/// for any other function.
pub fn text_type_of(udf: &ScalarUDF) -> Option<SqlVectorType> {
    let inner = udf.inner();
    if inner.downcast_ref::<BitDistance>().is_some() {
        return Some(SqlVectorType::Bit);
    }
    let distance = inner.downcast_ref::<Distance>()?;
    Some(distance.takes.unwrap_or(SqlVectorType::Vector))
}

/// The metric that one of this crate's distance functions computes, under whichever name and with or without a constant
/// ([`bind_constant`](crate::bind_constant)); `None` for any other
/// function, built-in distances among them.
pub fn metric_of(udf: &ScalarUDF) -> Option<Metric> {
    let inner = distance_of(udf).inner();
    match inner.downcast_ref::<Distance>() {
        Some(distance) => Some(distance.metric),
        None => inner.downcast_ref::<BitDistance>().map(|bits| bits.metric),
    }
}
