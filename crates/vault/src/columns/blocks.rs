//! Layout 3: blocks of whole rows, each a row of `kvault_col_blocks` and one of `kvault_col_data`.
//!
//! ```text
//! fixed width:     row r of the block is payload[r * elem_size ..][..elem_size]
//! variable width:  row k of the block is payload[o[k] .. o[k + 1]], o = u64s of the blob `offsets`, o[0] = 0
//! ```

use std::ops::Range;

use rusqlite::Connection;
use rusqlite::blob::Blob;

use super::read::too_long;
use super::values::Slices;
use crate::error::{Place, Result};

/// The blocks of a column.
pub(super) struct Blocks<'a> {
    connection: &'a Connection,
    place: &'a Place,
    col_id: i64,
}

struct Block {
    id: i64,
    number: i64,
    first_row: u64,
    rows: u64,
    used_bytes: u64,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(connection: &'a Connection, place: &'a Place, col_id: i64) -> Self {
        Self {
            connection,
            place,
            col_id,
        }
    }

    /// Fills a buffer with rows of equal size, straight from the pages of the file.
    pub(super) fn fill(&mut self, first: u64, row_bytes: u64, to: &mut [u8]) -> Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        let size = usize::try_from(row_bytes.max(1)).unwrap_or(usize::MAX);
        let mut row = first;
        let mut rest = to;
        self.each_from(first, |blocks, block| {
            let place = blocks.place.at(format!("block {}", block.number));
            if block.rows.checked_mul(row_bytes) != Some(block.used_bytes) {
                return Err(place.damaged(
                    "the number of used bytes",
                    block.used_bytes,
                    format!("{} rows of {row_bytes} bytes", block.rows),
                ));
            }
            blocks.check_next(&place, block, row)?;
            let skipped = usize::try_from(row - block.first_row).unwrap_or(usize::MAX);
            let wanted = usize::try_from(block.first_row + block.rows - row).unwrap_or(usize::MAX);
            let bytes = wanted.saturating_mul(size).min(rest.len());
            let Some((now, later)) = std::mem::take(&mut rest).split_at_mut_checked(bytes) else {
                return Ok(false);
            };
            rest = later;
            let payload = blocks.payload(&place, block)?;
            payload
                .read_at_exact(now, skipped.saturating_mul(size))
                .map_err(|error| place.sqlite("reading its bytes", error))?;
            row += (bytes / size) as u64;
            Ok(!rest.is_empty())
        })?;
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.place.at(format!("row {row}")).damaged(
            "the number of rows in blocks",
            row,
            "that of the column",
        ))
    }

    /// Appends rows of any size, until about `bytes_max` are there.
    pub(super) fn append(
        &mut self,
        rows: Range<u64>,
        bytes_max: u64,
        out: &mut Slices,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let start = out.data.len() as u64;
        let mut row = rows.start;
        self.each_from(rows.start, |blocks, block| {
            let place = blocks.place.at(format!("block {}", block.number));
            blocks.check_next(&place, block, row)?;
            let ends = blocks.offsets(&place, block)?;
            let last = rows.end.min(block.first_row + block.rows);
            let local = |row: u64| usize::try_from(row - block.first_row).unwrap_or(usize::MAX);
            // Whole rows up to the limit, one at least.
            let mut end = row;
            let mut bytes = (out.data.len() as u64).saturating_sub(start);
            let mut from = None;
            let mut to = 0;
            while end < last && (end == row || bytes < bytes_max) {
                let (Some(a), Some(b)) = (ends.get(local(end)), ends.get(local(end) + 1)) else {
                    return Err(place.damaged("the number of offsets", ends.len(), block.rows + 1));
                };
                if a > b || *b > block.used_bytes {
                    return Err(blocks.place.at(format!("row {end}")).damaged(
                        "an offset",
                        format!("{a} to {b}"),
                        format!("rising, {} at most", block.used_bytes),
                    ));
                }
                from.get_or_insert(*a);
                to = *b;
                bytes += b - a;
                end += 1;
            }
            let from = from.unwrap_or(to);
            let base = out.data.len();
            let added = usize::try_from(to - from).unwrap_or(usize::MAX);
            if i32::try_from(base.saturating_add(added)).is_err() {
                return Err(too_long(blocks.place, row));
            }
            // The blob is at least as long as `used_bytes`, so this is taken on its word, not on the offsets'.
            let payload = blocks.payload(&place, block)?;
            out.data.resize(base + added, 0);
            if let Some(buffer) = out.data.get_mut(base..) {
                payload
                    .read_at_exact(buffer, usize::try_from(from).unwrap_or(usize::MAX))
                    .map_err(|error| place.sqlite("reading its bytes", error))?;
            }
            for &row_end in ends.get(local(row) + 1..=local(end)).unwrap_or_default() {
                let row_end = base as u64 + (row_end - from);
                out.offsets.push(i32::try_from(row_end).unwrap_or(i32::MAX));
            }
            row = end;
            Ok(row < rows.end && bytes < bytes_max)
        })?;
        Ok(())
    }

    /// Calls with each block from the one of a row on, until `false`.
    fn each_from(
        &self,
        first: u64,
        mut on_block: impl FnMut(&Self, &Block) -> Result<bool>,
    ) -> Result<()> {
        let reading = |error| self.place.sqlite("reading its list of blocks", error);
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT block_id, block_no, first_row, row_count, used_bytes FROM kvault_col_blocks
                 WHERE col_id = ?1 AND first_row >= coalesce(
                     (SELECT max(first_row) FROM kvault_col_blocks WHERE col_id = ?1 AND first_row <= ?2), 0)
                 ORDER BY first_row, block_no",
            )
            .map_err(reading)?;
        let mut rows = statement
            .query(rusqlite::params![self.col_id, first])
            .map_err(reading)?;
        while let Some(row) = rows.next().map_err(reading)? {
            let number = row.get::<_, i64>(1).unwrap_or(-1);
            let size = |at: usize| {
                row.get::<_, i64>(at)
                    .ok()
                    .and_then(|size| u64::try_from(size).ok())
            };
            let (Ok(id), Some(first_row), Some(rows), Some(used_bytes)) =
                (row.get::<_, i64>(0), size(2), size(3), size(4))
            else {
                return Err(self.place.at(format!("block {number}")).damaged(
                    "its entry",
                    "negative or not numbers",
                    "counts",
                ));
            };
            let block = Block {
                id,
                number,
                first_row,
                rows,
                used_bytes,
            };
            if block.rows > 0 && !on_block(self, &block)? {
                break;
            }
        }
        Ok(())
    }

    fn check_next(&self, place: &Place, block: &Block, row: u64) -> Result<()> {
        let covers = block.first_row <= row
            && block
                .first_row
                .checked_add(block.rows)
                .is_some_and(|end| row < end);
        if covers {
            return Ok(());
        }
        Err(place.damaged(
            "its range of rows",
            format!("{} rows from {}", block.rows, block.first_row),
            format!("one with row {row}"),
        ))
    }

    /// The block's bytes, which are at least as many as it says it uses.
    fn payload(&self, place: &Place, block: &Block) -> Result<Blob<'a>> {
        let payload = self
            .connection
            .blob_open("main", "kvault_col_data", "payload", block.id, true)
            .map_err(|error| place.sqlite("opening its bytes", error))?;
        if (payload.len() as u64) < block.used_bytes {
            return Err(place.damaged(
                "the length of its bytes",
                payload.len(),
                format!("{} at least", block.used_bytes),
            ));
        }
        Ok(payload)
    }

    /// The offsets of the block's rows, from 0 on.
    fn offsets(&self, place: &Place, block: &Block) -> Result<Vec<u64>> {
        let blob = self
            .connection
            .blob_open("main", "kvault_col_data", "offsets", block.id, true)
            .map_err(|error| place.sqlite("opening its offsets", error))?;
        let count = block
            .rows
            .checked_add(1)
            .and_then(|count| usize::try_from(count).ok());
        let needed = count.and_then(|count| count.checked_mul(8));
        let (Some(count), Some(needed)) = (count, needed.filter(|needed| *needed <= blob.len()))
        else {
            return Err(place.damaged(
                "the length of its offsets",
                format!("{} bytes", blob.len()),
                format!("8 for each of {} rows and 8 more", block.rows),
            ));
        };
        let mut offsets = vec![0_u64; count];
        let bytes: &mut [u8] = bytemuck::must_cast_slice_mut(&mut offsets);
        debug_assert_eq!(bytes.len(), needed);
        blob.read_at_exact(bytes, 0)
            .map_err(|error| place.sqlite("reading its offsets", error))?;
        if offsets.first() != Some(&0) {
            return Err(place.damaged(
                "its first offset",
                offsets.first().copied().unwrap_or(0),
                0,
            ));
        }
        Ok(offsets)
    }
}
