//! The patient compressor: the longest match at every place, and of all ways through them one of the smallest.
//!
//! ```text
//! for each stretch of 64 KiB
//!     longest[i]: the longest match that starts at i, by a chain of the places with the same four bytes
//!     from the end backwards: cost[i] = the least of
//!         a literal:   1 + cost[i + 1], and 1 more where the run of literals gets another byte of length
//!         a match:     3 + its bytes of length + cost[i + l], for every l up to longest[i]
//!     forwards: write what was chosen
//! ```
//!
//! All distances cost the same two bytes, so the longest match of a place is as good as any shorter one: the parse is the
//! best there is, but for the bytes of length of literals in front of a match, which are known only up to the run so far.

use super::compress::{Writer, alike};
use super::{DISTANCE_MAX, LAST_LITERALS, LAST_MATCH_START, MATCH_BYTES_MIN};

/// Bytes that are parsed at once.
const STRETCH: usize = 1 << 16;
const HEAD_BITS: u32 = 13;
/// Places of a chain that are looked at, by level. Chains of a page are rarely longer.
const DEPTHS: [usize; super::LEVEL_MAX as usize] = [2, 4, 6, 8, 12, 16, 24, 32, 48, 96, 192, 512];
/// A match of this length is taken as it is: neither longer ones nor its shorter forms are looked for, and the places inside
/// it take the rest of it.
const LONG: usize = 64;

/// Chains of places, and the parse of a stretch.
#[derive(Debug)]
pub(in crate::pages) struct Chains {
    /// One more than the last place of a hash.
    head: Vec<u32>,
    /// By place modulo 64 Ki, one more than the place before it with the same hash.
    previous: Vec<u32>,
    /// Length and distance of the longest match.
    longest: Vec<(u16, u16)>,
    cost: Vec<u32>,
    /// Length of the match that is taken, 0 for a literal.
    taken: Vec<u16>,
}

impl Default for Chains {
    fn default() -> Self {
        Self {
            head: vec![0; 1 << HEAD_BITS],
            previous: Vec::new(),
            longest: Vec::new(),
            cost: Vec::new(),
            taken: Vec::new(),
        }
    }
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn hash(bytes: &[u8], at: usize) -> Option<usize> {
    Some((four(bytes, at)?.wrapping_mul(0x9e37_79b1) >> (32 - HEAD_BITS)) as usize)
}

pub(super) fn compress(
    chains: &mut Chains,
    level: i32,
    input: &[u8],
    out: &mut [u8],
) -> Option<usize> {
    if input.len() >= u32::MAX as usize {
        return None;
    }
    let level = level.clamp(1, super::LEVEL_MAX) as usize;
    let depth = DEPTHS.get(level - 1).copied().unwrap_or(1);
    chains.head.fill(0);
    let window = input.len().min(STRETCH);
    chains.previous.clear();
    chains.previous.resize(window.next_power_of_two(), 0);
    let mut writer = Writer { out, made: 0 };
    let mut anchor = 0;
    let mut start = 0;
    while start < input.len() {
        let end = (start + STRETCH).min(input.len());
        chains.find(input, start, end, depth);
        chains.parse(start, end, anchor);
        let mut at = start;
        while at < end {
            let taken = usize::from(*chains.taken.get(at - start)?);
            if taken == 0 {
                at += 1;
                continue;
            }
            let distance = usize::from(chains.longest.get(at - start)?.1);
            writer.sequence(input, anchor, at, distance, taken)?;
            at += taken;
            anchor = at;
        }
        start = end;
    }
    writer.last_literals(input.get(anchor..)?)?;
    Some(writer.made)
}

impl Chains {
    /// The longest match of each place of `start..end`.
    fn find(&mut self, input: &[u8], start: usize, end: usize, depth: usize) {
        self.longest.clear();
        self.longest.resize(end - start, (0, 0));
        let start_end = input.len().saturating_sub(LAST_MATCH_START - 1);
        let match_end = end.min(input.len().saturating_sub(LAST_LITERALS));
        let mask = self.previous.len() - 1;
        // What is left of a long match at the place before.
        let mut rest = (0_usize, 0_usize);
        for at in start..end.min(start_end) {
            let Some(hash) = hash(input, at) else { break };
            let Some(head) = self.head.get_mut(hash) else {
                break;
            };
            let mut candidate = *head as usize;
            *head = at as u32 + 1;
            if let Some(previous) = self.previous.get_mut(at & mask) {
                *previous = candidate as u32;
            }
            let (mut best, mut distance) = rest;
            if best < LONG {
                for _ in 0..depth {
                    let Some(from) = candidate.checked_sub(1) else {
                        break;
                    };
                    if at - from > DISTANCE_MAX.min(mask) {
                        break;
                    }
                    // The bytes that would make this match longer than the best one.
                    let last = best.max(3) - 3;
                    if four(input, from + last) == four(input, at + last) {
                        let length = alike(input, from, at, match_end);
                        if length > best && length >= MATCH_BYTES_MIN {
                            (best, distance) = (length, at - from);
                            if best >= LONG || at + best >= match_end {
                                break;
                            }
                        }
                    }
                    let before = self.previous.get(from & mask).map_or(0, |p| *p as usize);
                    // Chains lead backwards; a slot that was used again does not.
                    candidate = if before <= from { before } else { 0 };
                }
            }
            best = best.min(usize::from(u16::MAX));
            if best >= MATCH_BYTES_MIN
                && let Some(slot) = self.longest.get_mut(at - start)
            {
                *slot = (best as u16, distance as u16);
            }
            rest = (best.saturating_sub(1), distance);
            if rest.0 < MATCH_BYTES_MIN {
                rest = (0, 0);
            }
        }
    }

    /// Chooses a way through `start..end`; `start - anchor` literals are waiting.
    fn parse(&mut self, start: usize, end: usize, anchor: usize) {
        let count = end - start;
        self.cost.clear();
        self.cost.resize(count + 1, 0);
        self.taken.clear();
        self.taken.resize(count, 0);
        // Literals from the place on, up to the next match or the end.
        let mut run = 0_usize;
        for place in (0..count).rev() {
            let waiting = if place == 0 { start - anchor } else { 0 };
            let literals = run + 1 + waiting;
            let longer = literals >= 15 && (literals - 15).is_multiple_of(255);
            let cost_at = |place: usize| self.cost.get(place).copied().unwrap_or(u32::MAX / 2);
            let mut least = cost_at(place + 1) + 1 + u32::from(longer);
            let mut taken = 0;
            let longest = usize::from(self.longest.get(place).map_or(0, |longest| longest.0));
            if longest >= MATCH_BYTES_MIN {
                let shortest = if longest >= LONG {
                    longest
                } else {
                    MATCH_BYTES_MIN
                };
                for length in (shortest..=longest).rev() {
                    let bytes = if length < 19 {
                        3
                    } else {
                        4 + (length - 19) as u32 / 255
                    };
                    let cost = cost_at(place + length) + bytes;
                    // Of equals the longer match, and a match before a literal: fewer sequences are read faster.
                    if cost < least || (cost == least && taken == 0) {
                        (least, taken) = (cost, length);
                    }
                }
            }
            run = if taken == 0 { run + 1 } else { 0 };
            if let Some(slot) = self.cost.get_mut(place) {
                *slot = least;
            }
            if let Some(slot) = self.taken.get_mut(place) {
                *slot = taken as u16;
            }
        }
    }
}
