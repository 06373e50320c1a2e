//! What can be seen of a page before it is compressed.

use std::sync::LazyLock;

use super::same_fill;

/// Parts of a page of which a quarter each is counted.
const PARTS: usize = 4;
/// Places of the second half that are looked up among those of the second quarter.
const LOOKUPS: usize = 128;
/// Entries of the table of places, as a power of two.
const SEEN_BITS: u32 = 11;

/// What the adaptive choice looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Bytes of the page.
    pub bytes: usize,
    /// Whether the page repeats one word of eight bytes.
    pub is_same_fill: bool,
    /// Shannon entropy of a quarter of the bytes, 0 to 8 bits a byte.
    pub entropy_bits: f64,
    /// How many of the 256 byte values occur among those.
    pub distinct_bytes: usize,
    /// The share of places looked up in the second half whose four bytes were found in the second quarter, 0 to 1.
    pub matches: f64,
}

impl Features {
    /// Looks at a page.
    pub fn of(page: &[u8]) -> Self {
        let is_same_fill = same_fill::word_of(page).is_some();
        let mut counts = [0; 256];
        // The first quarter of each part: a sample that says as much as the whole, in a quarter of the time.
        let part = page.len().div_ceil(PARTS).max(1);
        for part in page.chunks(part) {
            count(
                part.get(..part.len().div_ceil(4)).unwrap_or(part),
                &mut counts,
            );
        }
        Self {
            bytes: page.len(),
            is_same_fill,
            entropy_bits: entropy(&counts),
            distinct_bytes: counts.iter().filter(|count| **count > 0).count(),
            matches: if is_same_fill { 1.0 } else { matches(page) },
        }
    }
}

/// Shannon entropy of bytes, 0 to 8 bits a byte; 0 for none.
pub fn entropy_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0; 256];
    count(bytes, &mut counts);
    entropy(&counts)
}

/// Adds counts of byte values. Four tables, so that equal neighbours do not wait for each other's addition.
fn count(bytes: &[u8], counts: &mut [u64; 256]) {
    // Counts of a stretch fit 32 bits.
    for stretch in bytes.chunks(1 << 30) {
        let mut tables = [[0_u32; 256]; 4];
        let (quads, tail) = stretch.as_chunks::<4>();
        for quad in quads {
            for (table, byte) in tables.iter_mut().zip(quad) {
                table[usize::from(*byte)] += 1;
            }
        }
        for byte in tail {
            tables[0][usize::from(*byte)] += 1;
        }
        for (value, count) in counts.iter_mut().enumerate() {
            *count += tables
                .iter()
                .map(|table| u64::from(table[value]))
                .sum::<u64>();
        }
    }
}

/// Counts up to this have their logarithm in a table: those of a page, whose entropy is asked for all the time.
const TABLE: usize = super::PAGE_SIZE + 1;

/// `count * log2(count)`.
fn weighted(count: u64) -> f64 {
    static WEIGHTED: LazyLock<Box<[f64; TABLE]>> = LazyLock::new(|| {
        let mut table = Box::new([0.0; TABLE]);
        for (count, slot) in table.iter_mut().enumerate().skip(1) {
            *slot = count as f64 * (count as f64).log2();
        }
        table
    });
    match WEIGHTED.get(count as usize) {
        Some(weighted) => *weighted,
        None => count as f64 * (count as f64).log2(),
    }
}

fn entropy(counts: &[u64; 256]) -> f64 {
    let total = counts.iter().sum::<u64>();
    if total == 0 {
        return 0.0;
    }
    let weights: f64 = counts.iter().map(|count| weighted(*count)).sum();
    // Rounding must not make a negative number of nothing.
    ((weighted(total) - weights) / total as f64).max(0.0)
}

fn four(window: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*window.first_chunk()?))
}

fn matches(page: &[u8]) -> f64 {
    let half = page.len() / 2;
    let slot = |four: u32| (four.wrapping_mul(0x9e37_79b1) >> (32 - SEEN_BITS)) as usize;
    // An empty slot says four zeros, which every slot but one never holds.
    let mut seen = [0_u32; 1 << SEEN_BITS];
    let (first, second) = page.split_at(half);
    for window in first.get(half / 2..).unwrap_or_default().windows(4) {
        if let Some(four) = four(window) {
            seen[slot(four)] = four;
        }
    }
    let (mut asked, mut found) = (0_u32, 0_u32);
    for window in second.windows(4).step_by((half / LOOKUPS).max(1)) {
        if let Some(four) = four(window) {
            asked += 1;
            found += u32::from(seen[slot(four)] == four);
        }
    }
    f64::from(found) / f64::from(asked.max(1))
}
