//! What may be asked for, and what may be stored.

use std::fmt;
use std::str::FromStr;

/// How pages are to be compressed. Whatever is chosen, a page that does not get smaller is stored as it is, and a page
/// that repeats one word is stored as that word, except under [`Algorithm::None`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// The cheapest codec that pays for the page at hand; see [`adaptive`](super::adaptive).
    #[default]
    Auto,
    /// LZ4, fast.
    Lz4,
    /// LZ4 blocks that are searched for the smallest.
    Lz4Hc,
    /// Zstd.
    Zstd,
    /// Pages that repeat one word, and nothing else.
    SameFill,
    /// Pages as they are, with a checksum.
    None,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [
        Self::Auto,
        Self::Lz4,
        Self::Lz4Hc,
        Self::Zstd,
        Self::SameFill,
        Self::None,
    ];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Lz4 => "lz4",
            Self::Lz4Hc => "lz4hc",
            Self::Zstd => "zstd",
            Self::SameFill => "same_fill",
            Self::None => "none",
        }
    }

    /// The least and the greatest level, and the one without a wish; `None` for algorithms that have no levels. A higher
    /// level is slower and smaller. The level of [`Algorithm::Auto`] is that of Zstd, where it chooses it.
    pub fn levels(self) -> Option<(i32, i32, i32)> {
        match self {
            // Between level 1 and 3 pages get a hundredth smaller and a quarter slower.
            Self::Auto => Some((1, 22, 1)),
            Self::Zstd => Some((1, 22, 3)),
            Self::Lz4Hc => Some((1, 12, 9)),
            Self::Lz4 | Self::SameFill | Self::None => None,
        }
    }

    /// Whether a dictionary makes a difference.
    pub fn takes_dictionary(self) -> bool {
        matches!(self, Self::Auto | Self::Zstd)
    }
}

impl FromStr for Algorithm {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or(())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a page is stored. The numbers are those in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Codec {
    /// The page's own bytes.
    None = 0,
    /// The word of eight bytes that the page repeats.
    SameFill = 1,
    /// A plain LZ4 block.
    Lz4 = 2,
    /// A plain Zstd frame.
    Zstd = 3,
}

impl Codec {
    /// Every codec, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::None, Self::SameFill, Self::Lz4, Self::Zstd];

    /// The codec of a number in a frame.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SameFill => "same_fill",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
