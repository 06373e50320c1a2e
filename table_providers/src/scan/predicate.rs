//! Filters that the scan itself applies: chunks pruned by what the header says, rows by value.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float32Array, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::cast::as_boolean_array;
use datafusion_common::pruning::PruningStatistics;
use datafusion_common::{Column, Result, ScalarValue};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion_pruning::{PruningPredicate, PruningPredicateBuilder};

use crate::scan::file::{ArrayFile, ROW_COLUMN};
use crate::scan::spans::Span;

/// Rows that one pruning decision is about: small enough that a point look-up by `_row` decodes
/// little, large enough that decisions cost nothing beside reading.
const PRUNED_ROWS: u64 = 1024;

/// A filter over a file's columns.
#[derive(Debug, Clone)]
pub struct ScanPredicate {
    expr: Arc<dyn PhysicalExpr>,
    /// Columns it reads, as indices into the file schema, ascending.
    columns: Vec<usize>,
    /// `expr` over a batch of just these columns.
    over_columns: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    pruning: Option<PruningPredicate>,
}

impl ScanPredicate {
    /// `expr` is over `file_schema`, whose last column is `_row`.
    pub fn new(expr: Arc<dyn PhysicalExpr>, file_schema: &SchemaRef) -> Result<Self> {
        let mut columns: Vec<usize> = collect_columns(&expr)
            .into_iter()
            .map(|column| column.index())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let schema: SchemaRef = Arc::new(file_schema.project(&columns)?);
        let over_columns = reassign_expr_columns(Arc::clone(&expr), &schema)?;
        let pruning = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(file_schema))
            .try_build(Arc::clone(&expr))
            .ok()
            .filter(|pruning| !pruning.always_true());
        Ok(Self {
            expr,
            columns,
            over_columns,
            schema,
            pruning,
        })
    }

    /// The whole filter.
    pub fn expr(&self) -> &Arc<dyn PhysicalExpr> {
        &self.expr
    }

    /// Columns to decode before [`Self::mask`], as indices into the file schema.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The schema of the batch that [`Self::mask`] takes.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Which rows pass; NULL does not.
    pub fn mask(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let array = self
            .over_columns
            .evaluate(batch)?
            .into_array(batch.num_rows())?;
        let mask = as_boolean_array(&array)?;
        Ok(match mask.nulls() {
            None => mask.clone(),
            Some(nulls) => BooleanArray::new(mask.values() & nulls.inner(), None),
        })
    }

    /// The parts of `spans` that may hold a passing row, and how many chunks hold none.
    pub fn prune(&self, file: &dyn ArrayFile, spans: Vec<Span>) -> Result<(Vec<Span>, usize)> {
        let Some(pruning) = &self.pruning else {
            return Ok((spans, 0));
        };
        let pieces: Vec<Span> = spans.iter().flat_map(cut).collect();
        let keep = pruning.prune(&HeaderStatistics {
            file,
            pieces: &pieces,
        })?;
        let mut kept: Vec<Span> = Vec::new();
        for (piece, keep) in pieces.into_iter().zip(keep) {
            if !keep {
                continue;
            }
            match kept.last_mut() {
                Some(last) if last.chunk == piece.chunk && last.rows.end == piece.rows.start => {
                    last.rows.end = piece.rows.end;
                }
                _ => kept.push(piece),
            }
        }
        let chunks = |spans: &[Span]| {
            spans
                .iter()
                .map(|span| span.chunk)
                .collect::<HashSet<_>>()
                .len()
        };
        let pruned = chunks(&spans) - chunks(&kept);
        Ok((kept, pruned))
    }
}

fn cut(span: &Span) -> impl Iterator<Item = Span> {
    let (chunk, rows) = (span.chunk, span.rows.clone());
    (rows.start..rows.end)
        .step_by(PRUNED_ROWS as usize)
        .map(move |start| Span {
            chunk,
            rows: start..rows.end.min(start + PRUNED_ROWS),
        })
}

/// What headers tell of each piece: its row numbers, and the bounds of scalar columns.
struct HeaderStatistics<'a> {
    file: &'a dyn ArrayFile,
    pieces: &'a [Span],
}

impl HeaderStatistics<'_> {
    fn bounds(&self, column: &Column, take: impl Fn((f32, f32)) -> f32) -> Option<ArrayRef> {
        let index = self
            .file
            .columns()
            .iter()
            .position(|have| have.name == column.name && have.element == DataType::Float32)?;
        let values: Float32Array = self
            .pieces
            .iter()
            .map(|piece| self.file.bounds(piece.chunk, index).map(&take))
            .collect();
        Some(Arc::new(values))
    }
}

impl PruningStatistics for HeaderStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        if column.name == ROW_COLUMN {
            return Some(Arc::new(Int64Array::from_iter_values(
                self.pieces
                    .iter()
                    .map(|piece| piece.rows.start.cast_signed()),
            )));
        }
        self.bounds(column, |(low, _)| low)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        if column.name == ROW_COLUMN {
            return Some(Arc::new(Int64Array::from_iter_values(
                self.pieces
                    .iter()
                    .map(|piece| piece.rows.end.cast_signed() - 1),
            )));
        }
        self.bounds(column, |(_, high)| high)
    }

    fn num_containers(&self) -> usize {
        self.pieces.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from(vec![0; self.pieces.len()])))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(
            self.pieces
                .iter()
                .map(|piece| piece.rows.end - piece.rows.start),
        )))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
