//! Tests over the crate: what they share is here. Seeds are fixed; a failing case names its own.

pub(crate) mod data;
mod files;
mod ranges;
mod searches;
mod threads;

use ogive_kernels::{Encoding, Order, Query, Rows, SharedThreshold, TopK};

use crate::flat::FlatIndex;
use crate::{Bitmap, ExactRows, MemoryRows};

/// Rows with their own bytes.
pub(crate) struct Table {
    pub(crate) bytes: Vec<u8>,
    pub(crate) dimension: usize,
    pub(crate) encoding: Encoding,
    pub(crate) nulls: Option<Bitmap>,
}

impl Table {
    pub(crate) fn block(&self) -> Rows<'_> {
        Rows::new(&self.bytes, self.dimension, self.encoding).unwrap()
    }

    pub(crate) fn rows(&self) -> MemoryRows<'_> {
        let rows = MemoryRows::new(self.block());
        match &self.nulls {
            Some(nulls) => rows.with_nulls(nulls.clone()),
            None => rows,
        }
    }
}

/// The exact scan's answer.
pub(crate) fn exact(
    table: &Table,
    query: &Query,
    k: usize,
    order: Order,
    filter: Option<&Bitmap>,
) -> Vec<(u64, Option<f64>)> {
    let rows = table.block();
    let is_null = |row| {
        table
            .nulls
            .as_ref()
            .is_some_and(|nulls| nulls.contains(row))
    };
    let passes = |row| filter.is_none_or(|filter| filter.contains(row));
    let selected: Vec<bool> = (0..rows.len() as u64)
        .map(|row| !is_null(row) && passes(row))
        .collect();
    let shared = SharedThreshold::new();
    let mut top = TopK::new(query.clone(), k, order);
    top.scan(&rows, 0, Some(&selected), &shared);
    for row in (0..rows.len() as u64).filter(|row| is_null(*row) && passes(*row)) {
        top.offer(row, None, &shared);
    }
    top.results(&shared)
}

/// NaN-proof equality.
pub(crate) fn bits(rows: &[(u64, Option<f64>)]) -> Vec<(u64, Option<u64>)> {
    rows.iter()
        .map(|(row, value)| (*row, value.map(|value| (value + 0.0).to_bits())))
        .collect()
}

/// No bound of any row is above its distance.
pub(crate) fn assert_proven<R: ExactRows>(
    index: &FlatIndex<Vec<u8>>,
    query: &Query,
    rows: &R,
    what: &str,
) -> u64 {
    let audit = index.audit(query, rows).unwrap();
    assert_eq!(audit.code_violations, 0, "{what}");
    assert_eq!(audit.second_violations, 0, "{what}");
    audit.compared
}
