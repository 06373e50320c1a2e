//! The cheapest codec that pays, and why.
//!
//! ```text
//! one word repeated                                         -> same_fill
//! bytes as good as random and nothing found twice           -> none
//! Zstd would save an eighth of the page more than LZ4       -> zstd
//! LZ4 would save a sixteenth of the page                    -> lz4
//! Zstd would                                                -> zstd
//! otherwise                                                 -> none
//! ```
//!
//! What the two would save is estimated from the [`Features`]: LZ4 leaves the places that are not found earlier as they
//! are, Zstd writes them with the bits that their entropy needs. Reading LZ4 is about five times as fast as reading Zstd,
//! which is why Zstd has to save more before it is chosen.

use super::{Codec, Features};

/// A choice, and what it was made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// What was seen of the page.
    pub features: Features,
    /// The share of the page that LZ4 is expected to leave.
    pub lz4_share: f64,
    /// The share of the page that Zstd is expected to leave.
    pub zstd_share: f64,
    /// The codec that is tried. A page that it does not make smaller is stored as it is.
    pub codec: Codec,
    /// Why, in a few words.
    pub reason: &'static str,
}

/// What Zstd must save beyond LZ4, as a share of the page.
const ZSTD_EXTRA: f64 = 1.0 / 8.0;
/// What a codec must save at all.
const SAVING_MIN: f64 = 1.0 / 16.0;
/// The part of a match that its sequence costs in an LZ4 block: about three bytes for a match of ten to fifteen.
const LZ4_MATCH_COST: f64 = 0.25;
/// The same for Zstd, whose sequences are entropy-coded.
const ZSTD_MATCH_COST: f64 = 0.14;
/// Zstd's tables and headers, as a share of a page.
const ZSTD_HEADER: f64 = 0.02;

/// Chooses the codec of a page.
pub fn decide(page: &[u8]) -> Decision {
    let features = Features::of(page);
    let alone = 1.0 - features.matches;
    let lz4_share = (alone + features.matches * LZ4_MATCH_COST).min(1.0);
    let literal = features.entropy_bits / 8.0;
    let zstd_share = (alone * literal + features.matches * ZSTD_MATCH_COST + ZSTD_HEADER).min(1.0);
    let (codec, reason) = if features.is_same_fill {
        (Codec::SameFill, "one word repeated")
    } else if zstd_share > 1.0 - SAVING_MIN && lz4_share > 1.0 - SAVING_MIN {
        (Codec::None, "as good as random, nothing found twice")
    } else if zstd_share + ZSTD_EXTRA < lz4_share {
        (
            Codec::Zstd,
            "entropy coding saves an eighth more than matches alone",
        )
    } else if lz4_share <= 1.0 - SAVING_MIN {
        (
            Codec::Lz4,
            "matches save nearly as much as entropy coding, and are read faster",
        )
    } else {
        (Codec::Zstd, "few matches, but bytes of unequal frequency")
    };
    Decision {
        features,
        lz4_share,
        zstd_share,
        codec,
        reason,
    }
}
