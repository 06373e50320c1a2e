//! Filters, ranges of distances and the `k` nearest inside the scan of stored vectors.
//!
//! ```text
//! for each piece (a chunk of sqlite-vec, a run of a typed column):
//!     slots = those that hold wanted rows
//!     range:   the screen of the kernels leaves out what is certainly farther than the limit
//!     filter:  decided row by row, over the columns that it names
//!     top-k:   the kernels search the vectors as they are stored
//! the rows that can be among the nearest, decoded with the wanted columns
//! ```
//!
//! What comes out is a superset of the `k` nearest of all partitions together, exactly; the Sort and the Limit above give the answer.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion_common::cast::as_boolean_array;
use datafusion_common::{Result, exec_datafusion_err, internal_err};
use datafusion_physical_expr::PhysicalExpr;
use ogive_kernels::{Query, Rank, Rows, SharedThreshold, TopK};
use ogive_vault::{Place, SqliteConnection};

use crate::scan::{RangeRequest, Search, TopKRequest};
use crate::vault::pieces::{ColumnPieces, Pieces, StoredVectors, Vec0Pieces, stored_vectors};
use crate::vault::read::Source;

/// A condition on rows, over the columns that it names.
#[derive(Debug, Clone)]
pub struct RowFilter {
    /// It, over a batch of `schema`.
    pub expr: Arc<dyn PhysicalExpr>,
    /// Gives those columns.
    pub columns: Source,
    /// Their schema.
    pub schema: SchemaRef,
}

/// What is asked of a scan of vectors.
#[derive(Debug, Clone, Default)]
pub struct SearchRequests {
    /// Only rows for which it is true.
    pub filter: Option<RowFilter>,
    /// Rows that `filter` lets through are within a distance.
    pub range: Option<RangeRequest>,
    /// Only rows that can be among the nearest.
    pub top_k: Option<TopKRequest>,
}

impl SearchRequests {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.filter.is_none() && self.top_k.is_none()
    }

    /// The search of one partition, for [`Self::read`].
    pub fn open(&self, partition: usize) -> Option<Search> {
        self.top_k.as_ref().map(|request| request.open(partition))
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        let filter = self.filter.iter().map(|filter| &filter.expr);
        let range = self.range.iter().map(|range| &range.request.query);
        let top_k = self.top_k.iter().map(|request| &request.query);
        filter.chain(range).chain(top_k)
    }

    /// Reads the rows of a source that are asked for, until `on_batch` returns `false`. An empty batch asks whether to go on.
    pub fn read(
        &self,
        source: &Source,
        search: Option<Search>,
        connection: &SqliteConnection,
        place: &Place,
        schema: &SchemaRef,
        on_batch: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> Result<()> {
        let name = |request: &TopKRequest| request.column_name.clone();
        let searched = self
            .top_k
            .as_ref()
            .or(self.range.as_ref().map(|range| &range.request))
            .map(name);
        let mut pieces: Box<dyn Pieces + '_> = match source {
            Source::Vec0 { .. } => Box::new(Vec0Pieces::new(
                connection,
                place,
                source,
                searched.as_deref(),
            )?),
            Source::Column { .. } => Box::new(ColumnPieces::new(connection, place, source)?),
            Source::Rows { .. } | Source::Columns { .. } => {
                return internal_err!("only chunks and runs of vectors are searched");
            }
        };
        let stored = searched
            .as_deref()
            .and_then(|name| stored_vectors(source, name));
        let range = match (&self.range, stored) {
            (Some(range), Some(stored)) => range
                .request
                .query_of(stored.dimension)?
                .map(|query| (query, range, stored)),
            _ => None,
        };
        let mut reading = Reading {
            requests: self,
            range,
            pieces: pieces.as_mut(),
            source,
            schema,
            on_batch,
            vectors: Vec::new(),
        };
        if let (Some(search), Some(stored)) = (search, stored)
            && let Some(query) = search.query(stored.dimension)?
        {
            return reading.nearest(&search, &query, stored);
        }
        reading.all()
    }
}

impl fmt::Display for SearchRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(request) = &self.top_k {
            write!(f, ", topk={request}")?;
        } else if let Some(range) = &self.range {
            write!(f, ", range={range}")?;
        }
        match &self.filter {
            Some(filter) => write!(f, ", filter={}", filter.expr),
            None => Ok(()),
        }
    }
}

struct Reading<'a> {
    requests: &'a SearchRequests,
    range: Option<(Query, &'a RangeRequest, StoredVectors)>,
    pieces: &'a mut (dyn Pieces + 'a),
    source: &'a Source,
    schema: &'a SchemaRef,
    on_batch: &'a mut dyn FnMut(RecordBatch) -> bool,
    /// Those of a piece.
    vectors: Vec<u8>,
}

impl Reading<'_> {
    /// Every row that passes.
    fn all(&mut self) -> Result<()> {
        let mut left = self.source.limit().unwrap_or(usize::MAX);
        for piece in 0..self.pieces.count() {
            let mut slots = self.passing(piece)?;
            slots.truncate(left);
            if slots.is_empty() {
                if !self.goes_on() {
                    break;
                }
                continue;
            }
            let batch = self.pieces.batch(piece, &slots, self.source, self.schema)?;
            left -= slots.len();
            if !(self.on_batch)(batch) || left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The rows that can be among the nearest.
    fn nearest(&mut self, search: &Search, query: &Query, stored: StoredVectors) -> Result<()> {
        let request = search.request().clone();
        let mut top_k = TopK::new(query.clone(), request.k, request.order);
        if !self.scan(&mut top_k, stored, search.threshold())? {
            return Ok(());
        }
        if !request.ties {
            return self.winners(&top_k.candidates(search.threshold()));
        }
        // The k-th value is known now. One more pass takes every row up to it, ties included.
        let exactly = SharedThreshold::new();
        exactly.lower_to(search.threshold().get());
        let mut top_k = TopK::new(query.clone(), usize::MAX, request.order);
        if !self.scan(&mut top_k, stored, &exactly)? {
            return Ok(());
        }
        self.winners(&top_k.candidates(&exactly))
    }

    /// Searches all pieces; `false` where nobody waits for the answer any more.
    fn scan(
        &mut self,
        top_k: &mut TopK,
        stored: StoredVectors,
        threshold: &SharedThreshold,
    ) -> Result<bool> {
        for piece in 0..self.pieces.count() {
            let slots = self.passing(piece)?;
            self.scan_piece(top_k, stored, threshold, piece, &slots)?;
            if !self.goes_on() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn scan_piece(
        &mut self,
        top_k: &mut TopK,
        stored: StoredVectors,
        threshold: &SharedThreshold,
        piece: usize,
        slots: &[usize],
    ) -> Result<()> {
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            return Ok(());
        };
        self.pieces.vectors(piece, slots, &mut self.vectors)?;
        let count = last + 1 - first;
        let rows = Rows::with_rows(&self.vectors, count, stored.dimension, stored.encoding)
            .map_err(|error| exec_datafusion_err!("vectors of piece {piece}: {error}"))?;
        let selected = (slots.len() < count).then(|| {
            let mut selected = vec![false; count];
            for slot in slots {
                if let Some(one) = selected.get_mut(slot - first) {
                    *one = true;
                }
            }
            selected
        });
        top_k.scan(
            &rows,
            number_of(piece, *first),
            selected.as_deref(),
            threshold,
        );
        Ok(())
    }

    /// The slots of a piece whose rows pass.
    fn passing(&mut self, piece: usize) -> Result<Vec<usize>> {
        let mut slots = self.pieces.slots(piece)?;
        if let Some((query, range, stored)) = self.range.take() {
            let order = range.request.order;
            let threshold = SharedThreshold::new();
            threshold.lower_to(Rank::new(order, Some(range.limit)));
            let mut near = TopK::new(query.clone(), usize::MAX, order);
            let scanned = self.scan_piece(&mut near, stored, &threshold, piece, &slots);
            self.range = Some((query, range, stored));
            scanned?;
            let candidates = near.candidates(&threshold);
            slots = candidates.into_iter().map(|row| place_of(row).1).collect();
        }
        let Some(filter) = &self.requests.filter else {
            return Ok(slots);
        };
        if slots.is_empty() {
            return Ok(slots);
        }
        let batch = self
            .pieces
            .batch(piece, &slots, &filter.columns, &filter.schema)?;
        let passed = filter.expr.evaluate(&batch)?.into_array(slots.len())?;
        let passed = as_boolean_array(&passed)?;
        Ok(slots
            .into_iter()
            .enumerate()
            .filter(|(row, _)| passed.is_valid(*row) && passed.value(*row))
            .map(|(_, slot)| slot)
            .collect())
    }

    /// The rows that won, with the wanted columns.
    fn winners(&mut self, rows: &[u64]) -> Result<()> {
        let mut batches = Vec::new();
        for of_piece in rows.chunk_by(|a, b| place_of(*a).0 == place_of(*b).0) {
            let Some(first) = of_piece.first() else {
                continue;
            };
            let slots: Vec<usize> = of_piece.iter().map(|row| place_of(*row).1).collect();
            let piece = place_of(*first).0;
            batches.push(self.pieces.batch(piece, &slots, self.source, self.schema)?);
        }
        if !batches.is_empty() {
            (self.on_batch)(concat_batches(self.schema, &batches)?);
        }
        Ok(())
    }

    fn goes_on(&mut self) -> bool {
        (self.on_batch)(RecordBatch::new_empty(Arc::clone(self.schema)))
    }
}

/// Bits of a row's number that say its slot: of any piece that is read at once, there are fewer.
const SLOT_BITS: u32 = 32;

/// The number of a row in a search, in the order of pieces and slots.
fn number_of(piece: usize, slot: usize) -> u64 {
    (piece as u64) << SLOT_BITS | slot as u64
}

fn place_of(row: u64) -> (usize, usize) {
    let slot = row & ((1 << SLOT_BITS) - 1);
    ((row >> SLOT_BITS) as usize, slot as usize)
}
