//! Blocks and frames alone, as other programs read and write them.

use std::fmt;
use std::str::FromStr;

use super::{Compressor, Dictionary, lz4, zstd};
use crate::Error;

/// A format without a header of ours. A value is one block or frame, whatever its length: it is not cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RawFormat {
    /// An LZ4 block, without a length.
    Lz4,
    /// A Zstd frame with its length; several frames, and frames without a length, are read as well.
    Zstd,
}

impl RawFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Lz4, Self::Zstd];

    /// The most bytes that a value may become: what a binary value in SQL can hold.
    pub const BYTES_MAX: usize = i32::MAX as usize;

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4_raw",
            Self::Zstd => "zstd_raw",
        }
    }

    /// Whether the level and the dictionary are such as the format takes. LZ4 has level 1, which is the fast one, to 12;
    /// Zstd 1 to 22.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(self, level: Option<i32>, dictionary: Option<&Dictionary>) -> Result<(), Error> {
        let most = match self {
            Self::Lz4 => lz4::LEVEL_MAX,
            Self::Zstd => 22,
        };
        if let Some(level) = level
            && !(1..=most).contains(&level)
        {
            return Err(Error::Setting {
                algorithm: self.name(),
                message: format!("levels 1 to {most}, not {level}").into(),
            });
        }
        if self == Self::Lz4 && dictionary.is_some() {
            return Err(Error::Setting {
                algorithm: self.name(),
                message: "no dictionary".into(),
            });
        }
        Ok(())
    }

    pub(super) fn compress(
        self,
        compressor: &mut Compressor,
        level: Option<i32>,
        dictionary: Option<&Dictionary>,
        value: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let too_many = || Error::TooMany {
            found: value.len() as u64,
            expected: Self::BYTES_MAX as u64,
        };
        if value.len() > Self::BYTES_MAX {
            return Err(too_many());
        }
        let mut out = vec![
            0;
            match self {
                Self::Lz4 => lz4::block_bytes_max(value.len()),
                Self::Zstd => zstd::frame_bytes_max(value.len()),
            }
        ];
        let made = match (self, level.unwrap_or(1)) {
            (Self::Lz4, 1) => compressor.lz4.compress_into(value, &mut out),
            (Self::Lz4, level) => compressor.lz4.search_into(level, value, &mut out),
            (Self::Zstd, _) => {
                let level = level.unwrap_or(3);
                compressor
                    .zstd
                    .compress_into(level, dictionary, value, &mut out)?
            }
        };
        out.truncate(made.ok_or_else(too_many)?);
        Ok(out)
    }

    pub(super) fn decompress(
        self,
        compressor: &mut Compressor,
        dictionary: Option<&Dictionary>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        match self {
            Self::Lz4 => {
                let length = lz4::decompressed_bytes(bytes)?;
                if length > Self::BYTES_MAX {
                    return Err(Error::TooMany {
                        found: length as u64,
                        expected: Self::BYTES_MAX as u64,
                    });
                }
                out.resize(length, 0);
                lz4::decompress_into(bytes, &mut out)?;
            }
            Self::Zstd => {
                compressor
                    .zstd
                    .decompress(dictionary, bytes, Self::BYTES_MAX, &mut out)?;
            }
        }
        Ok(out)
    }
}

impl FromStr for RawFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or(())
    }
}

impl fmt::Display for RawFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
