//! `hamming_distance` and `jaccard_distance`.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use ogive_kernels::{InstructionSet, Metric, Query};
use ogive_vectors::{hamming_distance, jaccard_distance};

use super::external;
use super::mistakes::no_function;
use super::row_function::{documentation, no_such};
use super::value::{Argument, Value, as_type, is_text};
use crate::constant::constant_vector;
use crate::execution::Execution;
use crate::vector_types::SqlVectorType;
use crate::vectors::{bit_rows_of, vector_nulls};

/// A distance between bit strings. Texts are read as bit strings; any NULL gives NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct BitDistance {
    pub(crate) metric: Metric,
    signature: Signature,
    documentation: Documentation,
}

/// Both functions.
pub(crate) fn bit_distance_udfs() -> Vec<Arc<ScalarUDF>> {
    [Metric::Hamming, Metric::Jaccard]
        .into_iter()
        .map(|metric| {
            let (syntax, description) = match metric {
                Metric::Jaccard => (
                    "jaccard_distance(bits1, bits2)",
                    "One minus the share of bits set in both among those set in either; 1 when none is set in both.",
                ),
                _ => (
                    "hamming_distance(bits1, bits2)",
                    "The number of places at which two bit strings differ.",
                ),
            };
            Arc::new(ScalarUDF::from(BitDistance {
                metric,
                documentation: documentation(syntax, description),
                signature: Signature::user_defined(Volatility::Immutable),
            }))
        })
        .collect()
}

impl BitDistance {
    /// The kernel's answer for a column of whole bytes against a constant of the same length.
    fn against_constant(
        &self,
        column: &ColumnarValue,
        constant: &ColumnarValue,
        instructions: InstructionSet,
    ) -> Result<Option<ColumnarValue>> {
        let (ColumnarValue::Array(column), ColumnarValue::Scalar(constant)) = (column, constant)
        else {
            return Ok(None);
        };
        let (Some(rows), None) = (bit_rows_of(column.as_ref()), vector_nulls(column.as_ref()))
        else {
            return Ok(None);
        };
        let Some(bits) = constant_vector(constant)? else {
            return Ok(None);
        };
        if bits.len() != rows.dimension() {
            return Ok(None);
        }
        let mut distances = vec![0.0; rows.len()];
        Query::new(self.metric, &bits)
            .with_instruction_set(instructions)
            .distances(&rows, &mut distances);
        let nulls = column.nulls().cloned();
        let distances = Float64Array::new(distances.into(), nulls);
        Ok(Some(ColumnarValue::Array(Arc::new(distances))))
    }
}

impl ScalarUDFImpl for BitDistance {
    fn name(&self) -> &str {
        self.metric.function_name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        // What is wrong is said with the fields in hand: an error from here would be wrapped in DataFusion's.
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let bits = |field: &FieldRef| match field.data_type() {
            DataType::FixedSizeList(element, _) | DataType::List(element) => {
                *element.data_type() == DataType::Boolean
            }
            DataType::Null => true,
            other => is_text(other),
        };
        if args.arg_fields.len() != 2 || !args.arg_fields.iter().all(bits) {
            let name = self.name();
            return Err(no_function(name, args.arg_fields, args.scalar_arguments));
        }
        Ok(Arc::new(Field::new(self.name(), DataType::Float64, true)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.metric.function_name();
        let (parsed, fields) = as_type(name, SqlVectorType::Bit, &args.args, &args.arg_fields)?;
        let ([left, right], [left_field, right_field]) = (parsed.as_slice(), fields.as_slice())
        else {
            return internal_err!("{name} was called with {} arguments", parsed.len());
        };
        let instructions = Execution::of(&args.config_options).instructions();
        for (column, constant) in [(left, right), (right, left)] {
            if let Some(distances) = self.against_constant(column, constant, instructions)? {
                return Ok(distances);
            }
        }
        let left_values = Argument::of(name, left, left_field)?;
        let right_values = Argument::of(name, right, right_field)?;
        let scalar = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let constant = scalar(left) && scalar(right);
        let rows = if constant { 1 } else { args.number_rows };
        let place = |value: &ColumnarValue, row| if scalar(value) { 0 } else { row };
        let distances = (0..rows)
            .map(|row| {
                let pair = (
                    left_values.value(place(left, row)),
                    right_values.value(place(right, row)),
                );
                match pair {
                    (Some(Value::Bits(left)), Some(Value::Bits(right))) => match self.metric {
                        Metric::Jaccard => jaccard_distance(&left, &right),
                        _ => hamming_distance(&left, &right),
                    }
                    .map(Some)
                    .map_err(external),
                    (None, _) | (_, None) => Ok(None),
                    (Some(left), Some(right)) => Err(external(no_such(name, &[left, right]))),
                }
            })
            .collect::<Result<Float64Array>>()?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&distances, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(distances))
        })
    }
}
