//! Planes to values, a block at a time.
//!
//! Each plane of a block is unpacked to plain bytes in a small buffer that stays in the first-level cache; the four buffers
//! are then woven into values. Codes of 8 bits, the common case of the low planes, skip the bit work, and a full dictionary
//! (which can only be the identity) is a copy. Whether a code is outside its dictionary is asked once a block, of the
//! largest code; only then is the culprit searched.

use super::header::{Plane, Planes};
use crate::Error;

/// Values of a block. A multiple of 8, so that every block of every plane starts at a byte; four buffers of this size and
/// the values fit the first-level cache.
const BLOCK: usize = 1024;

pub(super) fn decode(planes: &Planes<'_>, first: usize, out: &mut [f32]) -> Result<(), Error> {
    let tables = [0, 1, 2, 3].map(|plane: usize| Table::new(planes.planes[plane].dictionary));
    let mut buffers = [[0_u8; BLOCK]; 4];
    // Codes are reached in groups of eight; the values of the first group that come before `first` are decoded and dropped.
    let mut lead = first % 8;
    let mut block_first = first - lead;
    let mut rest = out;
    while !rest.is_empty() {
        let count = rest.len().min(BLOCK - lead);
        let (target, later) = rest.split_at_mut(count);
        for ((plane, table), (number, buffer)) in planes
            .planes
            .iter()
            .zip(&tables)
            .zip(buffers.iter_mut().enumerate())
        {
            let buffer = buffer.get_mut(..lead + count).unwrap_or_default();
            let largest = unpack(plane, table, block_first, buffer);
            if usize::from(largest) >= plane.dictionary.len() {
                find_bad_code(plane, number, block_first, lead, count)?;
            }
        }
        weave(&buffers, lead, target);
        rest = later;
        block_first += lead + count;
        lead = 0;
    }
    Ok(())
}

/// A dictionary that any byte can be looked up in.
struct Table {
    bytes: [u8; 256],
    /// Every code stands for itself.
    identity: bool,
}

impl Table {
    fn new(dictionary: &[u8]) -> Self {
        let mut bytes = [0; 256];
        for (slot, byte) in bytes.iter_mut().zip(dictionary) {
            *slot = *byte;
        }
        let identity = dictionary.len() == 256
            && bytes
                .iter()
                .enumerate()
                .all(|(code, byte)| code == usize::from(*byte));
        Self { bytes, identity }
    }
}

/// Fills `buffer` with the plane's bytes of values `first..`, `first` being a multiple of 8. Returns the largest code met,
/// which counts codes before the wanted range as well.
fn unpack(plane: &Plane<'_>, table: &Table, first: usize, buffer: &mut [u8]) -> u8 {
    let bits = plane.bits as usize;
    let codes = plane.codes.get(first / 8 * bits..).unwrap_or_default();
    match bits {
        1 => groups::<1>(codes, table, buffer),
        2 => groups::<2>(codes, table, buffer),
        3 => groups::<3>(codes, table, buffer),
        4 => groups::<4>(codes, table, buffer),
        5 => groups::<5>(codes, table, buffer),
        6 => groups::<6>(codes, table, buffer),
        7 => groups::<7>(codes, table, buffer),
        _ if table.identity => {
            for (byte, code) in buffer.iter_mut().zip(codes) {
                *byte = *code;
            }
            u8::MAX
        }
        _ => {
            let mut largest = 0;
            for (byte, code) in buffer.iter_mut().zip(codes) {
                *byte = table.bytes[usize::from(*code)];
                largest = largest.max(*code);
            }
            largest
        }
    }
}

/// Codes of `BITS` bits, eight of which fill `BITS` bytes.
fn groups<const BITS: usize>(codes: &[u8], table: &Table, buffer: &mut [u8]) -> u8 {
    let mut largest = 0;
    let (targets, tail) = buffer.as_chunks_mut::<8>();
    let (sources, _) = codes.as_chunks::<BITS>();
    for (target, source) in targets.iter_mut().zip(sources) {
        let mut word = [0_u8; 8];
        for (slot, byte) in word.iter_mut().zip(source) {
            *slot = *byte;
        }
        largest = largest.max(spread::<BITS>(u64::from_be_bytes(word), table, target));
    }
    if !tail.is_empty() {
        let mut word = [0_u8; 8];
        let left = codes.get(targets.len() * BITS..).unwrap_or_default();
        for (slot, byte) in word.iter_mut().zip(left) {
            *slot = *byte;
        }
        // Codes past the last value are padding: their bits must not count.
        let used = tail.len() * BITS;
        let word = u64::from_be_bytes(word) & !(u64::MAX >> used);
        let mut target = [0; 8];
        largest = largest.max(spread::<BITS>(word, table, &mut target));
        for (byte, value) in tail.iter_mut().zip(target) {
            *byte = value;
        }
    }
    largest
}

/// Looks up the eight codes at the top of `word`.
fn spread<const BITS: usize>(word: u64, table: &Table, target: &mut [u8; 8]) -> u8 {
    let mut largest = 0;
    for (index, byte) in target.iter_mut().enumerate() {
        let code = (word >> (64 - BITS * (index + 1))) as u8 & ((1_u16 << BITS) - 1) as u8;
        *byte = table.bytes[usize::from(code)];
        largest = largest.max(code);
    }
    largest
}

/// Puts the four bytes of each value together.
fn weave(buffers: &[[u8; BLOCK]; 4], lead: usize, target: &mut [f32]) {
    let plane = |index: usize| buffers[index].get(lead..).unwrap_or_default();
    let low = plane(0).iter().zip(plane(1));
    let high = plane(2).iter().zip(plane(3));
    for (value, ((b0, b1), (b2, b3))) in target.iter_mut().zip(low.zip(high)) {
        *value = f32::from_bits(u32::from_le_bytes([*b0, *b1, *b2, *b3]));
    }
}

/// The slow search, once the largest code of a block is known to be bad. Codes that only the leading values have are not
/// reported: nobody asked for those values.
fn find_bad_code(
    plane: &Plane<'_>,
    number: usize,
    block_first: usize,
    lead: usize,
    count: usize,
) -> Result<(), Error> {
    let bits = plane.bits as usize;
    for index in block_first + lead..block_first + lead + count {
        let start = index * bits;
        let pair = [0, 1].map(|next| plane.codes.get(start / 8 + next).copied().unwrap_or(0));
        let code = (u16::from_be_bytes(pair) >> (16 - start % 8 - bits)) & ((1 << bits) - 1);
        if usize::from(code) >= plane.dictionary.len() {
            return Err(Error::Code {
                plane: number,
                value: index as u64,
                offset: plane.offset + (start / 8) as u64,
                found: u64::from(code),
                expected: plane.dictionary.len() as u64,
            });
        }
    }
    Ok(())
}
