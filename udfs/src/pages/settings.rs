//! Algorithm, level and dictionary among the arguments: constants as a rule, columns if need be.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err, internal_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use ogive_codecs::pages::{Algorithm, RawFormat, Values};

use super::bytes;

/// What the rows of a batch ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Wish {
    /// `None` where it is NULL.
    pub(super) algorithm: Option<String>,
    pub(super) level: Option<i64>,
    pub(super) dictionary: Option<Vec<u8>>,
}

/// What an algorithm's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A frame, or a sequence of frames, of ours.
    Frame(Algorithm),
    /// A plain block or frame.
    Raw(RawFormat),
}

impl Form {
    pub(super) fn of(name: &str, word: &str) -> Result<Self> {
        if let Ok(algorithm) = word.parse() {
            return Ok(Self::Frame(algorithm));
        }
        if let Ok(format) = word.parse() {
            return Ok(Self::Raw(format));
        }
        let known: Vec<&str> = Algorithm::ALL
            .iter()
            .map(|algorithm| algorithm.name())
            .chain(RawFormat::ALL.iter().map(|format| format.name()))
            .collect();
        exec_err!(
            "{name}: no algorithm is called '{word}'; there are {}",
            known.join(", ")
        )
    }
}

/// Rows grouped by what they ask for; the one group of constants is `None` for all rows.
pub(super) type Groups = Vec<(Wish, Option<Vec<usize>>)>;

/// Which argument says what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places {
    pub(super) algorithm: Option<usize>,
    pub(super) level: Option<usize>,
    pub(super) dictionary: Option<usize>,
}

/// Groups the rows of a batch. An algorithm that is not among the arguments is `default`.
pub(super) fn groups(
    arguments: &[ColumnarValue],
    places: Places,
    rows: usize,
    default: &str,
) -> Result<Groups> {
    let of = |place: Option<usize>| place.and_then(|place| arguments.get(place));
    let chosen = [
        of(places.algorithm),
        of(places.level),
        of(places.dictionary),
    ];
    let wish = |row: usize| -> Result<Wish> {
        Ok(Wish {
            algorithm: match chosen[0] {
                Some(argument) => text(argument, row)?,
                None => Some(default.to_string()),
            },
            level: chosen[1].map_or(Ok(None), |argument| integer(argument, row))?,
            dictionary: chosen[2].map_or(Ok(None), |argument| binary(argument, row))?,
        })
    };
    let is_one = |argument: &Option<&ColumnarValue>| {
        argument.is_none_or(|argument| matches!(argument, ColumnarValue::Scalar(_)))
    };
    if chosen.iter().all(is_one) {
        return Ok(vec![(wish(0)?, None)]);
    }
    let mut groups: BTreeMap<Wish, Vec<usize>> = BTreeMap::new();
    for row in 0..rows {
        groups.entry(wish(row)?).or_default().push(row);
    }
    Ok(groups
        .into_iter()
        .map(|(wish, rows)| (wish, Some(rows)))
        .collect())
}

/// The level as the codecs count it.
pub(super) fn level(name: &str, level: Option<i64>) -> Result<Option<i32>> {
    level
        .map(|level| {
            i32::try_from(level).map_err(|_| exec_datafusion_err!("{name}: no level is {level}"))
        })
        .transpose()
}

fn text(argument: &ColumnarValue, row: usize) -> Result<Option<String>> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Utf8(word)) => Ok(word.clone()),
        ColumnarValue::Array(column) => match column.as_string_opt::<i32>() {
            Some(words) => Ok((!words.is_null(row)).then(|| words.value(row).to_string())),
            None => internal_err!("{} instead of text", column.data_type()),
        },
        ColumnarValue::Scalar(other) => internal_err!("{other} instead of text"),
    }
}

fn integer(argument: &ColumnarValue, row: usize) -> Result<Option<i64>> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Int64(number)) => Ok(*number),
        ColumnarValue::Array(column) => match column.as_primitive_opt::<Int64Type>() {
            Some(numbers) => Ok((!numbers.is_null(row)).then(|| numbers.value(row))),
            None => internal_err!("{} instead of an integer", column.data_type()),
        },
        ColumnarValue::Scalar(other) => internal_err!("{other} instead of an integer"),
    }
}

fn binary(argument: &ColumnarValue, row: usize) -> Result<Option<Vec<u8>>> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Binary(bytes)) => Ok(bytes.clone()),
        ColumnarValue::Array(column) => match column.as_binary_opt::<i32>() {
            Some(values) => Ok((!values.is_null(row)).then(|| values.value(row).to_vec())),
            None => internal_err!("{} instead of bytes", column.data_type()),
        },
        ColumnarValue::Scalar(other) => internal_err!("{other} instead of bytes"),
    }
}

/// Has every group of rows made into values, and puts those together; NULL where the bytes or the algorithm are NULL. Says
/// also whether all arguments are constants, and the column has one row.
pub(super) fn over_groups(
    name: &str,
    args: &ScalarFunctionArgs,
    places: Places,
    default: &str,
    work: impl Fn(&Wish, &[&[u8]]) -> Result<Values>,
) -> Result<(ArrayRef, bool)> {
    let Some(first) = args.args.first() else {
        return internal_err!("{name} without arguments");
    };
    let is_constant = args
        .args
        .iter()
        .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    let count = if is_constant { 1 } else { args.number_rows };
    let column = match first {
        ColumnarValue::Array(column) => Arc::clone(column),
        ColumnarValue::Scalar(constant) => constant.to_array_of_size(count)?,
    };
    let mut rows = bytes::rows(column.as_ref())?;
    let data_type = column.data_type();
    let mut groups = groups(&args.args, places, count, default)?;
    if let [(wish, None)] = groups.as_slice() {
        if wish.algorithm.is_none() {
            rows.fill(None);
        }
        let values: Vec<&[u8]> = rows.iter().flatten().copied().collect();
        let made = match values.is_empty() {
            // Nothing to be done, and nothing to be said about how.
            true => Values::default(),
            false => work(wish, &values)?,
        };
        return Ok((bytes::column(name, data_type, &rows, made)?, is_constant));
    }
    let mut answers: Vec<Option<Vec<u8>>> = vec![None; rows.len()];
    groups.retain(|(wish, _)| wish.algorithm.is_some());
    for (wish, members) in &groups {
        let members = members.as_deref().unwrap_or_default();
        let present: Vec<(usize, &[u8])> = members
            .iter()
            .filter_map(|row| Some((*row, (*rows.get(*row)?)?)))
            .collect();
        let values: Vec<&[u8]> = present.iter().map(|(_, value)| *value).collect();
        let made = work(wish, &values)?;
        for (index, (row, _)) in present.iter().enumerate() {
            if let Some(slot) = answers.get_mut(*row) {
                *slot = Some(made.get(index).to_vec());
            }
        }
    }
    Ok((bytes::column_of_rows(data_type, &answers)?, is_constant))
}
