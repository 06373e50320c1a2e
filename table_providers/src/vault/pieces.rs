//! Rows of vectors in the pieces in which they are stored: chunks of sqlite-vec, runs of a typed column.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, exec_err, internal_err};
use ogive_kernels::Encoding;
use ogive_vault::{
    Column, ColumnReader, ColumnValues, DType, Element, Numbers, Place, SqliteConnection, Vec0Role,
    Vec0Scan, VectorElement, refreshed,
};

use crate::error::vault_error;
use crate::vault::arrays;
use crate::vault::read::{ColumnOutput, Source, column_batch, index_batch, vec0_batch};

/// Rows that are stored in pieces. A row is named by its piece and its slot in it; slots may be empty.
pub trait Pieces {
    /// How many pieces there are.
    fn count(&self) -> usize;

    /// The slots of a piece that hold wanted rows, ascending.
    fn slots(&mut self, piece: usize) -> Result<Vec<usize>>;

    /// The vectors of a piece as they are stored, one a slot from the first to the last of `slots`; those of other slots are of
    /// no meaning. `slots` are some of [`Self::slots`].
    fn vectors(&mut self, piece: usize, slots: &[usize], to: &mut Vec<u8>) -> Result<()>;

    /// Some rows of a piece, with the columns that `columns` gives: a source of the same table.
    fn batch(
        &mut self,
        piece: usize,
        slots: &[usize],
        columns: &Source,
        schema: &SchemaRef,
    ) -> Result<RecordBatch>;
}

/// How vectors of a column are stored: dimensions and elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredVectors {
    /// Elements of a vector.
    pub dimension: usize,
    /// How they are stored.
    pub encoding: Encoding,
}

/// The vectors of a column that can be searched as they are stored.
pub fn stored_vectors(source: &Source, name: &str) -> Option<StoredVectors> {
    let (element, dimension) = match source {
        Source::Vec0 { table, .. } => {
            let column = table.columns.iter().find(|column| column.name == name)?;
            let Vec0Role::Vector {
                element,
                dimensions,
                ..
            } = column.role
            else {
                return None;
            };
            let element = match element {
                VectorElement::Float32 => Element::F32,
                VectorElement::Int8 => Element::I8,
                VectorElement::Bit => return None,
            };
            (element, dimensions)
        }
        Source::Column { column, .. } => {
            let Ok(DType::FixedVector { element, shape }) = &column.dtype else {
                return None;
            };
            (*element, shape.iter().product())
        }
        Source::Rows { .. } | Source::Columns { .. } => return None,
    };
    let encoding = match element {
        Element::F16 => Encoding::F16,
        Element::F32 => Encoding::F32,
        Element::F64 => Encoding::F64,
        Element::I8 => Encoding::I8,
        Element::U8 => Encoding::U8,
        _ => return None,
    };
    Some(StoredVectors {
        dimension,
        encoding,
    })
}

/// Chunks of a `vec0` table.
pub struct Vec0Pieces<'a> {
    connection: &'a SqliteConnection,
    place: &'a Place,
    /// A scan of each range of ids, and its chunks.
    chunks: Vec<(Vec0Scan<'a>, i64)>,
    /// The definition's column that is searched.
    searched: Option<usize>,
    /// The piece whose slots are known, and those with their rowids.
    known: Option<(usize, Vec<(usize, i64)>)>,
}

impl<'a> Vec0Pieces<'a> {
    /// The chunks that a source names.
    pub fn new(
        connection: &'a SqliteConnection,
        place: &'a Place,
        source: &'a Source,
        searched: Option<&str>,
    ) -> Result<Self> {
        let Source::Vec0 {
            table, ids, chunks, ..
        } = source
        else {
            return internal_err!("a source of vec0 chunks was expected");
        };
        let mut found = Vec::new();
        for ids in ids {
            let scan = Vec0Scan {
                table,
                columns: Vec::new(),
                values: false,
                ids: ids.clone(),
                chunks: chunks.clone(),
            };
            let numbers = scan.chunks(connection, place).map_err(vault_error)?;
            found.extend(numbers.into_iter().map(|chunk| (scan.clone(), chunk)));
        }
        let column = |name| table.columns.iter().position(|column| column.name == name);
        Ok(Self {
            connection,
            place,
            chunks: found,
            searched: searched.and_then(column),
            known: None,
        })
    }

    fn chunk(&self, piece: usize) -> Result<(&Vec0Scan<'a>, i64)> {
        match self.chunks.get(piece) {
            Some((scan, chunk)) => Ok((scan, *chunk)),
            None => internal_err!("there is no piece {piece}"),
        }
    }

    /// The wanted slots with their rowids.
    fn live(&mut self, piece: usize) -> Result<&[(usize, i64)]> {
        if self.known.as_ref().is_none_or(|(known, _)| *known != piece) {
            let (scan, chunk) = self.chunk(piece)?;
            let live = scan
                .slots(self.connection, self.place, chunk)
                .map_err(vault_error)?;
            self.known = Some((piece, live));
        }
        Ok(self.known.as_ref().map_or(&[], |(_, live)| live))
    }

    fn some(&mut self, piece: usize, slots: &[usize]) -> Result<Vec<(usize, i64)>> {
        let live = self.live(piece)?;
        let mut some = Vec::with_capacity(slots.len());
        for slot in slots {
            match live.binary_search_by_key(slot, |(slot, _)| *slot) {
                Ok(at) => some.extend(live.get(at)),
                Err(_) => return internal_err!("slot {slot} of piece {piece} has no row"),
            }
        }
        Ok(some)
    }
}

impl Pieces for Vec0Pieces<'_> {
    fn count(&self) -> usize {
        self.chunks.len()
    }

    fn slots(&mut self, piece: usize) -> Result<Vec<usize>> {
        Ok(self.live(piece)?.iter().map(|(slot, _)| *slot).collect())
    }

    fn vectors(&mut self, piece: usize, slots: &[usize], to: &mut Vec<u8>) -> Result<()> {
        let Some(column) = self.searched else {
            return internal_err!("no column of vectors is searched");
        };
        let (scan, chunk) = self.chunk(piece)?;
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            to.clear();
            return Ok(());
        };
        scan.vectors_of(
            self.connection,
            self.place,
            chunk,
            column,
            *first..*last + 1,
            to,
        )
        .map_err(vault_error)
    }

    fn batch(
        &mut self,
        piece: usize,
        slots: &[usize],
        columns: &Source,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let some = self.some(piece, slots)?;
        let (scan, chunk) = self.chunk(piece)?;
        let Source::Vec0 {
            columns,
            values,
            outputs,
            ..
        } = columns
        else {
            return internal_err!("columns of a vec0 table were expected");
        };
        let scan = Vec0Scan {
            columns: columns.clone(),
            values: *values,
            ..scan.clone()
        };
        let batch = scan
            .read(self.connection, self.place, chunk, &some)
            .map_err(vault_error)?;
        vec0_batch(batch, outputs, self.place, schema)
    }
}

/// Runs of a typed column.
pub struct ColumnPieces<'a> {
    connection: &'a SqliteConnection,
    place: &'a Place,
    /// As this connection sees it.
    column: Column,
    runs: Vec<Range<u64>>,
}

impl<'a> ColumnPieces<'a> {
    /// The rows that a source names.
    pub fn new(
        connection: &'a SqliteConnection,
        place: &'a Place,
        source: &Source,
    ) -> Result<Self> {
        let Source::Column { column, rows, .. } = source else {
            return internal_err!("a source of a typed column was expected");
        };
        let column = refreshed(connection, &place.file, column).map_err(vault_error)?;
        let step = ColumnReader::new(connection, &place.file, &column)
            .map_err(vault_error)?
            .batch_rows();
        let mut runs = Vec::new();
        for range in rows {
            let end = range.end.min(column.length);
            let mut first = range.start;
            while first < end {
                let next = end.min(first.saturating_add(step));
                runs.push(first..next);
                first = next;
            }
        }
        Ok(Self {
            connection,
            place,
            column,
            runs,
        })
    }

    fn run(&self, piece: usize) -> Result<Range<u64>> {
        match self.runs.get(piece) {
            Some(run) => Ok(run.clone()),
            None => internal_err!("there is no piece {piece}"),
        }
    }

    fn read(&self, rows: Range<u64>) -> Result<ColumnValues> {
        let reader = ColumnReader::new(self.connection, &self.place.file, &self.column)
            .map_err(vault_error)?;
        let expected = rows.end - rows.start;
        let values = reader.read(rows.clone()).map_err(vault_error)?;
        if values.rows() as u64 != expected {
            return Err(vault_error(
                self.place.at(format!("row {}", rows.start)).damaged(
                    "the number of rows",
                    values.rows(),
                    expected,
                ),
            ));
        }
        Ok(values)
    }
}

impl Pieces for ColumnPieces<'_> {
    fn count(&self) -> usize {
        self.runs.len()
    }

    fn slots(&mut self, piece: usize) -> Result<Vec<usize>> {
        let run = self.run(piece)?;
        Ok((0..usize::try_from(run.end - run.start).unwrap_or(0)).collect())
    }

    fn vectors(&mut self, piece: usize, slots: &[usize], to: &mut Vec<u8>) -> Result<()> {
        to.clear();
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            return Ok(());
        };
        let start = self.run(piece)?.start;
        let rows = start + *first as u64..start + *last as u64 + 1;
        let numbers: Numbers = match self.read(rows)? {
            ColumnValues::FixedVectors { numbers, .. } => numbers,
            _ => return exec_err!("{}: its rows are no vectors of one length", self.place),
        };
        to.extend_from_slice(numbers.as_bytes());
        Ok(())
    }

    fn batch(
        &mut self,
        piece: usize,
        slots: &[usize],
        columns: &Source,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let Source::Column { outputs, .. } = columns else {
            return internal_err!("columns of a typed column were expected");
        };
        let start = self.run(piece)?.start;
        let mut batches = Vec::new();
        for neighbours in slots.chunk_by(|a, b| a + 1 == *b) {
            let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) else {
                continue;
            };
            let rows = start + *first as u64..start + *last as u64 + 1;
            batches.push(match outputs.contains(&ColumnOutput::Value) {
                true => {
                    let values = arrays::column_values(self.read(rows.clone())?)?;
                    column_batch(rows, values, outputs, schema)?
                }
                false => index_batch(rows, outputs, schema)?,
            });
        }
        Ok(concat_batches(schema, &batches)?)
    }
}
