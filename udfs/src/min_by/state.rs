//! What a partial aggregation hands to the next one: the lists of the values and of their keys; and the answers.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, ListArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{filter, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion_expr::utils::format_state_name;

use super::call::Arguments;
use super::nearest::Taken;
use super::{Call, Nearest};

/// The fields of a state.
pub(super) fn fields(name: &str, value_type: &DataType) -> Vec<FieldRef> {
    let lists = |part, element| Field::new_list(format_state_name(name, part), element, false);
    vec![
        Arc::new(lists("values", value_element(value_type))),
        Arc::new(lists("keys", key_element())),
    ]
}

fn value_element(value_type: &DataType) -> FieldRef {
    Arc::new(Field::new_list_field(value_type.clone(), true))
}

/// Keys as they were encoded, so that they need not be again.
fn key_element() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::LargeBinary, false))
}

/// The state of groups.
///
/// # Errors
/// More values than a list column can hold.
pub(super) fn state_of(call: &Call, taken: Taken) -> Result<Vec<ArrayRef>> {
    let keys = LargeBinaryArray::from_iter_values(&taken.keys);
    columns(call, taken.values, keys, taken.lengths)
}

/// The state of rows that are a group each.
///
/// # Errors
/// More values than a list column can hold.
pub(super) fn state_of_rows(call: &Call, rows: &Arguments) -> Result<Vec<ArrayRef>> {
    let counted: BooleanArray = (0..rows.len())
        .map(|row| Some(rows.key(row).is_some()))
        .collect();
    let keys = LargeBinaryArray::from_iter_values(rows.counted().map(|(_, key)| key));
    let lengths = counted.values().iter().map(usize::from).collect();
    columns(call, filter(&rows.values, &counted)?, keys, lengths)
}

fn columns(
    call: &Call,
    values: ArrayRef,
    keys: LargeBinaryArray,
    lengths: Vec<usize>,
) -> Result<Vec<ArrayRef>> {
    let values = lists(value_element(call.value_type()), &lengths, values, None)?;
    let keys = lists(key_element(), &lengths, Arc::new(keys), None)?;
    Ok(vec![Arc::new(values), Arc::new(keys)])
}

/// Takes in the groups of states; `group_of` tells which are meant.
///
/// # Errors
/// An internal error for columns that are not those of [`fields`]; those of [`Nearest::add`].
pub(super) fn merge(
    nearest: &mut Nearest,
    columns: &[ArrayRef],
    group_of: impl Fn(usize) -> usize,
) -> Result<()> {
    let read = || {
        let values = columns.first()?.as_list_opt::<i32>()?;
        let keys = columns.get(1)?.as_list_opt::<i32>()?;
        let bytes = keys.values().as_binary_opt::<i64>()?;
        let equally_long = values.len() == keys.len()
            && (0..keys.len()).all(|row| values.value_length(row) == keys.value_length(row));
        equally_long.then_some((values, keys, bytes))
    };
    let (values, keys, bytes) =
        read().ok_or_else(|| internal_datafusion_err!("not a state of min_by or max_by"))?;
    // Arrow keeps offsets ascending and not negative.
    let rows = (0..keys.len())
        .filter(|&row| keys.is_valid(row) && values.is_valid(row))
        .flat_map(|row| {
            let (first_key, first_value) = (keys.value_offsets()[row], values.value_offsets()[row]);
            let group = group_of(row);
            (0..keys.value_length(row)).map(move |index| {
                let key = bytes.value((first_key + index) as usize);
                (group, key, (first_value + index) as usize)
            })
        });
    nearest.add(values.values(), rows)
}

/// The answers of groups.
///
/// # Errors
/// More values than a list column can hold.
pub(super) fn answers(call: &Call, taken: Taken) -> Result<ArrayRef> {
    let any = |&length: &usize| length > 0;
    if let Some(element) = call.element() {
        let nulls = NullBuffer::from_iter(taken.lengths.iter().map(any));
        let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
        let lists = lists(Arc::clone(element), &taken.lengths, taken.values, nulls)?;
        return Ok(Arc::new(lists));
    }
    if taken.lengths.iter().all(any) {
        return Ok(taken.values);
    }
    let mut rows = 0..taken.values.len() as u64;
    let rows: UInt64Array = taken
        .lengths
        .iter()
        .map(|length| any(length).then(|| rows.next()).flatten())
        .collect();
    Ok(take(&taken.values, &rows, None)?)
}

fn lists(
    element: FieldRef,
    lengths: &[usize],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ListArray> {
    i32::try_from(values.len())
        .map_err(|_| exec_datafusion_err!("{} values for one column of lists", values.len()))?;
    let mut end = 0;
    let ends = lengths.iter().map(|length| {
        end += *length as i32;
        end
    });
    let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(ends).collect();
    Ok(ListArray::try_new(
        element,
        OffsetBuffer::new(offsets),
        values,
        nulls,
    )?)
}
