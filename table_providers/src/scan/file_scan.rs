//! Reading one file: its columns, and the rows that pass the predicate.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion_common::{Result, exec_err};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::scan::declared::Declared;
use crate::scan::file::FileColumn;
use crate::scan::load::{LoadedSpan, Loader};
use crate::scan::opened::OpenedFile;
use crate::scan::predicate::ScanPredicate;
use crate::scan::spans::Span;

/// Groups of spans fetched ahead of the one being decoded, from an object store.
const FETCH_AHEAD: usize = 3;

/// Where the table's columns are in one file.
#[derive(Debug, Clone)]
pub struct FileColumns {
    /// By index in the table's file schema: the index in the file; one past the last is `_row`.
    in_file: Vec<usize>,
    /// Columns of a declared table whose type the file does not store as it is.
    declared: Vec<Declared>,
}

impl FileColumns {
    pub(super) fn map(file_schema: &SchemaRef, file: &OpenedFile) -> Result<Self> {
        let have = file.layout.columns();
        let mut in_file = Vec::with_capacity(file_schema.fields().len());
        let mut declared = Vec::with_capacity(file_schema.fields().len());
        for field in file_schema.fields() {
            if field.name() == crate::scan::file::ROW_COLUMN {
                in_file.push(have.len());
                declared.push(Declared::AsStored);
                continue;
            }
            let Some(index) = have.iter().position(|column| column.name == *field.name()) else {
                return exec_err!(
                    "{}: no column '{}'; the table has it from another file, this one has {}",
                    file.name,
                    field.name(),
                    names(have)
                );
            };
            let stored = have.get(index).map(FileColumn::data_type);
            let Some(as_declared) = stored
                .as_ref()
                .and_then(|stored| Declared::of(stored, field.data_type()))
            else {
                return exec_err!(
                    "{}: column '{}' is {}, the table has {}",
                    file.name,
                    field.name(),
                    stored.unwrap_or(DataType::Null),
                    field.data_type()
                );
            };
            in_file.push(index);
            declared.push(as_declared);
        }
        Ok(Self { in_file, declared })
    }

    /// Whether distances to the stored values are those to the column's values.
    pub(super) fn is_searchable(&self, column: usize) -> bool {
        self.declared
            .get(column)
            .is_some_and(|declared| *declared != Declared::Rounded)
    }

    fn is_stored_so(&self, column: usize) -> bool {
        self.declared.get(column) == Some(&Declared::AsStored)
    }

    /// The index in the file of a column of the table's file schema.
    pub fn get(&self, column: usize) -> usize {
        self.in_file.get(column).copied().unwrap_or(usize::MAX)
    }
}

fn names(columns: &[FileColumn]) -> String {
    columns
        .iter()
        .map(|column| format!("'{}'", column.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reading one file.
#[derive(Debug, Clone)]
pub struct FileScan {
    /// Fetches bytes.
    pub loader: Loader,
    /// Columns by file.
    pub columns: FileColumns,
    /// Schema of what is returned.
    pub output: SchemaRef,
    /// Indices into the table's file schema.
    pub projection: Vec<usize>,
    /// Rows to return.
    pub predicate: Option<Arc<ScanPredicate>>,
    /// Rows a batch.
    pub batch_rows: usize,
    /// Partitions of a search look at rows for each other.
    pub shares_rows: bool,
}

impl FileScan {
    /// The file's own columns among some of the table's, `_row` left out, each once.
    pub fn stored(&self, columns: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let count = self.loader.file.layout.columns().len();
        let mut stored: Vec<usize> = columns
            .into_iter()
            .map(|column| self.columns.get(column))
            .filter(|column| *column < count)
            .collect();
        stored.sort_unstable();
        stored.dedup();
        stored
    }

    /// Columns of the table's file schema that the predicate reads.
    pub fn predicate_columns(&self) -> &[usize] {
        self.predicate
            .as_ref()
            .map_or(&[], |predicate| predicate.columns())
    }

    /// The file's columns that a search of one of them reads.
    pub fn searched(&self, column: usize) -> Vec<usize> {
        let mut stored = self.stored(self.predicate_columns().iter().copied());
        if !stored.contains(&column) {
            stored.push(column);
            stored.sort_unstable();
        }
        stored
    }

    /// Spans with their bytes, fetched ahead where that takes requests.
    pub fn loaded(
        &self,
        spans: Vec<Span>,
        columns: Vec<usize>,
    ) -> BoxStream<'static, Result<LoadedSpan>> {
        let ahead = if self.loader.file.bytes.is_mapped() {
            1
        } else {
            FETCH_AHEAD
        };
        let groups = self.loader.groups(spans, &columns);
        let loader = self.loader.clone();
        stream::iter(groups)
            .map(move |group| {
                let (loader, columns) = (loader.clone(), columns.clone());
                async move { loader.load(group, &columns).await }
            })
            .buffered(ahead)
            .map_ok(|spans| stream::iter(spans.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Every row that passes the predicate.
    pub fn stream(self, spans: Vec<Span>) -> BoxStream<'static, Result<RecordBatch>> {
        let wanted = self
            .projection
            .iter()
            .chain(self.predicate_columns())
            .copied()
            .collect::<Vec<_>>();
        let stored = self.stored(wanted);
        let loaded = self.loaded(spans, stored.clone());
        let pieces = VecDeque::<(Arc<LoadedSpan>, Range<u64>)>::new();
        let state = (self, stored, loaded, pieces);
        stream::try_unfold(state, |(scan, stored, mut loaded, mut pieces)| async move {
            loop {
                if let Some((span, rows)) = pieces.pop_front() {
                    let batch = scan.batch(&span, rows.clone())?;
                    scan.loader.done_with(&span, &stored, &rows);
                    if let Some(batch) = batch {
                        return Ok(Some((batch, (scan, stored, loaded, pieces))));
                    }
                    continue;
                }
                let Some(span) = loaded.try_next().await? else {
                    return Ok(None);
                };
                pieces.extend(scan.pieces(&Arc::new(span)));
            }
        })
        .boxed()
    }

    /// Runs of rows of a span, a batch each.
    pub fn pieces(
        &self,
        span: &Arc<LoadedSpan>,
    ) -> impl Iterator<Item = (Arc<LoadedSpan>, Range<u64>)> + use<> {
        let (span, rows, step) = (Arc::clone(span), span.span.rows.clone(), self.batch_rows);
        (rows.start..rows.end)
            .step_by(step)
            .map(move |start| (Arc::clone(&span), start..rows.end.min(start + step as u64)))
    }

    /// Which of some rows pass the predicate; `None` when all do.
    pub fn mask(&self, span: &LoadedSpan, rows: Range<u64>) -> Result<Option<BooleanArray>> {
        let Some(predicate) = &self.predicate else {
            return Ok(None);
        };
        let batch = self.decode(
            span,
            rows,
            predicate.columns(),
            Arc::clone(predicate.schema()),
        )?;
        let mask = predicate.mask(&batch)?;
        Ok((mask.true_count() < mask.len()).then_some(mask))
    }

    /// The rows of a run that pass the predicate; `None` when there are none.
    pub fn batch(&self, span: &LoadedSpan, rows: Range<u64>) -> Result<Option<RecordBatch>> {
        self.loader
            .metrics
            .rows_scanned
            .add((rows.end - rows.start) as usize);
        let mask = self.mask(span, rows.clone())?;
        if mask.as_ref().is_some_and(|mask| mask.true_count() == 0) {
            return Ok(None);
        }
        let batch = self.decode(span, rows, &self.projection, Arc::clone(&self.output))?;
        self.loader.metrics.rows_decoded.add(batch.num_rows());
        Ok(Some(match mask {
            None => batch,
            Some(mask) => filter_record_batch(&batch, &mask)?,
        }))
    }

    /// Some rows as a batch; `columns` are indices into the table's file schema.
    pub fn decode(
        &self,
        span: &LoadedSpan,
        rows: Range<u64>,
        columns: &[usize],
        schema: SchemaRef,
    ) -> Result<RecordBatch> {
        let arrays = columns
            .iter()
            .zip(schema.fields())
            .map(|(column, field)| {
                let in_file = self.columns.get(*column);
                let array = self.loader.array(span, in_file, rows.clone())?;
                if self.columns.is_stored_so(*column) {
                    return Ok(array);
                }
                // A value that does not fit is an error, not NULL.
                let options = CastOptions {
                    safe: false,
                    ..CastOptions::default()
                };
                Ok(cast_with_options(&array, field.data_type(), &options)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let options =
            RecordBatchOptions::new().with_row_count(Some((rows.end - rows.start) as usize));
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}
