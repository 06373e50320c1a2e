//! Every bound of a query against every exact distance: what a test of the proof asks.

use ogive_kernels::{LOOKUP_ROWS, Query, Rows};

use super::coded::Coded;
use super::encoder::SECOND_HEADER_BYTES;
use super::file::{Kind, Source, read};
use super::index::FlatIndex;
use super::query::Prepared;
use super::request::nearest_first;
use crate::{ExactRows, SearchError};

/// What an audit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Rows that were compared; 0 where codes say nothing about the query.
    pub compared: u64,
    /// Rows whose distance lies under the bound of their code: 0, or the proof is wrong.
    pub code_violations: u64,
    /// The same for the second stage.
    pub second_violations: u64,
}

impl<S: Source> FlatIndex<S> {
    /// Computes both bounds and the exact distance of every row that has a code.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn audit<R: ExactRows>(
        &self,
        query: &Query,
        rows: &R,
    ) -> Result<Audit, SearchError<R::Error>> {
        self.check(query, rows)?;
        let mut audit = Audit::default();
        let order = nearest_first(query.metric());
        let Some(prepared) = Prepared::new(&self.coding, self.header.defect, query, order) else {
            return Ok(audit);
        };
        let coded = Coded {
            rows: self.rows(),
            filter: None,
            uncoded: self.uncoded.as_ref(),
        };
        let blocks = read(
            &self.source,
            Kind::Blocks.name(),
            self.header.section(Kind::Blocks).range(),
        )?;
        let second = read(
            &self.source,
            Kind::Second.name(),
            self.header.section(Kind::Second).range(),
        )?;
        let padded = self.rows().next_multiple_of(LOOKUP_ROWS as u64) as usize;
        let (mut estimates, mut bounds) = (vec![0.0; padded], vec![0.0; padded]);
        prepared.lookup.scan(&blocks, &mut estimates, &mut bounds);
        let row_bytes = self.dimension() + SECOND_HEADER_BYTES;
        let visit = &mut |first: u64, rows: &Rows<'_>| {
            let mut values = vec![0.0; rows.len()];
            let undefined = query.distances(rows, &mut values);
            for (index, value) in values.iter().enumerate() {
                let row = first as usize + index;
                if coded.word(row / LOOKUP_ROWS) >> (row % LOOKUP_ROWS) & 1 == 0 {
                    continue;
                }
                let value = (!undefined.contains(&index)).then_some(*value);
                let limit = prepared.limit(value);
                let second = &second[row * row_bytes..][..row_bytes];
                audit.compared += 1;
                audit.code_violations += u64::from(f64::from(bounds[row]) > limit);
                audit.second_violations += u64::from(prepared.second_bound(second) > limit);
            }
        };
        let all = 0..self.rows();
        if !all.is_empty() {
            rows.read(&[all], visit)
                .map_err(|source| SearchError::Rows { source })?;
        }
        Ok(audit)
    }
}
