//! The engine's numbers as Arrow arrays, taken over as they are.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use ogive_vault::{Element, Numbers};

/// The Arrow type of a vault's element.
pub fn element_type(element: Element) -> DataType {
    match element {
        Element::Bool => DataType::Boolean,
        Element::I8 => DataType::Int8,
        Element::I16 => DataType::Int16,
        Element::I32 => DataType::Int32,
        Element::I64 => DataType::Int64,
        Element::U8 => DataType::UInt8,
        Element::U16 => DataType::UInt16,
        Element::U32 => DataType::UInt32,
        Element::U64 => DataType::UInt64,
        Element::F16 => DataType::Float16,
        Element::F32 => DataType::Float32,
        Element::F64 => DataType::Float64,
    }
}

/// A vault's numbers as an array, of which rows may be NULL.
pub fn number_array(numbers: Numbers, nulls: Option<NullBuffer>) -> ArrayRef {
    fn primitive<T: ArrowPrimitiveType>(
        values: Vec<T::Native>,
        nulls: Option<NullBuffer>,
    ) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
    }
    match numbers {
        Numbers::Bool(bytes) => Arc::new(BooleanArray::new(
            BooleanBuffer::collect_bool(bytes.len(), |at| bytes[at] != 0),
            nulls,
        )),
        Numbers::I8(values) => primitive::<Int8Type>(values, nulls),
        Numbers::I16(values) => primitive::<Int16Type>(values, nulls),
        Numbers::I32(values) => primitive::<Int32Type>(values, nulls),
        Numbers::I64(values) => primitive::<Int64Type>(values, nulls),
        Numbers::U8(values) => primitive::<UInt8Type>(values, nulls),
        Numbers::U16(values) => primitive::<UInt16Type>(values, nulls),
        Numbers::U32(values) => primitive::<UInt32Type>(values, nulls),
        Numbers::U64(values) => primitive::<UInt64Type>(values, nulls),
        Numbers::F16(bits) => {
            let length = bits.len();
            let values = ScalarBuffer::new(Buffer::from_vec(bits), 0, length);
            Arc::new(PrimitiveArray::<Float16Type>::new(values, nulls))
        }
        Numbers::F32(values) => primitive::<Float32Type>(values, nulls),
        Numbers::F64(values) => primitive::<Float64Type>(values, nulls),
    }
}
