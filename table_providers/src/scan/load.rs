//! Bytes of spans, fetched and checked.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use bytes::Bytes;
use datafusion_common::{Result, exec_datafusion_err};
use parking_lot::Mutex;

use crate::options::{OnCorruption, ReadOptions};
use crate::scan::batch::{column_array, primitive_array, row_numbers};
use crate::scan::bytes::ReadCost;
use crate::scan::metrics::ScanMetrics;
use crate::scan::opened::OpenedFile;
use crate::scan::spans::Span;
use crate::warnings::Warnings;

/// Bytes that one fetch from an object store aims at.
const FETCH_BYTES: u64 = 8 * 1024 * 1024;

/// Reads spans of one file.
#[derive(Debug, Clone)]
pub struct Loader {
    /// The file.
    pub file: Arc<OpenedFile>,
    /// Verification and what damage does.
    pub read: ReadOptions,
    /// Where counts go.
    pub metrics: ScanMetrics,
    /// Where damage that does not fail the query is told.
    pub warnings: Option<Arc<Warnings>>,
    /// Damaged chunks told of already: a chunk may be loaded more than once.
    pub told: Arc<Mutex<HashSet<usize>>>,
}

/// A span whose bytes are at hand.
#[derive(Debug, Clone)]
pub struct LoadedSpan {
    /// The rows.
    pub span: Span,
    /// By column index in the file: the rows that the bytes hold, and the bytes.
    columns: Vec<(usize, Range<u64>, Bytes)>,
    /// The chunk is damaged: every element is this value.
    pub filled: Option<f64>,
}

impl LoadedSpan {
    /// The bytes of a column and the rows that they hold.
    pub fn column(&self, column: usize) -> Result<(Range<u64>, &Bytes)> {
        self.columns
            .iter()
            .find(|(have, _, _)| *have == column)
            .map(|(_, rows, bytes)| (rows.clone(), bytes))
            .ok_or_else(|| exec_datafusion_err!("column {column} was not loaded"))
    }
}

impl Loader {
    /// Cuts spans into groups that are fetched together: small chunks share a request, large
    /// ones stand alone. A mapped file needs no grouping.
    pub fn groups(&self, spans: Vec<Span>, columns: &[usize]) -> Vec<Vec<Span>> {
        if self.file.bytes.is_mapped() {
            return spans.into_iter().map(|span| vec![span]).collect();
        }
        let mut groups: Vec<Vec<Span>> = Vec::new();
        let mut held = 0;
        for span in spans {
            let bytes = self.span_bytes(&span, columns);
            match groups.last_mut() {
                Some(group) if held + bytes <= FETCH_BYTES => {
                    group.push(span);
                    held += bytes;
                }
                _ => {
                    groups.push(vec![span]);
                    held = bytes;
                }
            }
        }
        groups
    }

    /// Bytes of some columns of a span.
    pub fn span_bytes(&self, span: &Span, columns: &[usize]) -> u64 {
        columns
            .iter()
            .filter_map(|column| {
                self.file
                    .layout
                    .column_range(span.chunk, *column, span.rows.clone())
                    .ok()
            })
            .map(|range| range.end - range.start)
            .sum()
    }

    /// Whether a chunk's whole record is read, so that its checksum can be checked: always for a
    /// mapped file, where reading costs nothing beyond the check; over a network only if every
    /// column is wanted anyway.
    fn reads_record(&self, chunk: usize, columns: &[usize]) -> Option<Range<u64>> {
        let layout = &self.file.layout;
        if !self.read.verify {
            return None;
        }
        // Counting rows needs no bytes, unless rows of damaged chunks are to be left out.
        if columns.is_empty() && self.read.on_corruption != OnCorruption::Skip {
            return None;
        }
        let whole = self.file.bytes.is_mapped()
            || columns.is_empty()
            || columns.len() == layout.columns().len();
        whole.then(|| layout.record_range(chunk)).flatten()
    }

    /// Fetches and checks a group. Spans of damaged chunks are left out or filled, as the
    /// options say.
    pub async fn load(&self, group: Vec<Span>, columns: &[usize]) -> Result<Vec<LoadedSpan>> {
        let layout = &self.file.layout;
        let mut ranges = Vec::new();
        for span in &group {
            if let Some(record) = self.reads_record(span.chunk, columns) {
                ranges.push(record);
            } else {
                for column in columns {
                    ranges.push(layout.column_range(span.chunk, *column, span.rows.clone())?);
                }
            }
        }
        let (parts, cost) = self.file.bytes.read(&ranges).await?;
        self.metrics.add(self.paid(cost, &group, columns));
        let mut parts = parts.into_iter();
        let mut next = || {
            parts
                .next()
                .ok_or_else(|| exec_datafusion_err!("a range is missing"))
        };
        let mut loaded = Vec::with_capacity(group.len());
        for span in group {
            let mut held = Vec::with_capacity(columns.len());
            if let Some(record_range) = self.reads_record(span.chunk, columns) {
                let record = next()?;
                let checked = self.file.verify_mapped(span.chunk, &record);
                if self.read.release_behind {
                    self.file.bytes.release(&record_range);
                }
                if let Err(error) = checked {
                    if let Some(filled) = self.damaged(&span, error)? {
                        loaded.push(LoadedSpan {
                            span,
                            columns: Vec::new(),
                            filled: Some(filled),
                        });
                    }
                    continue;
                }
                for column in columns {
                    let range = layout.column_range(span.chunk, *column, span.rows.clone())?;
                    let start = (range.start - record_range.start) as usize;
                    let end = (range.end - record_range.start) as usize;
                    if end > record.len() || start > end {
                        return Err(exec_datafusion_err!(
                            "{}: column {column} of chunk {} lies outside its record",
                            self.file.name,
                            span.chunk
                        ));
                    }
                    held.push((
                        *column,
                        self.held_rows(&span, *column),
                        record.slice(start..end),
                    ));
                }
            } else {
                for column in columns {
                    held.push((*column, self.held_rows(&span, *column), next()?));
                }
            }
            loaded.push(LoadedSpan {
                span,
                columns: held,
                filled: None,
            });
        }
        Ok(loaded)
    }

    /// The rows that the bytes of [`ArrayFile::column_range`](crate::scan::ArrayFile) hold.
    fn held_rows(&self, span: &Span, column: usize) -> Range<u64> {
        if self.file.layout.row_addressable(span.chunk, column) {
            span.rows.clone()
        } else {
            self.file.layout.chunk_rows(span.chunk)
        }
    }

    /// Of a mapped record only the wanted columns count as read.
    fn paid(&self, cost: ReadCost, group: &[Span], columns: &[usize]) -> ReadCost {
        if !self.file.bytes.is_mapped() {
            return cost;
        }
        ReadCost {
            bytes: group
                .iter()
                .map(|span| self.span_bytes(span, columns))
                .sum(),
            requests: 0,
        }
    }

    /// Says that some rows will not be looked at again soon.
    pub fn done_with(&self, span: &LoadedSpan, columns: &[usize], rows: &Range<u64>) {
        if !self.read.release_behind {
            return;
        }
        for column in columns {
            if let Ok(range) = self
                .file
                .layout
                .column_range(span.span.chunk, *column, rows.clone())
            {
                self.file.bytes.release(&range);
            }
        }
    }

    /// A chunk whose checksum does not hold: an error, `None` to leave it out, or a value to fill
    /// it with.
    fn damaged(
        &self,
        span: &Span,
        error: datafusion_common::DataFusionError,
    ) -> Result<Option<f64>> {
        let rows = span.count();
        let (done, filled) = match self.read.on_corruption {
            OnCorruption::Error => return Err(error),
            OnCorruption::Skip => ("left out", None),
            OnCorruption::Fill(value) => ("filled", Some(value)),
        };
        if !self.told.lock().insert(span.chunk) {
            return Ok(filled);
        }
        self.metrics.chunks_damaged.add(1);
        self.metrics
            .rows_damaged
            .add(usize::try_from(rows).unwrap_or(usize::MAX));
        if let Some(warnings) = &self.warnings {
            warnings.push(format!("{rows} row(s) {done}: {}", plain(&error)));
        }
        Ok(filled)
    }

    /// Decodes some rows of a loaded column into the array that the schema says; `column` past
    /// the file's columns is `_row`.
    pub fn array(&self, loaded: &LoadedSpan, column: usize, rows: Range<u64>) -> Result<ArrayRef> {
        let layout = &self.file.layout;
        let Some(described) = layout.columns().get(column) else {
            return Ok(row_numbers(rows));
        };
        let count = (rows.end - rows.start) as usize;
        if let Some(value) = loaded.filled {
            let elements = filled_elements(&described.element, value, count * described.dimension)?;
            return column_array(described, elements, count);
        }
        let (held, bytes) = loaded.column(column)?;
        let elements = layout.decode(loaded.span.chunk, column, held, rows, bytes)?;
        column_array(described, elements, count)
    }
}

/// The message without the words that name its kind.
fn plain(error: &datafusion_common::DataFusionError) -> String {
    match error {
        datafusion_common::DataFusionError::External(source) => source.to_string(),
        other => other.strip_backtrace(),
    }
}

fn filled_elements(
    element: &arrow::datatypes::DataType,
    value: f64,
    count: usize,
) -> Result<ArrayRef> {
    let constant = arrow::array::Float64Array::from(vec![value; count]);
    if *element == arrow::datatypes::DataType::Float64 {
        return primitive_array(
            element,
            &Bytes::copy_from_slice(constant.values().inner().as_slice()),
        );
    }
    Ok(arrow::compute::cast(&constant, element)?)
}
