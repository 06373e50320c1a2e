//! `array_fill`: PostgreSQL's list of one value over and over.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::row_function::documentation;

/// More elements are a slip: PostgreSQL's arrays end at about as many.
const ELEMENTS_MAX: usize = 1 << 27;

/// `array_fill(value, ARRAY[n])`: a list of `n` times `value`, which may be NULL.
pub(super) fn array_fill_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(ArrayFill {
        signature: Signature::any(2, Volatility::Immutable),
        documentation: documentation(
            "array_fill(value, ARRAY[n])",
            "A list of `n` times the value.",
        ),
    }))
}

#[derive(Debug)]
struct ArrayFill {
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for ArrayFill {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for ArrayFill {}

impl std::hash::Hash for ArrayFill {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for ArrayFill {
    fn name(&self) -> &str {
        "array_fill"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [value, lengths] if lengths.is_list() => Ok(list_of(value)),
            _ => plan_err!("array_fill takes a value and an array of one length, as ARRAY[3]"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let [values, lengths] = args.args.as_slice() else {
            return plan_err!("array_fill takes two arguments");
        };
        let values = values.to_array(rows)?;
        let wanted = DataType::new_list(DataType::Int32, true);
        let lengths = cast(&lengths.to_array(rows)?, &wanted)?;
        let lengths = lengths.as_list::<i32>();
        let (mut taken, mut counts) = (Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            let count = match lengths.is_null(row) {
                true => 0,
                false => count(&lengths.value(row))?,
            };
            if count > ELEMENTS_MAX.saturating_sub(taken.len()) {
                return exec_err!("array_fill: arrays of more than {ELEMENTS_MAX} elements");
            }
            taken.extend(std::iter::repeat_n(row as u64, count));
            counts.push(count);
        }
        let elements = take(&values, &UInt64Array::from(taken), None)?;
        let element = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let filled = ListArray::try_new(
            element,
            OffsetBuffer::from_lengths(counts),
            elements,
            lengths
                .nulls()
                .cloned()
                .filter(|nulls: &NullBuffer| nulls.null_count() > 0),
        )?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(datafusion_common::ScalarValue::List(Arc::new(filled))),
            false => ColumnarValue::Array(Arc::new(filled)),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn list_of(value: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(value.clone(), true)))
}

fn count(lengths: &dyn Array) -> Result<usize> {
    let lengths = lengths.as_primitive::<Int32Type>();
    match lengths.len() {
        0 => Ok(0),
        1 if lengths.is_null(0) => exec_err!("array_fill: a length is NULL"),
        1 => match usize::try_from(lengths.value(0)) {
            Ok(count) => Ok(count),
            Err(_) => exec_err!("array_fill: a length is {}", lengths.value(0)),
        },
        more => exec_err!("array_fill makes arrays of one dimension, not of {more}"),
    }
}
