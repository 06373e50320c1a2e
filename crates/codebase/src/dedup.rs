//! Files that are the same, or nearly.
//!
//! Nearly the same is measured by MinHash. A text is the set of its runs of [`RUN_WORDS`] words. Of each of
//! [`HASHES`] hash functions, the least hash over a set is kept; two sets have the same least hash with the probability of
//! their likeness (what is in both, over what is in either). Hashes are cut into bands: texts that agree in a whole band
//! are compared, so that not every pair has to be.

use std::collections::HashMap;

use crate::facts::ContentHash;

/// How many hash functions: the error of the likeness is about 1 / sqrt(128) = 0.09 where it is a half, and less near 1.
const HASHES: usize = 128;
/// Bands of four: likeness of 0.5 is found with probability 0.87, of 0.7 with 0.9999.
const BAND_HASHES: usize = 4;
/// Words in a run.
const RUN_WORDS: usize = 5;

/// What a text is known by among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch([u32; HASHES]);

impl Sketch {
    /// The sketch of a text; none if it has too few words to be told from others.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        const WORDS_MIN: usize = 20;
        let words: Vec<u64> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(|word| word_hash(word.as_bytes()))
            .collect();
        if words.len() < WORDS_MIN {
            return None;
        }
        let mut least = [u32::MAX; HASHES];
        for run in words.windows(RUN_WORDS) {
            let mut hash = 0u64;
            for word in run {
                hash = mixed(hash ^ word);
            }
            // Two hashes make all: a + i * b.
            let (a, b) = (hash, mixed(hash) | 1);
            for (slot, i) in least.iter_mut().zip(0u64..) {
                let value = mixed_short(a.wrapping_add(i.wrapping_mul(b)));
                *slot = (*slot).min(value);
            }
        }
        Some(Self(least))
    }

    /// How alike two texts are, from 0 to 1.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> f64 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        same as f64 / HASHES as f64
    }
}

/// FNV-1a, for words are short.
fn word_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finaliser of SplitMix64: every bit of the input changes about half of the output.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn mixed_short(value: u64) -> u32 {
    let value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (value >> 32) as u32
}

/// A file that another stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// The file that is left out.
    pub path: String,
    /// The file that stands for it.
    pub of: String,
    /// How alike they are; 1 is the same content.
    pub likeness: f64,
}

/// Finds files that are the same, and those at least `threshold` alike.
#[derive(Debug)]
pub struct Dedup {
    threshold: Option<f64>,
    by_hash: HashMap<ContentHash, String>,
    kept: Vec<(String, Sketch)>,
    bands: HashMap<(usize, [u32; BAND_HASHES]), Vec<usize>>,
    duplicates: Vec<Duplicate>,
}

impl Dedup {
    /// Files at least `threshold` alike are duplicates; without one only those that are the same.
    #[must_use]
    pub fn new(threshold: Option<f64>) -> Self {
        Self {
            threshold,
            by_hash: HashMap::new(),
            kept: Vec::new(),
            bands: HashMap::new(),
            duplicates: Vec::new(),
        }
    }

    /// Looks at the next file. True if an earlier one stands for it. The sketch is asked for only where it is needed.
    pub fn add(
        &mut self,
        path: &str,
        hash: ContentHash,
        sketch: impl FnOnce() -> Option<Sketch>,
    ) -> bool {
        if let Some(of) = self.by_hash.get(&hash) {
            self.duplicates.push(Duplicate {
                path: path.to_owned(),
                of: of.clone(),
                likeness: 1.0,
            });
            return true;
        }
        self.by_hash.insert(hash, path.to_owned());
        let Some(threshold) = self.threshold else {
            return false;
        };
        let Some(sketch) = sketch() else {
            return false;
        };
        let keys: Vec<(usize, [u32; BAND_HASHES])> = sketch
            .0
            .chunks_exact(BAND_HASHES)
            .enumerate()
            .filter_map(|(band, hashes)| Some((band, hashes.try_into().ok()?)))
            .collect();
        let mut candidates: Vec<usize> = keys
            .iter()
            .filter_map(|key| self.bands.get(key))
            .flatten()
            .copied()
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        let best = candidates
            .into_iter()
            .filter_map(|at| self.kept.get(at))
            .map(|(of, kept)| (of, kept.likeness(&sketch)))
            .filter(|(_, likeness)| *likeness >= threshold)
            // The first of the most alike.
            .fold(None, |best: Option<(&String, f64)>, next| match best {
                Some(best) if best.1 >= next.1 => Some(best),
                _ => Some(next),
            });
        if let Some((of, likeness)) = best {
            self.duplicates.push(Duplicate {
                path: path.to_owned(),
                of: of.clone(),
                likeness,
            });
            return true;
        }
        let at = self.kept.len();
        for key in keys {
            self.bands.entry(key).or_default().push(at);
        }
        self.kept.push((path.to_owned(), sketch));
        false
    }

    /// The files that others stand for, in the order in which they were looked at.
    #[must_use]
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: std::ops::Range<u32>) -> String {
        words.map(|n| format!("word{n} ")).collect()
    }

    #[test]
    fn likeness_is_near_the_share_in_common() {
        let a = Sketch::of(&text(0..1000)).unwrap();
        for (from, expected) in [(0, 1.0), (100, 0.82), (500, 0.33), (2000, 0.0)] {
            let b = Sketch::of(&text(from..from + 1000)).unwrap();
            let found = a.likeness(&b);
            assert!((found - expected).abs() < 0.12, "{from}: {found}");
        }
        assert!(Sketch::of("too few words").is_none());
    }

    #[test]
    fn same_and_near_files_are_found_once() {
        let mut dedup = Dedup::new(Some(0.7));
        let mut add = |path: &str, content: &str| {
            dedup.add(path, ContentHash::of(content.as_bytes()), || {
                Sketch::of(content)
            })
        };
        assert!(!add("a", &text(0..500)));
        assert!(add("b", &text(0..500)));
        assert!(add("c", &text(5..505)));
        assert!(!add("d", &text(5000..5500)));
        assert!(!add("e", "x"));
        assert!(add("f", "x"));
        let found: Vec<_> = dedup
            .duplicates()
            .iter()
            .map(|duplicate| (duplicate.path.as_str(), duplicate.of.as_str()))
            .collect();
        assert_eq!(found, [("b", "a"), ("c", "a"), ("f", "e")]);
    }
}
