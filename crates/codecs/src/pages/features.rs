//! What can be seen of a page before it is compressed.

use super::same_fill;

/// Places of the second half that are looked up among those of the first.
const LOOKUPS: usize = 256;
const SEEN_BITS: u32 = 10;

/// What the adaptive choice looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Bytes of the page.
    pub bytes: usize,
    /// Whether the page repeats one word of eight bytes.
    pub is_same_fill: bool,
    /// Shannon entropy of the bytes, 0 to 8 bits a byte.
    pub entropy_bits: f64,
    /// How many of the 256 byte values occur.
    pub distinct_bytes: usize,
    /// The share of places looked up in the second half whose four bytes were found in the first, 0 to 1.
    pub matches: f64,
}

impl Features {
    /// Looks at a page.
    pub fn of(page: &[u8]) -> Self {
        let is_same_fill = same_fill::word_of(page).is_some();
        let counts = if is_same_fill {
            // Nothing more is asked of such a page than what its first words tell.
            histogram(page.get(..256.min(page.len())).unwrap_or_default())
        } else {
            histogram(page)
        };
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
    entropy(&histogram(bytes))
}

/// Counts of byte values. Four tables, so that equal neighbours do not wait for each other's addition.
fn histogram(bytes: &[u8]) -> [u64; 256] {
    let mut counts = [0_u64; 256];
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
    counts
}

fn entropy(counts: &[u64; 256]) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let count = *count as f64;
            count * (total / count).log2()
        })
        .sum();
    if total == 0.0 { 0.0 } else { bits / total }
}

fn four(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*page.get(at..)?.first_chunk()?))
}

fn matches(page: &[u8]) -> f64 {
    let half = page.len() / 2;
    let slot = |four: u32| (four.wrapping_mul(0x9e37_79b1) >> (32 - SEEN_BITS)) as usize;
    let mut seen = [None; 1 << SEEN_BITS];
    for at in 0..half {
        if let Some(four) = four(page, at) {
            seen[slot(four)] = Some(four);
        }
    }
    let (mut asked, mut found) = (0_u32, 0_u32);
    for at in (half..page.len()).step_by((half / LOOKUPS).max(1)) {
        if let Some(four) = four(page, at) {
            asked += 1;
            found += u32::from(seen[slot(four)] == Some(four));
        }
    }
    f64::from(found) / f64::from(asked.max(1))
}
