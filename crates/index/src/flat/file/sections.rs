//! The small sections: the coding, and lists of rows.

use ogive_kernels::LOOKUP_COLUMNS_MAX;

use super::header::bad;
use super::{Header, Kind};
use crate::FileError;
use crate::flat::allocation::GROUP;
use crate::flat::coding::Coding;
use crate::flat::levels::BITS;

/// Bytes of the coding of so many elements and directions.
pub(in crate::flat) fn coding_bytes(dimension: usize, directions: usize) -> u64 {
    let groups = directions.div_ceil(GROUP) as u64;
    let numbers = dimension as u64 * (1 + directions as u64) + groups * GROUP as u64;
    4 * numbers + groups
}

pub(in crate::flat) fn write_coding(coding: &Coding) -> Vec<u8> {
    let numbers = coding.mean.iter().chain(&coding.rotation);
    let numbers = numbers.chain(&coding.deviations);
    let mut out: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
    out.extend(&coding.bits);
    out
}

pub(in crate::flat) fn read_coding(header: &Header, bytes: &[u8]) -> Result<Coding, FileError> {
    let offset = header.section(Kind::Coding).offset as usize;
    let (dimension, directions) = (header.dimension, header.directions());
    let expected = coding_bytes(dimension, directions);
    if bytes.len() as u64 != expected {
        return Err(bad(
            "bytes of the coding",
            offset,
            bytes.len(),
            &expected.to_string(),
        ));
    }
    let groups = directions.div_ceil(GROUP);
    let (numbers, bits) = bytes.split_at(bytes.len() - groups);
    let (numbers, _) = numbers.as_chunks::<4>();
    let mut numbers = numbers.iter().map(|x| f32::from_le_bytes(*x));
    let mut take = |count: usize| numbers.by_ref().take(count).collect::<Vec<f32>>();
    let coding = Coding {
        measure: header.measure,
        double: header.double,
        dimension,
        exponent: header.exponent,
        mean: take(dimension),
        rotation: take(dimension * directions),
        deviations: take(groups * GROUP),
        bits: bits.to_vec(),
    };
    let limit = 2.0_f32.powi(41);
    for (what, numbers) in [
        ("a mean", &coding.mean),
        ("a deviation", &coding.deviations),
    ] {
        if let Some(number) = numbers.iter().find(|x| x.is_nan() || x.abs() > limit) {
            return Err(bad(what, offset, number, "at most 2^41"));
        }
    }
    if let Some(number) = coding.rotation.iter().find(|x| x.is_nan() || x.abs() > 2.0) {
        return Err(bad("a number of the rotation", offset, number, "at most 2"));
    }
    if let Some(bits) = coding.bits.iter().find(|bits| !BITS.contains(bits)) {
        return Err(bad("bits of a group", offset, bits, "0, 1, 2, 4 or 8"));
    }
    let columns = coding.shape().columns;
    if columns != header.columns || columns > LOOKUP_COLUMNS_MAX {
        return Err(bad(
            "bytes of code",
            44,
            header.columns,
            &columns.min(LOOKUP_COLUMNS_MAX).to_string(),
        ));
    }
    Ok(coding)
}

pub(in crate::flat) fn write_rows(rows: &[u64]) -> Vec<u8> {
    rows.iter().flat_map(|row| row.to_le_bytes()).collect()
}

pub(in crate::flat) fn read_rows(
    header: &Header,
    kind: Kind,
    bytes: &[u8],
) -> Result<Vec<u64>, FileError> {
    let offset = header.section(kind).offset as usize;
    let (chunks, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(bad(
            "bytes of a list of rows",
            offset,
            bytes.len(),
            "a multiple of 8",
        ));
    }
    let rows: Vec<u64> = chunks.iter().map(|row| u64::from_le_bytes(*row)).collect();
    let ascending = rows.is_sorted_by(|a, b| a < b);
    match rows.last() {
        Some(last) if !ascending || *last >= header.rows => Err(bad(
            kind.name(),
            offset,
            format!("{} rows to {last}", rows.len()),
            "ascending rows of the table",
        )),
        _ => Ok(rows),
    }
}
