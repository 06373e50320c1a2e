//! The first rows of groups.

use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array, new_empty_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion_expr::EmitTo;

/// Beside each value that is wanted, one may stay that no longer is; and so many more.
const SPARE_ROWS: usize = 1024;
/// What an array costs, counted in rows.
const CHUNK_ROWS: usize = 16;

/// Of each group, the values of the `count` rows with the smallest keys. Of equal keys, those that came first.
///
/// Values are copied out of a batch only for rows that enter a group, and those of rows that were pushed out again are
/// dropped now and then.
#[derive(Debug)]
pub(super) struct Nearest {
    count: usize,
    groups: Vec<BinaryHeap<Entry>>,
    values: Values,
    /// Entries of all groups.
    entries: usize,
    /// Memory of the keys and of the groups' buffers.
    bytes: usize,
}

/// A row of a group; the largest is the last one wanted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: Box<[u8]>,
    /// Later rows have later places.
    place: Place,
}

/// Where a value is: the array and the row in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chunk: u32,
    row: u32,
}

/// The values of entries.
#[derive(Debug)]
struct Values {
    data_type: DataType,
    chunks: Vec<ArrayRef>,
    rows: usize,
    bytes: usize,
}

/// The rows of some groups, first group first, each in the order of the keys.
pub(super) struct Taken {
    /// The values of all groups.
    pub(super) values: ArrayRef,
    /// Their keys, where asked for.
    pub(super) keys: Vec<Box<[u8]>>,
    /// How many of them are each group's.
    pub(super) lengths: Vec<usize>,
}

impl Nearest {
    pub(super) fn new(count: usize, value_type: &DataType) -> Self {
        Self {
            count,
            groups: Vec::new(),
            values: Values {
                data_type: value_type.clone(),
                chunks: Vec::new(),
                rows: 0,
                bytes: 0,
            },
            entries: 0,
            bytes: 0,
        }
    }

    /// Makes room for so many groups.
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize_with(groups, BinaryHeap::new);
        }
    }

    /// Takes rows in: of each its group, its key and where in `values` its value is.
    ///
    /// # Errors
    /// Values of another type than the ones before, or more of them than an array of their type can hold.
    pub(super) fn add<'a>(
        &mut self,
        values: &dyn Array,
        rows: impl Iterator<Item = (usize, &'a [u8], usize)>,
    ) -> Result<()> {
        let chunk = self.values.chunks.len();
        let mut entered: Vec<u64> = Vec::new();
        for (group, key, row) in rows {
            let group = self
                .groups
                .get_mut(group)
                .ok_or_else(|| internal_datafusion_err!("no group {group}"))?;
            if group.len() < self.count {
                let place = Place::new(chunk, entered.len())?;
                self.bytes -= buffer_bytes(group);
                if group.is_empty() {
                    group.reserve_exact(self.count.min(4));
                }
                let key = Box::from(key);
                self.bytes += key_bytes(&key);
                group.push(Entry { key, place });
                self.bytes += buffer_bytes(group);
                self.entries += 1;
            } else if let Some(mut last) = group.peek_mut()
                && *key < *last.key
            {
                self.bytes -= key_bytes(&last.key);
                match last.key.len() == key.len() {
                    true => last.key.copy_from_slice(key),
                    false => last.key = Box::from(key),
                }
                last.place = Place::new(chunk, entered.len())?;
                self.bytes += key_bytes(&last.key);
            } else {
                continue;
            }
            entered.push(row as u64);
        }
        if !entered.is_empty() {
            self.values
                .push(take(values, &UInt64Array::from(entered), None)?);
        }
        self.tidy()
    }

    /// What the groups hold now.
    ///
    /// # Errors
    /// More values than an array of their type can hold.
    pub(super) fn all(&self, with_keys: bool) -> Result<Taken> {
        Taken::of(&self.groups, &self.values, with_keys)
    }

    /// What the first groups hold; they leave.
    ///
    /// # Errors
    /// More values than an array of their type can hold.
    pub(super) fn take(&mut self, emit_to: EmitTo, with_keys: bool) -> Result<Taken> {
        let leaving = emit_to.take_needed(&mut self.groups);
        let taken = Taken::of(&leaving, &self.values, with_keys)?;
        for group in &leaving {
            let keys: usize = group.iter().map(|entry| key_bytes(&entry.key)).sum();
            self.bytes -= keys + buffer_bytes(group);
            self.entries -= group.len();
        }
        self.tidy()?;
        Ok(taken)
    }

    /// The memory that it holds.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes
            + self.groups.capacity() * size_of::<BinaryHeap<Entry>>()
            + self.values.bytes
            + self.values.chunks.capacity() * size_of::<ArrayRef>()
    }

    /// Drops the values that no entry has, once they are as many as the others.
    fn tidy(&mut self) -> Result<()> {
        let held = self.values.rows + CHUNK_ROWS * self.values.chunks.len();
        if self.entries == 0 {
            self.values.clear();
            return Ok(());
        }
        if held <= 2 * self.entries + SPARE_ROWS {
            return Ok(());
        }
        let mut places: Vec<Place> = self
            .groups
            .iter()
            .flatten()
            .map(|entry| entry.place)
            .collect();
        places.sort_unstable();
        let kept = self.values.gather(places.iter().copied())?;
        self.values.clear();
        self.values.push(kept);
        for group in &mut self.groups {
            // Places keep their order, and so do entries.
            let mut entries = std::mem::take(group).into_vec();
            for entry in &mut entries {
                let row = places
                    .binary_search(&entry.place)
                    .map_err(|_| internal_datafusion_err!("a value without a place"))?;
                entry.place = Place::new(0, row)?;
            }
            *group = BinaryHeap::from(entries);
        }
        Ok(())
    }
}

impl Place {
    fn new(chunk: usize, row: usize) -> Result<Self> {
        let number = |number: usize| {
            u32::try_from(number).map_err(|_| exec_datafusion_err!("too many rows to remember"))
        };
        Ok(Self {
            chunk: number(chunk)?,
            row: number(row)?,
        })
    }
}

impl Values {
    fn push(&mut self, chunk: ArrayRef) {
        // Strings of views would keep the buffers of the whole batch.
        let chunk: ArrayRef = match chunk.data_type() {
            DataType::Utf8View => Arc::new(chunk.as_string_view().gc()),
            DataType::BinaryView => Arc::new(chunk.as_binary_view().gc()),
            _ => chunk,
        };
        self.rows += chunk.len();
        self.bytes += chunk.get_array_memory_size();
        self.chunks.push(chunk);
    }

    fn clear(&mut self) {
        self.chunks = Vec::new();
        self.rows = 0;
        self.bytes = 0;
    }

    fn gather(&self, places: impl Iterator<Item = Place>) -> Result<ArrayRef> {
        if self.chunks.is_empty() {
            return Ok(new_empty_array(&self.data_type));
        }
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        let places: Vec<(usize, usize)> = places
            .map(|place| (place.chunk as usize, place.row as usize))
            .collect();
        Ok(interleave(&chunks, &places)?)
    }
}

impl Taken {
    fn of(groups: &[BinaryHeap<Entry>], values: &Values, with_keys: bool) -> Result<Self> {
        let mut places = Vec::new();
        let mut keys = Vec::new();
        let mut lengths = Vec::with_capacity(groups.len());
        for group in groups {
            let mut entries: Vec<&Entry> = group.iter().collect();
            entries.sort_unstable();
            places.extend(entries.iter().map(|entry| entry.place));
            if with_keys {
                keys.extend(entries.iter().map(|entry| entry.key.clone()));
            }
            lengths.push(group.len());
        }
        Ok(Self {
            values: values.gather(places.into_iter())?,
            keys,
            lengths,
        })
    }
}

fn buffer_bytes(group: &BinaryHeap<Entry>) -> usize {
    group.capacity() * size_of::<Entry>()
}

/// Allocators give out memory in pieces of 16 bytes.
fn key_bytes(key: &[u8]) -> usize {
    key.len().next_multiple_of(16)
}
