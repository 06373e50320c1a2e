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

use std::ptr;

use super::MATCH_BYTES_MIN;
use crate::pages::Backend;

/// Bytes of a wide copy.
const WIDE: usize = 16;
/// Bytes of the block with which a sequence of short lengths needs no questions: a token, up to 14 literals copied as 16,
/// a distance.
const FAST_INPUT: usize = 1 + WIDE + 2;
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

#[inline(always)]
fn decode_with<S: Spread>(block: &[u8], out: &mut [u8]) -> bool {
    let output_bytes = out.len();
    let input = block.as_ptr();
    let output = out.as_mut_ptr();
    // Places rather than pointers: a place can be beyond the end and compared, without being undefined.
    // Invariants at the head of the loop: `at <= block.len()`, `made <= output_bytes`, `out[..made]` is written.
    let mut at = 0_usize;
    let mut made = 0_usize;
    let fast_input_end = block.len().saturating_sub(FAST_INPUT);
    let fast_output_end = output_bytes.saturating_sub(FAST_OUTPUT);
    let has_fast = block.len() >= FAST_INPUT && output_bytes >= FAST_OUTPUT;

    // SAFETY: of the whole body: every access is preceded by one of two kinds of evidence. In the fast part,
    // `at <= block.len() - 19` and `made <= output_bytes - 46` bound the token, the 16 bytes read for up to 14 literals, the
    // distance, and the writes of up to 14 + 32 bytes. Elsewhere the comparison before the access names the same bytes. A
    // match is read from `made - distance`, and `distance` is checked to be from 1 to `made`.
    unsafe {
        loop {
            if at >= block.len() {
                return false;
            }
            let token = usize::from(*input.add(at));
            let mut literals = token >> 4;
            let distance;
            if has_fast && literals != 15 && at <= fast_input_end && made <= fast_output_end {
                copy_wide(input.add(at + 1), output.add(made));
                at += 1 + literals;
                made += literals;
                distance = usize::from(u16::from_le(input.add(at).cast::<u16>().read_unaligned()));
                at += 2;
                let length = token & 15;
                if length != 15 {
                    if distance >= WIDE {
                        if distance > made {
                            return false;
                        }
                        let from = output.add(made - distance);
                        copy_wide(from, output.add(made));
                        // After the first copy: it may have made these bytes.
                        let rest = from.add(WIDE).cast::<u16>().read_unaligned();
                        output.add(made + WIDE).cast::<u16>().write_unaligned(rest);
                    } else {
                        if distance == 0 || distance > made {
                            return false;
                        }
                        let spread = S::spread(output.add(made - distance), distance);
                        let to = output.add(made);
                        to.cast::<[u8; WIDE]>().write_unaligned(spread);
                        to.add(usize::from(STEPS[distance % WIDE]))
                            .cast::<[u8; WIDE]>()
                            .write_unaligned(spread);
                    }
                    made += length + MATCH_BYTES_MIN;
                    continue;
                }
            } else {
                at += 1;
                if literals == 15 {
                    let Some(more) = more(block, &mut at) else {
                        return false;
                    };
                    literals += more;
                }
                if literals > block.len() - at || literals > output_bytes - made {
                    return false;
                }
                copy_literals(
                    input.add(at),
                    block.len() - at,
                    output.add(made),
                    output_bytes - made,
                    literals,
                );
                at += literals;
                made += literals;
                if at == block.len() {
                    return made == output_bytes;
                }
                if block.len() - at < 2 {
                    return false;
                }
                distance = usize::from(u16::from_le(input.add(at).cast::<u16>().read_unaligned()));
                at += 2;
            }

            // A match of any length, with any room.
            let mut length = (token & 15) + MATCH_BYTES_MIN;
            if token & 15 == 15 {
                let Some(more) = more(block, &mut at) else {
                    return false;
                };
                length += more;
            }
            if distance == 0 || distance > made || length > output_bytes - made {
                return false;
            }
            copy_match::<S>(output.add(made), distance, length, output_bytes - made);
            made += length;
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
/// `from` has `readable` bytes and `to` has `writable`; `count` is at most each of them; the two do not overlap.
#[inline(always)]
unsafe fn copy_literals(
    from: *const u8,
    readable: usize,
    to: *mut u8,
    writable: usize,
    count: usize,
) {
    // SAFETY: with 31 bytes beyond `count` on both sides, copies of 32 that start before `count` stay inside; without, the
    // copy is of `count` bytes.
    unsafe {
        if readable - count >= 2 * WIDE && writable - count >= 2 * WIDE {
            let mut done = 0;
            while done < count {
                copy_wide(from.add(done), to.add(done));
                copy_wide(from.add(done + WIDE), to.add(done + WIDE));
                done += 2 * WIDE;
            }
        } else {
            ptr::copy_nonoverlapping(from, to, count);
        }
    }
}

/// # Safety
/// `distance` bytes before `to` are written, `writable` bytes from it can be, and `count` is at most `writable`; `distance`
/// is not 0.
#[inline(always)]
unsafe fn copy_match<S: Spread>(to: *mut u8, distance: usize, count: usize, writable: usize) {
    // SAFETY: with 32 bytes beyond `count`, vectors that start before `count` end inside `writable`; the 16 bytes from
    // `to - distance` are then inside as well. Without, each byte is copied alone, from `distance` before it.
    unsafe {
        let from = to.sub(distance);
        if writable - count < 2 * WIDE {
            for done in 0..count {
                *to.add(done) = *from.add(done);
            }
        } else if distance >= 2 * WIDE {
            let mut done = 0;
            while done < count {
                copy_wide(from.add(done), to.add(done));
                copy_wide(from.add(done + WIDE), to.add(done + WIDE));
                done += 2 * WIDE;
            }
        } else if distance >= WIDE {
            let mut done = 0;
            while done < count {
                copy_wide(from.add(done), to.add(done));
                done += WIDE;
            }
        } else {
            let spread = S::spread(from, distance);
            let step = usize::from(STEPS[distance % WIDE]);
            let mut done = 0;
            while done < count {
                to.add(done).cast::<[u8; WIDE]>().write_unaligned(spread);
                done += step;
            }
        }
    }
}
