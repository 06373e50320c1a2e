//! `l2_normalize`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, Float64Array,
    GenericListArray, OffsetSizeTrait, PrimitiveArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion_macros::user_doc;
use half::f16;

use crate::coercion::{take_arguments, vector_argument};
use crate::evaluate;
use crate::vectors::Vectors;

const NAME: &str = "l2_normalize";

#[user_doc(
    doc_section(label = "Vector Functions"),
    description = "The vector divided by its Euclidean norm, as the same kind of list: Float64, Float32 and Float16 elements keep their type, integers become Float32. A zero vector stays zero. Returns NULL when the vector is NULL or holds a NULL element.",
    syntax_example = "l2_normalize(vector)",
    sql_example = r#"```sql
> select l2_normalize([3.0, 4.0]);
+--------------------------+
| l2_normalize([3.0, 4.0]) |
+--------------------------+
| [0.6, 0.8]               |
+--------------------------+
```"#,
    argument(
        name = "vector",
        description = "List of numbers: a column, a constant or an expression."
    ),
    related_udf(name = "vector_norm")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
struct L2Normalize {
    signature: Signature,
}

/// The function `l2_normalize`.
pub fn l2_normalize_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(L2Normalize {
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for L2Normalize {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [vector] = take_arguments(NAME, arg_types)?;
        Ok(vec![vector_argument(NAME, 1, vector, fractional)?])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [vector] = take_arguments(NAME, arg_types)?;
        Ok(vector.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(column)] => Ok(ColumnarValue::Array(normalize(column)?)),
            [ColumnarValue::Scalar(constant)] => {
                let one = normalize(&constant.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
            other => internal_err!("{NAME} was called with {} arguments", other.len()),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// Elements that can hold a fraction.
fn fractional(element: &DataType) -> DataType {
    match element {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => element.clone(),
        integer if integer.is_integer() => DataType::Float32,
        _ => DataType::Float64,
    }
}

fn normalize(column: &ArrayRef) -> Result<ArrayRef> {
    let vectors = Vectors::of_argument(NAME, column.as_ref())?;
    // Besides the norms, this says which rows are NULL, for a NULL element too.
    let norms = evaluate::norms(&vectors)?;
    let nulls = norms.nulls().cloned();
    match column.data_type() {
        DataType::FixedSizeList(field, dimension) => {
            let elements = unit_elements(column.as_fixed_size_list().values(), &vectors, &norms)?;
            Ok(Arc::new(FixedSizeListArray::try_new_with_length(
                Arc::clone(field),
                *dimension,
                elements,
                nulls,
                column.len(),
            )?))
        }
        DataType::List(_) => unit_list::<i32>(column.as_list(), &vectors, &norms, nulls),
        DataType::LargeList(_) => unit_list::<i64>(column.as_list(), &vectors, &norms, nulls),
        other => internal_err!("{NAME}: unexpected type after coercion: {other}"),
    }
}

fn unit_list<O: OffsetSizeTrait>(
    list: &GenericListArray<O>,
    vectors: &Vectors<'_>,
    norms: &Float64Array,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let (DataType::List(field) | DataType::LargeList(field)) = list.data_type() else {
        return internal_err!("{NAME}: a list array of type {}", list.data_type());
    };
    let elements = unit_elements(list.values(), vectors, norms)?;
    // A sliced column's offsets begin past 0; the new elements hold the slice alone.
    let base = list.offsets().first().copied().unwrap_or_default();
    let offsets: ScalarBuffer<O> = list.offsets().iter().map(|&offset| offset - base).collect();
    Ok(Arc::new(GenericListArray::<O>::try_new(
        Arc::clone(field),
        OffsetBuffer::new(offsets),
        elements,
        nulls,
    )?))
}

/// The elements of all rows, each divided by its row's norm.
fn unit_elements(
    elements: &ArrayRef,
    vectors: &Vectors<'_>,
    norms: &Float64Array,
) -> Result<ArrayRef> {
    match elements.data_type() {
        DataType::Float64 => Ok(unit_values::<Float64Type>(elements, vectors, norms)),
        DataType::Float32 => Ok(unit_values::<Float32Type>(elements, vectors, norms)),
        DataType::Float16 => Ok(unit_values::<Float16Type>(elements, vectors, norms)),
        other => internal_err!("{NAME}: unexpected element type after coercion: {other}"),
    }
}

fn unit_values<T>(elements: &ArrayRef, vectors: &Vectors<'_>, norms: &Float64Array) -> ArrayRef
where
    T: ArrowPrimitiveType<Native: Fraction>,
{
    let all = vectors.elements();
    let mut values = elements.as_primitive::<T>().values()[all.clone()].to_vec();
    for (row, norm) in norms.iter().enumerate() {
        let Some(norm) = norm else {
            continue;
        };
        let span = vectors.elements_of(row);
        divide_by_norm(
            &mut values[span.start - all.start..span.end - all.start],
            norm,
        );
    }
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}

/// A floating-point element.
trait Fraction: Copy {
    fn widen(self) -> f64;
    /// Rounds to nearest.
    fn narrow(value: f64) -> Self;
}

impl Fraction for f64 {
    fn widen(self) -> f64 {
        self
    }
    fn narrow(value: f64) -> Self {
        value
    }
}

impl Fraction for f32 {
    fn widen(self) -> f64 {
        f64::from(self)
    }
    fn narrow(value: f64) -> Self {
        value as f32
    }
}

impl Fraction for f16 {
    fn widen(self) -> f64 {
        self.to_f64()
    }
    fn narrow(value: f64) -> Self {
        f16::from_f64(value)
    }
}

/// Norms whose square is far from both ends of what `f64` holds, so that no element's square was lost on the way.
const SAFE_NORMS: std::ops::Range<f64> = 1e-140..1e150;

fn divide_by_norm<F: Fraction>(vector: &mut [F], norm: f64) {
    if SAFE_NORMS.contains(&norm) {
        for element in vector {
            *element = F::narrow(element.widen() / norm);
        }
        return;
    }
    // Squares may have overflowed or vanished: bring the largest element to 1 first. `f64::max` passes NaN over, but
    // the norm has it.
    let largest = vector
        .iter()
        .map(|element| element.widen().abs())
        .fold(0.0, f64::max);
    if largest == 0.0 && norm == 0.0 {
        return;
    }
    let scaled_norm = vector
        .iter()
        .map(|element| element.widen() / largest)
        .map(|scaled| scaled * scaled)
        .sum::<f64>()
        .sqrt();
    for element in vector {
        *element = F::narrow(element.widen() / largest / scaled_norm);
    }
}
