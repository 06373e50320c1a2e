//! The fast compressor: one table of where four bytes were last seen.
//!
//! ```text
//! at each place: look up the four bytes; if they are where the table says, extend the match both ways and write a
//! sequence; if not, go on, faster the longer nothing was found
//! ```
//!
//! A page's places fit 16 bits, so its table is 16 KiB, stays in the first-level cache and is cleared in no time. A slot
//! that is empty says place 0, where the four bytes are compared like everywhere: there is one question a place.
#![expect(
    unsafe_code,
    reason = "words read and vectors written without asking for room twice"
)]

use super::{DISTANCE_MAX, LAST_LITERALS, LAST_MATCH_START, MATCH_BYTES_MIN, SLACK_BYTES};

/// Entries of the table for inputs whose places fit 16 bits, as a power of two.
const NEAR_BITS: u32 = 13;
/// The same for longer inputs.
const FAR_BITS: u32 = 14;
/// The longest input whose places fit 16 bits; no match in it starts too far back.
const NEAR_BYTES_MAX: usize = 1 << 16;
/// After `1 << PATIENCE` places without a match, every second place is looked at, and so on. LZ4's own number.
const PATIENCE: u32 = 6;

/// Where four bytes were last seen, by a hash of them.
#[derive(Debug)]
pub(in crate::pages) struct Table {
    near: Box<[u16; 1 << NEAR_BITS]>,
    far: Vec<u32>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            near: Box::new([0; 1 << NEAR_BITS]),
            far: Vec::new(),
        }
    }
}

/// Places in a table of some width.
trait Places {
    const BITS: u32;
    /// Whether a place can be farther back than a match may start.
    const IS_FAR: bool;
    /// The place that was last put at the hash, and `place` in its stead.
    fn swap(&mut self, hash: usize, place: usize) -> usize;
}

struct Near<'a>(&'a mut [u16; 1 << NEAR_BITS]);

impl Places for Near<'_> {
    const BITS: u32 = NEAR_BITS;
    const IS_FAR: bool = false;
    #[inline(always)]
    fn swap(&mut self, hash: usize, place: usize) -> usize {
        let slot = &mut self.0[hash % (1 << NEAR_BITS)];
        usize::from(std::mem::replace(slot, place as u16))
    }
}

struct Far<'a>(&'a mut [u32; 1 << FAR_BITS]);

impl Places for Far<'_> {
    const BITS: u32 = FAR_BITS;
    const IS_FAR: bool = true;
    #[inline(always)]
    fn swap(&mut self, hash: usize, place: usize) -> usize {
        let slot = &mut self.0[hash % (1 << FAR_BITS)];
        std::mem::replace(slot, place as u32) as usize
    }
}

pub(super) fn compress(table: &mut Table, input: &[u8], out: &mut [u8]) -> Option<usize> {
    if input.len() <= NEAR_BYTES_MAX {
        table.near.fill(0);
        return sequences(Near(&mut table.near), input, out);
    }
    // Places are 32 bits; a longer input is no block that anybody reads.
    if input.len() >= u32::MAX as usize {
        return None;
    }
    table.far.clear();
    table.far.resize(1 << FAR_BITS, 0);
    let far = table.far.as_mut_slice().try_into().ok()?;
    sequences(Far(far), input, out)
}

/// # Safety
/// `at + 4 <= bytes.len()`.
#[inline(always)]
unsafe fn four(bytes: &[u8], at: usize) -> u32 {
    debug_assert!(at + 4 <= bytes.len());
    // SAFETY: the caller's promise.
    unsafe { bytes.as_ptr().add(at).cast::<u32>().read_unaligned() }
}

/// # Safety
/// `at + 8 <= bytes.len()`.
#[inline(always)]
unsafe fn eight(bytes: &[u8], at: usize) -> u64 {
    debug_assert!(at + 8 <= bytes.len());
    // SAFETY: the caller's promise.
    unsafe { u64::from_le(bytes.as_ptr().add(at).cast::<u64>().read_unaligned()) }
}

#[inline(always)]
fn hash<P: Places>(four: u32) -> usize {
    (four.wrapping_mul(0x9e37_79b1) >> (32 - P::BITS)) as usize
}

/// How many bytes from `a` on equal those from `b` on, `b` being the later one, up to `end`.
#[inline(always)]
pub(super) fn alike(input: &[u8], mut a: usize, mut b: usize, end: usize) -> usize {
    let end = end.min(input.len());
    if a >= b {
        return 0;
    }
    let start = b;
    while b + 8 <= end {
        // SAFETY: `b + 8 <= end <= input.len()`, and `a < b`: both move by the same steps.
        let different = unsafe { eight(input, a) ^ eight(input, b) };
        if different != 0 {
            return b - start + (different.trailing_zeros() / 8) as usize;
        }
        a += 8;
        b += 8;
    }
    while b < end && input[a] == input[b] {
        a += 1;
        b += 1;
    }
    b - start
}

#[inline(always)]
fn sequences<P: Places>(mut places: P, input: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer { out, made: 0 };
    let mut anchor = 0;
    if input.len() > LAST_MATCH_START {
        let match_start_end = input.len() - LAST_MATCH_START;
        let match_end = input.len() - LAST_LITERALS;
        let mut at = 1;
        let mut patience = 1_usize << PATIENCE;
        while at <= match_start_end {
            // SAFETY: `at` is at most `match_start_end`, twelve bytes before the end.
            let wanted = unsafe { four(input, at) };
            let mut from = places.swap(hash::<P>(wanted), at);
            // SAFETY: places in the table are those before `at`, which is twelve bytes before the end or more.
            let differs = unsafe { four(input, from) } != wanted;
            if differs | (P::IS_FAR && at - from > DISTANCE_MAX) {
                at += patience >> PATIENCE;
                patience += 1;
                continue;
            }
            patience = 1 << PATIENCE;
            let mut start = at;
            while start > anchor && from > 0 && input[start - 1] == input[from - 1] {
                start -= 1;
                from -= 1;
            }
            let known = at - start + MATCH_BYTES_MIN;
            let length = known + alike(input, from + known, start + known, match_end);
            writer.sequence(input, anchor, start, start - from, length)?;
            at = start + length;
            anchor = at;
            if at <= match_start_end {
                // Places inside the match, of which two are worth having.
                // SAFETY: `at - 2` is before `at`, which is twelve bytes before the end or more.
                places.swap(hash::<P>(unsafe { four(input, at - 2) }), at - 2);
            }
        }
    }
    writer.last_literals(input.get(anchor..)?)?;
    Some(writer.made)
}

/// Puts sequences together.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut [u8],
    pub(super) made: usize,
}

impl Writer<'_> {
    /// The literals `input[anchor..start]` and a match; `None` where they do not fit with room to spare.
    #[inline(always)]
    pub(super) fn sequence(
        &mut self,
        input: &[u8],
        anchor: usize,
        start: usize,
        distance: usize,
        length: usize,
    ) -> Option<()> {
        let literals = start - anchor;
        let beyond = length - MATCH_BYTES_MIN;
        let bytes = 1 + literals / 255 + 1 + literals + 2 + beyond / 255 + 1;
        if self.out.len() - self.made < bytes + SLACK_BYTES {
            return None;
        }
        let token = self.made;
        self.made += 1;
        if literals < 15 && input.len() - anchor >= 16 {
            // SAFETY: 16 bytes can be read from `anchor`, and the comparison above left `SLACK_BYTES` beyond the sequence.
            unsafe {
                let sixteen = input
                    .as_ptr()
                    .add(anchor)
                    .cast::<[u8; 16]>()
                    .read_unaligned();
                self.out
                    .as_mut_ptr()
                    .add(self.made)
                    .cast::<[u8; 16]>()
                    .write_unaligned(sixteen);
            }
            self.made += literals;
        } else {
            if literals >= 15 {
                self.more(literals - 15);
            }
            self.copy(&input[anchor..start]);
        }
        let distance = (distance as u16).to_le_bytes();
        self.out[self.made] = distance[0];
        self.out[self.made + 1] = distance[1];
        self.made += 2;
        if beyond >= 15 {
            self.more(beyond - 15);
        }
        self.out[token] = ((literals.min(15) << 4) | beyond.min(15)) as u8;
        Some(())
    }

    pub(super) fn last_literals(&mut self, literals: &[u8]) -> Option<()> {
        let bytes = 1 + literals.len() / 255 + 1 + literals.len();
        if self.out.len() - self.made < bytes {
            return None;
        }
        self.out[self.made] = (literals.len().min(15) << 4) as u8;
        self.made += 1;
        if literals.len() >= 15 {
            self.more(literals.len() - 15);
        }
        self.copy(literals);
        Some(())
    }

    fn more(&mut self, mut length: usize) {
        while length >= 255 {
            self.out[self.made] = 255;
            self.made += 1;
            length -= 255;
        }
        self.out[self.made] = length as u8;
        self.made += 1;
    }

    fn copy(&mut self, literals: &[u8]) {
        let end = self.made + literals.len();
        self.out[self.made..end].copy_from_slice(literals);
        self.made = end;
    }
}
