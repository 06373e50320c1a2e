//! Layouts 1 and 2: a column is bytes in chunks, rows of `col_chunks`.
//!
//! ```text
//! stream:          byte b of the column is byte b % max of chunk b / max
//! layout 2, rows of any size: triples (i32 chunk, i32 start, i32 end), themselves a stream
//! layout 1, rows of any size: i64 ends in the stream of the bytes, themselves a stream
//! ```

use std::ops::Range;

use rusqlite::Connection;
use rusqlite::blob::Blob;

use super::read::too_long;
use super::values::Slices;
use crate::contents::Stream;
use crate::error::{Place, Result};

/// The chunks of a column; the last one read stays open.
pub(super) struct Chunks<'a> {
    connection: &'a Connection,
    place: &'a Place,
    col_id: i64,
    open: Option<(i64, Blob<'a>)>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(connection: &'a Connection, place: &'a Place, col_id: i64) -> Self {
        Self {
            connection,
            place,
            col_id,
            open: None,
        }
    }

    /// Fills a buffer with the bytes from an offset in the stream on.
    pub(super) fn fill(&mut self, max_chunk_bytes: u64, offset: u64, to: &mut [u8]) -> Result<()> {
        if max_chunk_bytes == 0 {
            return Err(self
                .place
                .damaged("the size of its chunks", 0, "1 at least"));
        }
        let mut offset = offset;
        let mut rest = to;
        while !rest.is_empty() {
            let chunk = i64::try_from(offset / max_chunk_bytes).unwrap_or(i64::MAX);
            let within = offset % max_chunk_bytes;
            let room = usize::try_from(max_chunk_bytes - within).unwrap_or(usize::MAX);
            let bytes = room.min(rest.len());
            let Some((now, later)) = std::mem::take(&mut rest).split_at_mut_checked(bytes) else {
                break;
            };
            rest = later;
            self.read(chunk, within, now)?;
            offset += bytes as u64;
        }
        Ok(())
    }

    /// Fills a buffer from a place in a chunk on.
    fn read(&mut self, chunk: i64, start: u64, to: &mut [u8]) -> Result<()> {
        let place = self.place.at(format!("chunk {chunk}"));
        let blob = self.open(chunk)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        match start.checked_add(to.len()) {
            Some(end) if end <= blob.len() => blob
                .read_at_exact(to, start)
                .map_err(|error| place.sqlite("reading its bytes", error)),
            _ => Err(place.damaged(
                "its length",
                format!("{} bytes", blob.len()),
                format!("{} from byte {start} on", to.len()),
            )),
        }
    }

    /// Bytes of a chunk, whatever it says of itself.
    fn length(&mut self, chunk: i64) -> Result<u64> {
        Ok(self.open(chunk)?.len() as u64)
    }

    fn open(&mut self, chunk: i64) -> Result<&Blob<'a>> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != chunk) {
            let place = self.place.at(format!("chunk {chunk}"));
            let rowid = self
                .connection
                .prepare_cached(
                    "SELECT _rowid_ FROM col_chunks WHERE col_id = ?1 AND chunk_idx = ?2",
                )
                .and_then(|mut statement| {
                    statement.query_row(rusqlite::params![self.col_id, chunk], |row| {
                        row.get::<_, i64>(0)
                    })
                })
                .map_err(|error| match error {
                    rusqlite::Error::QueryReturnedNoRows => {
                        place.damaged("the chunk", "missing", "there")
                    }
                    error => place.sqlite("finding the chunk", error),
                })?;
            // Chunks may be texts that hold bytes: read this way they are bytes all the same.
            let blob = self
                .connection
                .blob_open("main", "col_chunks", "data", rowid, true)
                .map_err(|error| place.sqlite("opening its bytes", error))?;
            self.open = Some((chunk, blob));
        }
        match &self.open {
            Some((_, blob)) => Ok(blob),
            None => Err(self.place.damaged("the chunk", "missing", "there")),
        }
    }
}

const TRIPLE_BYTES: usize = 12;

/// Appends rows of layout 2, until about `bytes_max` are there.
pub(super) fn read_triples(
    connection: &Connection,
    place: &Place,
    index: &Stream,
    data_id: i64,
    rows: Range<u64>,
    bytes_max: u64,
    out: &mut Slices,
) -> Result<()> {
    let mut triples = Chunks::new(connection, place, index.col_id);
    let mut data = Chunks::new(connection, place, data_id);
    let start = out.data.len() as u64;
    let mut buffer = Vec::new();
    for row in rows.clone() {
        if row > rows.start && (out.data.len() as u64) - start >= bytes_max {
            return Ok(());
        }
        let local = usize::try_from((row - rows.start) % INDEX_ROWS).unwrap_or(0);
        if local == 0 {
            let count = (rows.end - row).min(INDEX_ROWS);
            buffer.resize(usize::try_from(count).unwrap_or(0) * TRIPLE_BYTES, 0);
            triples.fill(
                index.max_chunk_bytes,
                row.saturating_mul(TRIPLE_BYTES as u64),
                &mut buffer,
            )?;
        }
        let triple = buffer
            .get(local * TRIPLE_BYTES..)
            .and_then(<[u8]>::first_chunk);
        let [chunk, from, to] = triple.map_or([0; 3], |triple: &[u8; TRIPLE_BYTES]| {
            bytemuck::pod_read_unaligned::<[i32; 3]>(triple)
        });
        if from == to {
            // An empty row; its chunk need not be there.
            out.offsets.push(end_of(out, place, row)?);
            continue;
        }
        let place = place.at(format!("row {row}"));
        let span = u64::try_from(from)
            .ok()
            .zip(u64::try_from(to).ok())
            .filter(|(a, b)| a <= b);
        let Some((from, to)) = span else {
            return Err(place.damaged(
                "its range of bytes",
                format!("{from} to {to}"),
                "a rising one",
            ));
        };
        let length = data.length(chunk.into())?;
        if to > length {
            return Err(place.damaged(
                "its range of bytes",
                format!("{from} to {to} of chunk {chunk}"),
                format!("{length} at most"),
            ));
        }
        append(&mut data, chunk.into(), from, to - from, out, &place, row)?;
    }
    Ok(())
}

/// Index entries read at a time.
const INDEX_ROWS: u64 = 4096;

fn end_of(out: &Slices, place: &Place, row: u64) -> Result<i32> {
    i32::try_from(out.data.len()).map_err(|_| too_long(place, row))
}

fn append(
    data: &mut Chunks<'_>,
    chunk: i64,
    from: u64,
    bytes: u64,
    out: &mut Slices,
    place: &Place,
    row: u64,
) -> Result<()> {
    let base = out.data.len();
    let end = usize::try_from(bytes)
        .ok()
        .and_then(|bytes| base.checked_add(bytes))
        .filter(|end| i32::try_from(*end).is_ok())
        .ok_or_else(|| too_long(place, row))?;
    out.data.resize(end, 0);
    if let Some(buffer) = out.data.get_mut(base..) {
        data.read(chunk, from, buffer)?;
    }
    out.offsets.push(end_of(out, place, row)?);
    Ok(())
}

/// Appends rows of layout 1, until about `bytes_max` are there. `source` is the ends, the bytes, and how many bytes.
pub(super) fn read_ends(
    connection: &Connection,
    place: &Place,
    source: (&Stream, &Stream, u64),
    rows: Range<u64>,
    bytes_max: u64,
    out: &mut Slices,
) -> Result<()> {
    let (index, data, data_bytes) = source;
    if rows.is_empty() {
        return Ok(());
    }
    let mut ends = Chunks::new(connection, place, index.col_id);
    let mut bytes = Chunks::new(connection, place, data.col_id);
    let end_at = |ends: &mut Chunks<'_>, row: u64| -> Result<u64> {
        let mut end = [0; 8];
        ends.fill(index.max_chunk_bytes, row.saturating_mul(8), &mut end)?;
        u64::try_from(i64::from_le_bytes(end))
            .ok()
            .filter(|end| *end <= data_bytes)
            .ok_or_else(|| {
                place.at(format!("row {row}")).damaged(
                    "the end of its bytes",
                    i64::from_le_bytes(end),
                    format!("0 to {data_bytes}"),
                )
            })
    };
    let mut from = match rows.start.checked_sub(1) {
        Some(before) => end_at(&mut ends, before)?,
        None => 0,
    };
    let start = out.data.len() as u64;
    for row in rows.clone() {
        if row > rows.start && (out.data.len() as u64) - start >= bytes_max {
            return Ok(());
        }
        let to = end_at(&mut ends, row)?;
        if to < from {
            return Err(place.at(format!("row {row}")).damaged(
                "the end of its bytes",
                to,
                format!("{from} at least"),
            ));
        }
        // A chunk at a time, so that nothing is taken before its bytes are there.
        let mut offset = from;
        while offset < to {
            if data.max_chunk_bytes == 0 {
                return Err(place.damaged("the size of its chunks", 0, "1 at least"));
            }
            let room = data.max_chunk_bytes - offset % data.max_chunk_bytes;
            let now = room.min(to - offset);
            let chunk = i64::try_from(offset / data.max_chunk_bytes).unwrap_or(i64::MAX);
            let within = offset % data.max_chunk_bytes;
            let length = bytes.length(chunk)?;
            if within + now > length {
                return Err(place.at(format!("chunk {chunk}")).damaged(
                    "its length",
                    length,
                    format!("{} at least", within + now),
                ));
            }
            append(&mut bytes, chunk, within, now, out, place, row)?;
            out.offsets.pop();
            offset += now;
        }
        out.offsets.push(end_of(out, place, row)?);
        from = to;
    }
    Ok(())
}
