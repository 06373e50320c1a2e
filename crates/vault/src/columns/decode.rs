//! Stored rows to values.

use super::values::{ColumnValues, Numbers, Slices};
use crate::array::read_array;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Place, Result, ValueError};
use crate::packer::{VectorTag, fixed_vector_data, text, unpack};
use crate::text_encoding::TextEncoding;
use crate::value::write_json;

/// Rows of equal size that are not numbers.
pub(super) fn from_fixed_rows(
    dtype: &DType,
    data: Vec<u8>,
    row_bytes: u64,
    place: &Place,
    first: u64,
) -> Result<ColumnValues> {
    let size = usize::try_from(row_bytes).unwrap_or(usize::MAX).max(1);
    if matches!(dtype, DType::Bytes(_)) {
        return Ok(ColumnValues::FixedBytes { data, size });
    }
    let mut rows = Slices::default();
    for (row, bytes) in data.chunks_exact(size).enumerate() {
        decode_one(
            dtype,
            bytes,
            &mut rows,
            &place.at(format!("row {}", first + row as u64)),
        )?;
    }
    Ok(wrap(dtype, rows))
}

/// Arrays of a fixed shape whose rows start with their type byte.
pub(super) fn untag(
    element: Element,
    dimensions: usize,
    data: &[u8],
    row_bytes: u64,
    place: &Place,
    first: u64,
) -> Result<ColumnValues> {
    let size = usize::try_from(row_bytes).unwrap_or(usize::MAX).max(1);
    let mut numbers = Numbers::empty(element);
    for (row, bytes) in data.chunks_exact(size).enumerate() {
        let elements = fixed_vector_data(element, bytes, VectorTag::Byte)
            .map_err(|error| place.at(format!("row {}", first + row as u64)).value(error))?;
        numbers.extend_from_bytes(elements);
    }
    Ok(ColumnValues::FixedVectors {
        numbers,
        dimensions,
    })
}

/// Rows of any size.
pub(super) fn decode_rows(
    dtype: &DType,
    raw: Slices,
    place: &Place,
    first: u64,
) -> Result<ColumnValues> {
    let at = |row: usize| place.at(format!("row {}", first + row as u64));
    match dtype {
        DType::Bytes(_) => Ok(ColumnValues::Bytes(raw)),
        DType::Text {
            encoding: TextEncoding::Utf8,
            size: None,
        } => {
            // All at once where all is well; a row must not start within a character either.
            let whole = std::str::from_utf8(&raw.data).is_ok_and(|text| {
                raw.offsets.iter().all(|offset| {
                    usize::try_from(*offset).is_ok_and(|offset| text.is_char_boundary(offset))
                })
            });
            if !whole {
                for (row, bytes) in raw.iter().enumerate() {
                    TextEncoding::Utf8
                        .decode(bytes)
                        .map_err(|error| at(row).value(error))?;
                }
            }
            Ok(ColumnValues::Texts(raw))
        }
        DType::Vector(element) => {
            let mut numbers = Numbers::empty(*element);
            let mut offsets = vec![0];
            for (row, bytes) in raw.iter().enumerate() {
                let array = read_array(bytes).map_err(|error| at(row).value(error))?;
                if array.element != *element {
                    return Err(at(row).value(ValueError::new(
                        "the element type of a vector",
                        array.element,
                        element,
                    )));
                }
                numbers.extend_from_bytes(array.data);
                // No more numbers than bytes, of which there are fewer than 2^31.
                offsets.push(i32::try_from(numbers.len()).unwrap_or(i32::MAX));
            }
            Ok(ColumnValues::Vectors { offsets, numbers })
        }
        _ => {
            let mut rows = Slices::default();
            for (row, bytes) in raw.iter().enumerate() {
                decode_one(dtype, bytes, &mut rows, &at(row))?;
            }
            Ok(wrap(dtype, rows))
        }
    }
}

fn wrap(dtype: &DType, rows: Slices) -> ColumnValues {
    match dtype {
        DType::MsgPack(_) | DType::Cbor(_) => ColumnValues::Json(rows),
        DType::Text { .. } => ColumnValues::Texts(rows),
        _ => ColumnValues::Bytes(rows),
    }
}

fn decode_one(dtype: &DType, bytes: &[u8], rows: &mut Slices, place: &Place) -> Result<()> {
    let pushed = match dtype {
        DType::MsgPack(_) | DType::Cbor(_) => {
            let value =
                unpack(dtype, bytes, VectorTag::None).map_err(|error| place.value(error))?;
            let mut json = String::new();
            write_json(&value, &mut json);
            rows.push(json.as_bytes())
        }
        _ => {
            let text = text(dtype, bytes).map_err(|error| place.value(error))?;
            rows.push(text.as_bytes())
        }
    };
    if pushed {
        return Ok(());
    }
    Err(place.bad_request(
        "rows decoded at once",
        "more than 2 GiB",
        "a smaller range of rows",
    ))
}
