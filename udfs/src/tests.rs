//! What the tests share: generated columns, and a call made as the planner and the executor make it.

mod bound;
mod builtins;
mod columns;
mod distances;
mod knn;
mod nulls;
mod planning;
mod vault;
mod vectors;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array, GenericListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

/// A row: NULL, or elements of which some may be NULL.
type Vector = Option<Vec<Option<f64>>>;

/// A vector without NULLs.
fn dense(elements: &[f64]) -> Vector {
    Some(elements.iter().copied().map(Some).collect())
}

/// The kinds of list that the functions read in place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Fixed(usize),
    List,
    Large,
}

const ELEMENTS: [DataType; 5] = [
    DataType::Float64,
    DataType::Float32,
    DataType::Float16,
    DataType::Int8,
    DataType::UInt8,
];

/// Generated numbers: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number that `element` holds exactly.
    fn number(&mut self, element: &DataType) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        match element {
            DataType::Float64 => unit * 20.0 - 10.0,
            DataType::Float32 => f64::from((unit * 20.0 - 10.0) as f32),
            DataType::Float16 => ((unit * 512.0).floor() - 256.0) / 16.0,
            DataType::Int8 => (unit * 256.0).floor() - 128.0,
            _ => (unit * 256.0).floor(),
        }
    }

    fn vector(&mut self, element: &DataType, dimension: usize) -> Vec<Option<f64>> {
        (0..dimension).map(|_| Some(self.number(element))).collect()
    }

    /// A row as columns hold them: now and then NULL, with a NULL element, or all zero.
    fn row(&mut self, element: &DataType, dimension: usize) -> Vector {
        match self.below(10) {
            0 => None,
            1 if dimension > 0 => {
                let mut vector = self.vector(element, dimension);
                let hole = self.below(dimension);
                vector[hole] = None;
                Some(vector)
            }
            2 => Some(vec![Some(0.0); dimension]),
            _ => Some(self.vector(element, dimension)),
        }
    }
}

/// A column of `rows`, cut out of a longer one. NULL rows of the variable kinds have no elements or, for as long as the
/// `null_lengths` given last, some that nobody may look at.
fn column(kind: Kind, element: &DataType, rows: &[Vector], null_lengths: &[usize]) -> ArrayRef {
    let width = match kind {
        Kind::Fixed(dimension) => dimension,
        _ => 2,
    };
    let filler = Some(vec![Some(1.0); width]);
    let padded: Vec<&Vector> = std::iter::once(&filler)
        .chain(rows)
        .chain([&filler, &filler])
        .collect();

    let mut values: Vec<Option<f64>> = Vec::new();
    let mut offsets = vec![0];
    for (index, row) in padded.iter().enumerate() {
        match (row, kind) {
            (Some(elements), _) => values.extend(elements),
            (None, Kind::Fixed(dimension)) => values.extend(vec![None; dimension]),
            (None, _) => {
                let length = null_lengths.get(index % null_lengths.len().max(1));
                values.extend(vec![Some(7.0); length.copied().unwrap_or(0)]);
            }
        }
        offsets.push(values.len());
    }
    let values = cast(&Float64Array::from(values), element).unwrap();
    let field: FieldRef = Arc::new(Field::new_list_field(element.clone(), true));
    let nulls = NullBuffer::from_iter(padded.iter().map(|row| row.is_some()));
    let whole: ArrayRef = match kind {
        Kind::Fixed(dimension) => Arc::new(
            FixedSizeListArray::try_new_with_length(
                field,
                dimension as i32,
                values,
                Some(nulls),
                padded.len(),
            )
            .unwrap(),
        ),
        Kind::List => {
            let offsets: ScalarBuffer<i32> = offsets.iter().map(|&offset| offset as i32).collect();
            Arc::new(GenericListArray::new(
                field,
                OffsetBuffer::new(offsets),
                values,
                Some(nulls),
            ))
        }
        Kind::Large => {
            let offsets: ScalarBuffer<i64> = offsets.iter().map(|&offset| offset as i64).collect();
            Arc::new(GenericListArray::new(
                field,
                OffsetBuffer::new(offsets),
                values,
                Some(nulls),
            ))
        }
    };
    whole.slice(1, rows.len())
}

fn constant(kind: Kind, element: &DataType, vector: &Vector) -> ScalarValue {
    let one = column(kind, element, std::slice::from_ref(vector), &[]);
    ScalarValue::try_from_array(&one, 0).unwrap()
}

/// Coerces, plans and runs a call, as the planner and the executor do.
fn call(udf: &ScalarUDF, args: &[ColumnarValue]) -> Result<ColumnarValue> {
    let given: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let args = args
        .iter()
        .zip(udf.coerce_types(&given)?)
        .map(|(arg, wanted)| match arg.data_type() == wanted {
            true => Ok(arg.clone()),
            false => arg.cast_to(&wanted, None),
        })
        .collect::<Result<Vec<_>>>()?;
    let arg_fields: Vec<FieldRef> = args
        .iter()
        .map(|arg| Arc::new(Field::new("argument", arg.data_type(), true)))
        .collect();
    let constants: Vec<Option<&ScalarValue>> = args
        .iter()
        .map(|arg| match arg {
            ColumnarValue::Scalar(constant) => Some(constant),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let return_field = udf.return_field_from_args(ReturnFieldArgs {
        arg_fields: &arg_fields,
        scalar_arguments: &constants,
    })?;
    let number_rows = args
        .iter()
        .find_map(|arg| match arg {
            ColumnarValue::Array(array) => Some(array.len()),
            ColumnarValue::Scalar(_) => None,
        })
        .unwrap_or(1);
    let answer = udf.invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields,
        number_rows,
        return_field: Arc::clone(&return_field),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    assert_eq!(
        &answer.data_type(),
        return_field.data_type(),
        "{}",
        udf.name()
    );
    Ok(answer)
}

/// The answers of a call, one for each of `rows` rows.
fn numbers(udf: &ScalarUDF, args: &[ColumnarValue], rows: usize) -> Result<Vec<Option<f64>>> {
    let answers = call(udf, args)?.into_array(rows)?;
    assert_eq!(answers.len(), rows, "{}", udf.name());
    Ok(answers.as_primitive::<Float64Type>().iter().collect())
}

/// The message of the error that a call ends with.
fn failure(udf: &ScalarUDF, args: &[ColumnarValue]) -> String {
    call(udf, args).unwrap_err().strip_backtrace()
}

fn distance_functions() -> Vec<Arc<ScalarUDF>> {
    crate::scalar_functions()
        .into_iter()
        .filter(|udf| {
            // Those over bits are tested with their type.
            let metric = crate::metric_of(udf);
            metric.is_some_and(|metric| metric.takes(ogive_kernels::Encoding::F32))
        })
        .collect()
}

#[test]
fn no_two_functions_share_a_name_or_alias() {
    let mut seen = std::collections::HashSet::new();
    for udf in crate::scalar_functions() {
        for name in std::iter::once(udf.name()).chain(udf.aliases().iter().map(String::as_str)) {
            assert!(seen.insert(name.to_string()), "{name} is taken twice");
        }
        assert!(udf.documentation().is_some(), "{}", udf.name());
    }
    assert_eq!(seen.len(), 97);
    for udaf in crate::aggregate_functions() {
        for name in std::iter::once(udaf.name()).chain(udaf.aliases().iter().map(String::as_str)) {
            assert!(seen.insert(name.to_string()), "{name} is taken twice");
        }
        assert!(udaf.documentation().is_some(), "{}", udaf.name());
    }
    assert_eq!(seen.len(), 97 + 11);
}
