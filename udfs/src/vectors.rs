//! A list column seen as vectors: the bytes of its elements, where each row begins, what is NULL.

use std::ops::Range;

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int8Type, UInt8Type,
};
use arrow::util::bit_chunk_iterator::UnalignedBitChunk;
use datafusion_common::{Result, internal_datafusion_err, internal_err};
use ogive_kernels::{Encoding, Rows};

/// A list column, borrowed, with its elements as bytes.
pub(crate) struct Vectors<'a> {
    len: usize,
    encoding: Encoding,
    /// All elements of the child array; rows may leave some of them out at either end.
    bytes: &'a [u8],
    layout: Layout<'a>,
    nulls: Option<&'a NullBuffer>,
    element_nulls: Option<&'a NullBuffer>,
}

/// Where a row's elements lie in the child array.
enum Layout<'a> {
    Fixed { first: usize, dimension: usize },
    Offsets(&'a [i32]),
    LargeOffsets(&'a [i64]),
}

impl<'a> Vectors<'a> {
    /// Looks at `array`, or gives `None` when it is not a list of elements that the kernels read.
    pub(crate) fn of(array: &'a dyn Array) -> Option<Self> {
        let (elements, layout): (&'a dyn Array, _) = match array.data_type() {
            DataType::FixedSizeList(_, _) => {
                let list = array.as_fixed_size_list_opt()?;
                let dimension = usize::try_from(list.value_length()).ok()?;
                let first = usize::try_from(list.value_offset(0)).ok()?;
                (list.values().as_ref(), Layout::Fixed { first, dimension })
            }
            DataType::List(_) => {
                let list = array.as_list_opt::<i32>()?;
                (list.values().as_ref(), Layout::Offsets(list.offsets()))
            }
            DataType::LargeList(_) => {
                let list = array.as_list_opt::<i64>()?;
                (list.values().as_ref(), Layout::LargeOffsets(list.offsets()))
            }
            _ => return None,
        };
        let (encoding, bytes) = element_bytes(elements)?;
        Some(Self {
            len: array.len(),
            encoding,
            bytes,
            layout,
            nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
            element_nulls: elements.nulls().filter(|nulls| nulls.null_count() > 0),
        })
    }

    /// [`Vectors::of`] for an argument that type coercion has already been through.
    ///
    /// # Errors
    /// An internal error naming `function`: coercion lets only such lists pass.
    pub(crate) fn of_argument(function: &str, array: &'a dyn Array) -> Result<Self> {
        match Self::of(array) {
            Some(vectors) => Ok(vectors),
            None => internal_err!(
                "{function}: unexpected type after coercion: {}",
                array.data_type()
            ),
        }
    }

    /// How many rows there are, NULL ones included.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// NULL rows; rows with a NULL element are not among them.
    pub(crate) fn nulls(&self) -> Option<&'a NullBuffer> {
        self.nulls
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// The row's elements, as indices into the child array. Arrow keeps offsets ascending and not negative.
    pub(crate) fn elements_of(&self, row: usize) -> Range<usize> {
        match self.layout {
            Layout::Fixed { first, dimension } => {
                let start = first + row * dimension;
                start..start + dimension
            }
            Layout::Offsets(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
            Layout::LargeOffsets(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
        }
    }

    /// The elements of all rows, as indices into the child array.
    pub(crate) fn elements(&self) -> Range<usize> {
        match self.len.checked_sub(1) {
            Some(last) => self.elements_of(0).start..self.elements_of(last).end,
            None => 0..0,
        }
    }

    /// How many elements the row has. A NULL row may have any number.
    pub(crate) fn dimension_of(&self, row: usize) -> usize {
        self.elements_of(row).len()
    }

    /// Whether the column's type gives every row the same dimension.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.layout, Layout::Fixed { .. })
    }

    /// The first row after `row` whose dimension differs from that of `row`, or the number of rows.
    pub(crate) fn run_end(&self, row: usize) -> usize {
        if self.is_fixed() {
            return self.len;
        }
        let dimension = self.dimension_of(row);
        (row + 1..self.len)
            .find(|&next| self.dimension_of(next) != dimension)
            .unwrap_or(self.len)
    }

    /// Consecutive rows as one block; every one of them must have `dimension` elements.
    ///
    /// # Errors
    /// An internal error when the rows are not all of that dimension.
    pub(crate) fn block(&self, rows: Range<usize>, dimension: usize) -> Result<Rows<'a>> {
        let width = self.encoding.width();
        let first = match rows.is_empty() {
            true => 0,
            false => self.elements_of(rows.start).start,
        };
        let count = rows.len();
        self.bytes
            .get(first * width..(first + count * dimension) * width)
            .and_then(|bytes| Rows::with_rows(bytes, count, dimension, self.encoding).ok())
            .ok_or_else(|| {
                internal_datafusion_err!("rows {rows:?} do not hold {dimension} elements each")
            })
    }

    /// Rows that are not NULL and hold a NULL element.
    pub(crate) fn rows_with_null_elements(&self) -> impl Iterator<Item = usize> + '_ {
        self.element_nulls
            .map(|nulls| {
                (0..self.len).filter(move |&row| {
                    let elements = self.elements_of(row);
                    let present = UnalignedBitChunk::new(
                        nulls.validity(),
                        nulls.offset() + elements.start,
                        elements.len(),
                    );
                    present.count_ones() != elements.len() && !self.is_null(row)
                })
            })
            .into_iter()
            .flatten()
    }
}

/// The elements' encoding and memory, or `None` for a type that the kernels do not read.
fn element_bytes(elements: &dyn Array) -> Option<(Encoding, &[u8])> {
    fn bytes<T: ArrowPrimitiveType>(elements: &dyn Array) -> Option<&[u8]> {
        let elements: &PrimitiveArray<T> = elements.as_primitive_opt()?;
        Some(elements.values().inner().as_slice())
    }
    Some(match elements.data_type() {
        DataType::Float64 => (Encoding::F64, bytes::<Float64Type>(elements)?),
        DataType::Float32 => (Encoding::F32, bytes::<Float32Type>(elements)?),
        DataType::Float16 => (Encoding::F16, bytes::<Float16Type>(elements)?),
        DataType::Int8 => (Encoding::I8, bytes::<Int8Type>(elements)?),
        DataType::UInt8 => (Encoding::U8, bytes::<UInt8Type>(elements)?),
        _ => return None,
    })
}

/// A list column as one block of rows, where it lies: any `FixedSizeList`, or a `List` or `LargeList` whose rows, NULL
/// ones included, all have the same length. `None` for ragged and for empty `List` columns, other element types than
/// `Float64`, `Float32`, `Float16`, `Int8`, `UInt8` and bits of whole bytes, and anything that is not a list.
///
/// NULL rows and rows with a NULL element are in the block with whatever bytes they hold: see [`vector_nulls`].
pub fn rows_of(array: &dyn Array) -> Option<Rows<'_>> {
    let Some(vectors) = Vectors::of(array) else {
        return bit_rows_of(array);
    };
    let dimension = match vectors.layout {
        Layout::Fixed { dimension, .. } => dimension,
        _ if vectors.len == 0 || vectors.run_end(0) < vectors.len => return None,
        _ => vectors.dimension_of(0),
    };
    vectors.block(0..vectors.len, dimension).ok()
}

/// A column of bit strings as one block: `FixedSizeList<Boolean, n>` where `n` is a multiple of eight and the rows begin
/// at whole bytes. `None` for any other.
pub(crate) fn bit_rows_of(array: &dyn Array) -> Option<Rows<'_>> {
    let list = array.as_fixed_size_list_opt()?;
    let bits = list.values().as_boolean_opt()?.values();
    let dimension = usize::try_from(list.value_length()).ok()?;
    let first = bits.offset() + usize::try_from(list.value_offset(0)).ok()?;
    if dimension % 8 != 0 || first % 8 != 0 {
        return None;
    }
    let bytes = bits.inner().as_slice();
    let end = first / 8 + list.len() * (dimension / 8);
    Rows::with_rows(
        bytes.get(first / 8..end)?,
        list.len(),
        dimension,
        Encoding::Bits,
    )
    .ok()
}

/// Which rows of a list column have no answer: NULL rows, and rows with a NULL element. `None` when there are none, or
/// when `array` is not a column that [`rows_of`] could take.
pub fn vector_nulls(array: &dyn Array) -> Option<NullBuffer> {
    let Some(vectors) = Vectors::of(array) else {
        return bit_rows_of(array).and_then(|_| array.nulls().cloned());
    };
    let mut holes = vectors.rows_with_null_elements().peekable();
    if holes.peek().is_none() {
        return vectors.nulls.cloned();
    }
    let mut valid = vec![true; vectors.len];
    for row in holes {
        valid[row] = false;
    }
    NullBuffer::union(vectors.nulls, Some(&NullBuffer::from(valid)))
}
