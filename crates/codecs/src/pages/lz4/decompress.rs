//! The fast decoder.
//!
//! As long as 32 bytes of the block and 64 of the output are left, a sequence of short lengths needs no questions about
//! room: literals are one copy of 16 bytes of which `n` count, and so is a match, followed by two bytes more. A match that
//! starts less than 16 bytes back repeats a pattern; the pattern is spread over a vector once, which is then stored as
//! often as needed, a multiple of the distance apart. Close to the ends, and for long lengths, room is asked for first.
#![expect(
    unsafe_code,
    reason = "copies of whole vectors over the end of what counts, inside of what is there"
)]

use super::MATCH_BYTES_MIN;
use crate::pages::Backend;

/// Bytes of a wide copy.
const WIDE: usize = 16;
/// Bytes of the block with which a sequence of short lengths needs no questions: a token, up to 14 literals copied as 16,
/// a distance. After long literals, copied in steps of 32, there is room for a distance.
const FAST_INPUT: usize = 2 * WIDE + 2;
/// Bytes of the output with which it needs none: up to 14 literals, then a match of up to 18 whose copy ends within 32 of
/// its start.
const FAST_OUTPUT: usize = 14 + 2 * WIDE;

/// Decodes `block` into all of `out`; `false` where the block is bad in any way, and `out` then holds anything.
pub(super) fn decode(backend: Backend, block: &[u8], out: &mut [u8]) -> bool {
    match backend {
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2 | Backend::Avx512 if backend.is_available() => {
            // SAFETY: the instructions were found on this machine just now.
            unsafe { decode_avx2(block, out) }
        }
        #[cfg(target_arch = "aarch64")]
        Backend::Neon if backend.is_available() => decode_with::<Neon>(block, out),
        _ => decode_with::<Portable>(block, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode_avx2(block: &[u8], out: &mut [u8]) -> bool {
    decode_with::<Shuffle>(block, out)
}

/// A pattern of `distance` bytes, 1 to 15, spread over 16.
trait Spread {
    /// # Safety
    /// `from` has 16 readable bytes, of which only the first `distance` need a value; `distance` is from 1 to 15.
    unsafe fn spread(from: *const u8, distance: usize) -> [u8; WIDE];
}

/// The last distance multiple that fits a vector: the pattern repeats from there.
const STEPS: [u8; WIDE] = [
    16, 16, 16, 15, 16, 15, 12, 14, 16, 9, 10, 11, 12, 13, 14, 15,
];

/// Places of the pattern for every distance.
const PATTERNS: [[u8; WIDE]; WIDE] = {
    let mut patterns = [[0; WIDE]; WIDE];
    let mut distance = 1;
    while distance < WIDE {
        let mut place = 0;
        while place < WIDE {
            patterns[distance][place] = (place % distance) as u8;
            place += 1;
        }
        distance += 1;
    }
    patterns
};

struct Portable;

impl Spread for Portable {
    #[inline(always)]
    unsafe fn spread(from: *const u8, distance: usize) -> [u8; WIDE] {
        // SAFETY: the caller vouches for 16 bytes.
        let bytes = unsafe { from.cast::<[u8; WIDE]>().read_unaligned() };
        PATTERNS[distance % WIDE].map(|place| bytes[usize::from(place) % WIDE])
    }
}

#[cfg(target_arch = "x86_64")]
struct Shuffle;

#[cfg(target_arch = "x86_64")]
impl Spread for Shuffle {
    #[inline(always)]
    unsafe fn spread(from: *const u8, distance: usize) -> [u8; WIDE] {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128};
        let mut spread = [0; WIDE];
        // SAFETY: the caller vouches for 16 bytes; the table and `spread` have 16; only `decode_avx2`, which has SSSE3
        // with AVX2, uses this.
        unsafe {
            let bytes = _mm_loadu_si128(from.cast::<__m128i>());
            let places = _mm_loadu_si128(PATTERNS[distance % WIDE].as_ptr().cast::<__m128i>());
            _mm_storeu_si128(spread.as_mut_ptr().cast(), _mm_shuffle_epi8(bytes, places));
        }
        spread
    }
}

#[cfg(target_arch = "aarch64")]
struct Neon;

#[cfg(target_arch = "aarch64")]
impl Spread for Neon {
    #[inline(always)]
    unsafe fn spread(from: *const u8, distance: usize) -> [u8; WIDE] {
        use std::arch::aarch64::{vld1q_u8, vqtbl1q_u8, vst1q_u8};
        let mut spread = [0; WIDE];
        // SAFETY: the caller vouches for 16 bytes; the table and `spread` have 16. NEON is part of the architecture's
        // baseline for Rust's targets.
        unsafe {
            let places = vld1q_u8(PATTERNS[distance % WIDE].as_ptr());
            vst1q_u8(spread.as_mut_ptr(), vqtbl1q_u8(vld1q_u8(from), places));
        }
        spread
    }
}

/// # Safety
/// 16 bytes can be read from `from` and written to `to`.
#[inline(always)]
unsafe fn copy_wide(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise. The bytes are read before any is written, so the two may overlap.
    unsafe {
        let bytes = from.cast::<[u8; WIDE]>().read_unaligned();
        to.cast::<[u8; WIDE]>().write_unaligned(bytes);
    }
}

/// # Safety
/// Eight bytes can be read from `from` and written to `to`.
#[inline(always)]
unsafe fn copy_half(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = from.cast::<u64>().read_unaligned();
        to.cast::<u64>().write_unaligned(bytes);
    }
}

#[inline(always)]
fn decode_with<S: Spread>(block: &[u8], out: &mut [u8]) -> bool {
    // Places rather than pointers: a place can be beyond the end and compared, without being undefined.
    // Invariants between sequences: `at <= block.len()`, `made <= out.len()`, `out[..made]` is written.
    let mut at = 0_usize;
    let mut made = 0_usize;
    loop {
        let Some((next, end)) = fast_sequences::<S>(block, out, at, made) else {
            return false;
        };
        (at, made) = (next, end);
        match careful_sequence::<S>(block, out, &mut at, &mut made) {
            None => return false,
            Some(Sequence::Last) => return made == out.len(),
            Some(Sequence::Inner) => {}
        }
    }
}

/// Decodes sequences for as long as there is room to copy more than counts; returns the place of the first sequence that
/// is left and of its output, or `None` for a bad one.
#[inline(always)]
fn fast_sequences<S: Spread>(
    block: &[u8],
    out: &mut [u8],
    mut at: usize,
    mut made: usize,
) -> Option<(usize, usize)> {
    let (Some(input_end), Some(output_end)) = (
        block.len().checked_sub(FAST_INPUT),
        out.len().checked_sub(FAST_OUTPUT),
    ) else {
        return Some((at, made));
    };
    let input = block.as_ptr();
    let output = out.as_mut_ptr();
    while at <= input_end && made <= output_end {
        let start = (at, made);
        // SAFETY: `at <= block.len() - FAST_INPUT` and `made <= out.len() - FAST_OUTPUT` bound the token, the 16 bytes read
        // and written for up to 14 literals, the distance after them and the 32 bytes written for a match of up to 18.
        // Long literals and long matches establish the same again before they copy. A match is read from
        // `made - distance`, and `distance` is from 1 to `made`; it reads at most 16 bytes beyond where it may write 32.
        unsafe {
            let token = usize::from(*input.add(at));
            at += 1;
            let mut literals = token >> 4;
            if literals == 15 {
                literals += more(block, &mut at)?;
                if at + literals > input_end || made + literals > output_end {
                    return Some(start);
                }
                copy_far(input.add(at), output.add(made), literals);
            } else {
                copy_wide(input.add(at), output.add(made));
            }
            at += literals;
            made += literals;
            let distance = usize::from(u16::from_le(input.add(at).cast::<u16>().read_unaligned()));
            at += 2;
            if distance > made {
                return None;
            }
            let to = output.add(made);
            let from = to.sub(distance);
            let mut length = token & 15;
            if length == 15 {
                length += MATCH_BYTES_MIN + more(block, &mut at)?;
                if distance == 0 {
                    return None;
                }
                if made + length > output_end {
                    return Some(start);
                }
                copy_match::<S>(from, to, distance, length);
                made += length;
            } else {
                if distance >= WIDE / 2 {
                    copy_half(from, to);
                    copy_half(from.add(8), to.add(8));
                    // After the first copy: it may have made these bytes.
                    let rest = from.add(WIDE).cast::<u16>().read_unaligned();
                    to.add(WIDE).cast::<u16>().write_unaligned(rest);
                } else {
                    if distance == 0 {
                        return None;
                    }
                    let spread = S::spread(from, distance);
                    to.cast::<[u8; WIDE]>().write_unaligned(spread);
                    to.add(usize::from(STEPS[distance % WIDE]))
                        .cast::<[u8; WIDE]>()
                        .write_unaligned(spread);
                }
                made += length + MATCH_BYTES_MIN;
            }
        }
    }
    Some((at, made))
}

/// Which sequence was decoded: the last one has no match.
enum Sequence {
    Inner,
    Last,
}

/// Decodes one sequence, and writes nothing but what counts.
#[inline(always)]
fn careful_sequence<S: Spread>(
    block: &[u8],
    out: &mut [u8],
    at: &mut usize,
    made: &mut usize,
) -> Option<Sequence> {
    let token = usize::from(*block.get(*at)?);
    *at += 1;
    let mut literals = token >> 4;
    if literals == 15 {
        literals += more(block, at)?;
    }
    let source = block.get(*at..)?.get(..literals)?;
    let target = out.get_mut(*made..)?.get_mut(..literals)?;
    // SAFETY: both slices have that many bytes, and one of them is exclusive.
    unsafe { copy_exact(source.as_ptr(), target.as_mut_ptr(), 2 * WIDE, literals) };
    *at += literals;
    *made += literals;
    let Some(distance) = block.get(*at..)?.first_chunk::<2>() else {
        return (*at == block.len()).then_some(Sequence::Last);
    };
    let distance = usize::from(u16::from_le_bytes(*distance));
    *at += 2;
    let mut length = token & 15;
    if length == 15 {
        length += more(block, at)?;
    }
    length += MATCH_BYTES_MIN;
    if distance == 0 || distance > *made || length > out.len() - *made {
        return None;
    }
    // SAFETY: `distance` bytes before `made` are there, `length` bytes after it are, and the wide copies of all but the last
    // 32 stay inside of those.
    unsafe {
        let to = out.as_mut_ptr().add(*made);
        let from = to.sub(distance);
        let wide = length.saturating_sub(2 * WIDE);
        copy_match::<S>(from, to, distance, wide);
        copy_exact(from.add(wide), to.add(wide), distance, length - wide);
    }
    *made += length;
    Some(Sequence::Inner)
}

/// # Safety
/// `from` and `to` have `count` bytes; where they overlap, `from` is `distance` before `to`, and the bytes between are
/// written.
#[inline(always)]
unsafe fn copy_exact(from: *const u8, to: *mut u8, distance: usize, count: usize) {
    // SAFETY: words end at `count` at the latest, and with words of eight bytes the distance is not less than that.
    unsafe {
        let mut done = 0;
        if distance >= WIDE / 2 {
            while done + WIDE / 2 <= count {
                copy_half(from.add(done), to.add(done));
                done += WIDE / 2;
            }
        }
        while done < count {
            *to.add(done) = *from.add(done);
            done += 1;
        }
    }
}

/// The bytes that are added to a length of 15; `None` where the block ends before the last of them.
#[inline(always)]
fn more(block: &[u8], at: &mut usize) -> Option<usize> {
    let mut length = 0;
    loop {
        let more = *block.get(*at)?;
        *at += 1;
        length += usize::from(more);
        if more != 255 {
            return Some(length);
        }
    }
}

/// # Safety
/// `from` has `count` bytes and 32 more, and so has `to`; they do not overlap.
#[inline(always)]
unsafe fn copy_far(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: copies that start before `count` end before `count + 32`.
    unsafe {
        let mut done = 0;
        while done < count {
            copy_wide(from.add(done), to.add(done));
            copy_wide(from.add(done + WIDE), to.add(done + WIDE));
            done += 2 * WIDE;
        }
    }
}

/// # Safety
/// `from` is `distance` before `to`, all of those bytes are written, and `to` has `count` bytes and 32 more that can be;
/// `distance` is not 0.
#[inline(always)]
unsafe fn copy_match<S: Spread>(from: *const u8, to: *mut u8, distance: usize, count: usize) {
    // SAFETY: vectors that start before `count` end before `count + 32`; those read are `distance` before them.
    unsafe {
        let mut done = 0;
        if distance >= 2 * WIDE {
            copy_far(from, to, count);
        } else if distance >= WIDE {
            while done < count {
                copy_wide(from.add(done), to.add(done));
                done += WIDE;
            }
        } else {
            let spread = S::spread(from, distance);
            let step = usize::from(STEPS[distance % WIDE]);
            while done < count {
                to.add(done).cast::<[u8; WIDE]>().write_unaligned(spread);
                done += step;
            }
        }
    }
}
