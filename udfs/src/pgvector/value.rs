//! Values one at a time: reading them out of Arrow arrays, and arrays made of them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, FixedSizeListBuilder, Float64Array,
    Int32Array, ListArray, ListBuilder, PrimitiveArray, PrimitiveBuilder, StringArray, StructArray,
    new_empty_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float16Type, Float32Type, Float64Type, Int32Type,
};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::ColumnarValue;
use half::f16;
use ogive_vectors::{
    SparseVec, VectorError, dense_to_sparsevec, format_bits, format_halfvec, format_sparsevec,
    format_vector, parse_bits, parse_halfvec, parse_sparsevec, parse_vector, sparsevec_from_array,
    vector_to_halfvec,
};

use super::external;
use crate::vector_types::{SqlVectorType, sparsevec_fields};

/// A value of a type that the functions take or give.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Vector(Vec<f32>),
    Halfvec(Vec<f16>),
    Bits(Vec<bool>),
    Sparse(SparseVec),
    /// An array without a mark.
    Numbers(Vec<Option<f64>>),
    Text(String),
    Int(i32),
    Float(f64),
    Bool(bool),
    /// The elements of an array that a function gives.
    Elements(ArrayRef),
    /// A function's answer only: arguments are never NULL.
    Null,
}

impl Value {
    /// The type among pgvector's.
    pub(crate) fn kind(&self) -> Option<SqlVectorType> {
        match self {
            Self::Vector(_) => Some(SqlVectorType::Vector),
            Self::Halfvec(_) => Some(SqlVectorType::Halfvec),
            Self::Bits(_) => Some(SqlVectorType::Bit),
            Self::Sparse(_) => Some(SqlVectorType::Sparsevec),
            _ => None,
        }
    }

    /// As PostgreSQL prints it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Vector(elements) => format_vector(elements),
            Self::Halfvec(elements) => format_halfvec(elements),
            Self::Bits(bits) => format_bits(bits),
            Self::Sparse(sparse) => format_sparsevec(sparse),
            Self::Numbers(_) | Self::Elements(_) | Self::Null => String::new(),
            Self::Bool(value) => if *value { "t" } else { "f" }.to_owned(),
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => ogive_vectors::format_float8(*value),
        }
    }

    /// The value as one of `kind`, where pgvector casts it implicitly; others stay as they are. A `sparsevec` is made of
    /// arrays too.
    pub(crate) fn implicitly(self, kind: SqlVectorType) -> std::result::Result<Self, VectorError> {
        Ok(match (self, kind) {
            (Self::Vector(elements), SqlVectorType::Halfvec) => {
                Self::Halfvec(vector_to_halfvec(&elements, None)?)
            }
            (Self::Vector(elements), SqlVectorType::Sparsevec) => {
                Self::Sparse(dense_to_sparsevec::<f32>(&elements, None)?)
            }
            (Self::Halfvec(elements), SqlVectorType::Sparsevec) => {
                Self::Sparse(dense_to_sparsevec::<f16>(&elements, None)?)
            }
            (Self::Numbers(numbers), SqlVectorType::Sparsevec) => {
                Self::Sparse(sparsevec_from_array(numbers, None)?)
            }
            (same, _) => same,
        })
    }

    /// What the text of a literal stands for.
    pub(crate) fn parse(
        text: &str,
        kind: SqlVectorType,
        length: Option<usize>,
    ) -> std::result::Result<Self, VectorError> {
        Ok(match kind {
            SqlVectorType::Vector => Self::Vector(parse_vector(text, length)?),
            SqlVectorType::Halfvec => Self::Halfvec(parse_halfvec(text, length)?),
            SqlVectorType::Bit => {
                let bits = parse_bits(text, None)?;
                ogive_vectors::check_bit_length(length, bits.len())?;
                Self::Bits(bits)
            }
            SqlVectorType::Sparsevec => Self::Sparse(parse_sparsevec(text, length)?),
        })
    }
}

/// An argument whose values are read one at a time.
pub(crate) enum Argument {
    Vector(Lists<Float32Type>),
    Halfvec(Lists<Float16Type>),
    Bits(ArrayRef),
    Sparse(StructArray),
    Numbers(Lists<Float64Type>),
    Text(StringArray),
    Int(Int32Array),
    Float(Float64Array),
    Bool(BooleanArray),
    Null,
}

impl Argument {
    /// Reads an argument by its mark, and by its Arrow type where it has none.
    pub(crate) fn of(function: &str, value: &ColumnarValue, field: &Field) -> Result<Self> {
        let array = match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        };
        if let Some(kind) = SqlVectorType::of(field) {
            return Ok(match kind {
                SqlVectorType::Vector => Self::Vector(Lists::of(&array)?),
                SqlVectorType::Halfvec => Self::Halfvec(Lists::of(&array)?),
                SqlVectorType::Bit => Self::Bits(array),
                SqlVectorType::Sparsevec => Self::Sparse(array.as_struct().clone()),
            });
        }
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean().clone()),
            DataType::Utf8 => Self::Text(array.as_string().clone()),
            DataType::Utf8View | DataType::LargeUtf8 => {
                Self::Text(cast(&array, &DataType::Utf8)?.as_string().clone())
            }
            DataType::List(element) | DataType::FixedSizeList(element, _)
                if *element.data_type() == DataType::Boolean =>
            {
                Self::Bits(array)
            }
            DataType::Struct(parts) if *parts == sparsevec_fields() => {
                Self::Sparse(array.as_struct().clone())
            }
            list if list.is_list() => {
                let wanted = DataType::new_list(DataType::Float64, true);
                Self::Numbers(Lists::of(&cast(&array, &wanted)?)?)
            }
            number if number.is_integer() => {
                Self::Int(cast(&array, &DataType::Int32)?.as_primitive().clone())
            }
            number if number.is_numeric() => {
                Self::Float(cast(&array, &DataType::Float64)?.as_primitive().clone())
            }
            // The value of a subquery comes without its mark.
            stored if SqlVectorType::Sparsevec.is_stored_as(stored) => {
                Self::Sparse(array.as_struct().clone())
            }
            other => return exec_err!("{function}: cannot read an argument of type {other}"),
        })
    }

    /// The value of a row; `None` is NULL. `kind` is what a text stands for, if the function takes
    /// texts for values.
    pub(crate) fn value(&self, row: usize) -> Option<Value> {
        Some(match self {
            Self::Vector(lists) => Value::Vector(lists.row(row)?.values().to_vec()),
            Self::Halfvec(lists) => Value::Halfvec(lists.row(row)?.values().to_vec()),
            Self::Bits(array) => Value::Bits(bits_of(array, row)?),
            Self::Sparse(array) => Value::Sparse(sparse_of(array, row)?),
            Self::Numbers(lists) => Value::Numbers(lists.row(row)?.iter().collect()),
            Self::Text(texts) => Value::Text(texts.is_valid(row).then(|| texts.value(row))?.into()),
            Self::Int(numbers) => Value::Int(numbers.is_valid(row).then(|| numbers.value(row))?),
            Self::Float(numbers) => {
                Value::Float(numbers.is_valid(row).then(|| numbers.value(row))?)
            }
            Self::Bool(values) => Value::Bool(values.is_valid(row).then(|| values.value(row))?),
            Self::Null => return None,
        })
    }
}

/// List rows of numbers.
pub(crate) struct Lists<T: ArrowPrimitiveType> {
    array: ArrayRef,
    elements: PrimitiveArray<T>,
}

impl<T: ArrowPrimitiveType> Lists<T> {
    fn of(array: &ArrayRef) -> Result<Self> {
        let elements = match array.data_type() {
            DataType::FixedSizeList(_, _) => array.as_fixed_size_list().values(),
            DataType::List(_) => array.as_list::<i32>().values(),
            other => return exec_err!("expected a list, got {other}"),
        };
        let elements = elements
            .as_primitive_opt::<T>()
            .ok_or_else(|| exec_datafusion_err!("unexpected elements {}", elements.data_type()))?
            .clone();
        Ok(Self {
            array: Arc::clone(array),
            elements,
        })
    }

    fn row(&self, row: usize) -> Option<PrimitiveArray<T>> {
        let range = element_range(&self.array, row)?;
        Some(self.elements.slice(range.start, range.len()))
    }
}

/// The elements of a list row; `None` when it is NULL.
fn element_range(array: &ArrayRef, row: usize) -> Option<std::ops::Range<usize>> {
    if array.is_null(row) {
        return None;
    }
    if let Some(list) = array.as_fixed_size_list_opt() {
        let start = usize::try_from(list.value_offset(row)).ok()?;
        return Some(start..start + usize::try_from(list.value_length()).ok()?);
    }
    let offsets = array.as_list_opt::<i32>()?.value_offsets();
    let (start, end) = (offsets.get(row)?, offsets.get(row + 1)?);
    Some(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)
}

fn bits_of(array: &ArrayRef, row: usize) -> Option<Vec<bool>> {
    let range = element_range(array, row)?;
    let elements = match array.as_fixed_size_list_opt() {
        Some(list) => list.values(),
        None => array.as_list_opt::<i32>()?.values(),
    };
    let bits = elements.as_boolean_opt()?;
    Some(range.map(|index| bits.value(index)).collect())
}

fn sparse_of(array: &StructArray, row: usize) -> Option<SparseVec> {
    if array.is_null(row) {
        return None;
    }
    let dimensions = array.column(0).as_primitive_opt::<Int32Type>()?.value(row);
    let indices = array.column(1).as_list_opt::<i32>()?.value(row);
    let values = array.column(2).as_list_opt::<i32>()?.value(row);
    Some(SparseVec {
        dimensions,
        indices: indices.as_primitive_opt::<Int32Type>()?.values().to_vec(),
        values: values.as_primitive_opt::<Float32Type>()?.values().to_vec(),
    })
}

/// An array of a field's type; values of another type than the field's are an error of ours.
pub(crate) fn build(field: &Field, rows: Vec<Option<Value>>) -> Result<ArrayRef> {
    let wrong = |value: &Value| exec_datafusion_err!("cannot store {value:?} in {field}");
    if let Some(kind) = SqlVectorType::of(field) {
        let length = match field.data_type() {
            DataType::FixedSizeList(_, length) => Some(*length),
            _ => None,
        };
        return match kind {
            SqlVectorType::Vector => lists(
                PrimitiveBuilder::<Float32Type>::new(),
                length,
                &rows,
                |builder, value| match value {
                    Value::Vector(elements) => {
                        builder.append_slice(elements);
                        Ok(elements.len())
                    }
                    other => Err(wrong(other)),
                },
                |builder, count| builder.append_value_n(0.0, count),
            ),
            SqlVectorType::Halfvec => lists(
                PrimitiveBuilder::<Float16Type>::new(),
                length,
                &rows,
                |builder, value| match value {
                    Value::Halfvec(elements) => {
                        builder.append_slice(elements);
                        Ok(elements.len())
                    }
                    other => Err(wrong(other)),
                },
                |builder, count| builder.append_value_n(f16::ZERO, count),
            ),
            SqlVectorType::Bit => lists(
                BooleanBuilder::new(),
                length,
                &rows,
                |builder, value| match value {
                    Value::Bits(bits) => {
                        builder.append_slice(bits);
                        Ok(bits.len())
                    }
                    other => Err(wrong(other)),
                },
                |builder, count| builder.append_n(count, false),
            ),
            SqlVectorType::Sparsevec => sparse_array(&rows),
        };
    }
    Ok(match field.data_type() {
        DataType::Utf8 => Arc::new(
            rows.iter()
                .map(|row| row.as_ref().map(Value::text))
                .collect::<StringArray>(),
        ),
        DataType::Int32 => Arc::new(
            rows.iter()
                .map(|row| match row {
                    Some(Value::Int(value)) => Some(*value),
                    _ => None,
                })
                .collect::<Int32Array>(),
        ),
        DataType::Float64 => Arc::new(
            rows.iter()
                .map(|row| match row {
                    Some(Value::Float(value)) => Some(*value),
                    _ => None,
                })
                .collect::<Float64Array>(),
        ),
        DataType::List(element) => {
            let arrays: Vec<Option<&ArrayRef>> = rows
                .iter()
                .map(|row| match row {
                    Some(Value::Elements(elements)) => Some(elements),
                    _ => None,
                })
                .collect();
            let lengths = arrays
                .iter()
                .map(|elements| elements.map_or(0, |elements| elements.len()));
            let offsets = OffsetBuffer::from_lengths(lengths);
            let nulls = NullBuffer::from_iter(arrays.iter().map(Option::is_some));
            let present: Vec<&dyn Array> = arrays
                .iter()
                .flatten()
                .map(|array| *array as &dyn Array)
                .collect();
            let elements = match present.as_slice() {
                [] => new_empty_array(element.data_type()),
                present => concat(present)?,
            };
            Arc::new(ListArray::try_new(
                Arc::clone(element),
                offsets,
                elements,
                Some(nulls),
            )?)
        }
        other => return exec_err!("cannot build values of type {other}"),
    })
}

fn lists<B: arrow::array::ArrayBuilder>(
    values: B,
    length: Option<i32>,
    rows: &[Option<Value>],
    append: impl Fn(&mut B, &Value) -> Result<usize>,
    pad: impl Fn(&mut B, usize),
) -> Result<ArrayRef> {
    match length {
        Some(length) => {
            let mut builder = FixedSizeListBuilder::new(values, length);
            for row in rows {
                match row {
                    Some(value) => {
                        let found = append(builder.values(), value)?;
                        if i32::try_from(found) != Ok(length) {
                            ogive_vectors::check_dimensions(usize::try_from(length).ok(), found)
                                .map_err(external)?;
                        }
                        builder.append(true);
                    }
                    None => {
                        pad(builder.values(), usize::try_from(length).unwrap_or(0));
                        builder.append(false);
                    }
                }
            }
            Ok(Arc::new(builder.finish()))
        }
        None => {
            let mut builder = ListBuilder::new(values);
            for row in rows {
                match row {
                    Some(value) => {
                        append(builder.values(), value)?;
                        builder.append(true);
                    }
                    None => builder.append(false),
                }
            }
            Ok(Arc::new(builder.finish()))
        }
    }
}

fn sparse_array(rows: &[Option<Value>]) -> Result<ArrayRef> {
    let mut dimensions = Vec::with_capacity(rows.len());
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(rows.len());
    let mut valid = Vec::with_capacity(rows.len());
    for row in rows {
        match row {
            Some(Value::Sparse(sparse)) => {
                dimensions.push(sparse.dimensions);
                indices.extend_from_slice(&sparse.indices);
                values.extend_from_slice(&sparse.values);
                lengths.push(sparse.indices.len());
                valid.push(true);
            }
            Some(other) => return exec_err!("cannot store {other:?} as a sparsevec"),
            None => {
                dimensions.push(0);
                lengths.push(0);
                valid.push(false);
            }
        }
    }
    let fields = sparsevec_fields();
    let list = |field: &FieldRef, elements: ArrayRef| -> Result<ArrayRef> {
        let DataType::List(element) = field.data_type() else {
            return exec_err!("a sparsevec is made of lists");
        };
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(element),
            OffsetBuffer::from_lengths(lengths.iter().copied()),
            elements,
            None,
        )?))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(dimensions)),
        list(&fields[1], Arc::new(Int32Array::from(indices)))?,
        list(
            &fields[2],
            Arc::new(arrow::array::Float32Array::from(values)),
        )?,
    ];
    Ok(Arc::new(StructArray::try_new(
        fields,
        columns,
        Some(NullBuffer::from(valid)),
    )?))
}

/// Arguments given as text, or of a type that is cast implicitly, as values of `kind`; others as they are. Fields are
/// changed alike.
pub(crate) fn as_type(
    function: &str,
    kind: SqlVectorType,
    args: &[ColumnarValue],
    fields: &[FieldRef],
) -> Result<(Vec<ColumnarValue>, Vec<FieldRef>)> {
    let mut parsed = Vec::with_capacity(args.len());
    let mut parsed_fields = Vec::with_capacity(args.len());
    for (arg, field) in args.iter().zip(fields) {
        let casts = match SqlVectorType::of(field) {
            Some(found) => found.casts_implicitly_to(kind),
            None if kind == SqlVectorType::Sparsevec => field.data_type().is_list(),
            None => false,
        };
        if !casts && !is_text(field.data_type()) {
            parsed.push(arg.clone());
            parsed_fields.push(Arc::clone(field));
            continue;
        }
        let argument = Argument::of(function, arg, field)?;
        let rows = match arg {
            ColumnarValue::Array(array) => array.len(),
            ColumnarValue::Scalar(_) => 1,
        };
        let values = (0..rows)
            .map(|row| {
                let value = match argument.value(row) {
                    Some(Value::Text(text)) => Value::parse(&text, kind, None),
                    Some(value) => value.implicitly(kind),
                    None => return Ok(None),
                };
                value.map(Some).map_err(external)
            })
            .collect::<Result<Vec<_>>>()?;
        let marked = Arc::new(kind.field(field.name(), None));
        let array = build(&marked, values)?;
        parsed.push(match arg {
            ColumnarValue::Array(_) => ColumnarValue::Array(array),
            ColumnarValue::Scalar(_) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
            }
        });
        parsed_fields.push(marked);
    }
    Ok((parsed, parsed_fields))
}

/// Whether a type is one of texts.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// A type modifier given as a constant; -1 is none.
pub(crate) fn constant_length(scalar: Option<&ScalarValue>) -> Result<Option<usize>> {
    match scalar {
        None => Ok(None),
        Some(scalar) if scalar.is_null() => Ok(None),
        Some(scalar) => match scalar.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(Some(-1)) => Ok(None),
            ScalarValue::Int64(Some(length)) if length > 0 => {
                Ok(Some(usize::try_from(length).unwrap_or(usize::MAX)))
            }
            other => plan_err!("a number of dimensions is a positive integer, not {other}"),
        },
    }
}
