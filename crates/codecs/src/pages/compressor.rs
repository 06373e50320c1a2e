//! One page at a time.

use super::{
    Algorithm, Backend, Codec, Dictionary, PAGE_SIZE, Page, adaptive, lz4, same_fill, zstd,
};
use crate::Error;

/// How a page came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// What the stored bytes are.
    pub codec: Codec,
    /// How many there are, at most those of the page.
    pub bytes: usize,
}

/// Makes pages smaller and brings them back.
///
/// A page comes back bit for bit from its codec and its stored bytes by any compressor with the same dictionary, whatever
/// the algorithm, level or back end that made them. Stored bytes are never more than the page: what does not get smaller is
/// [`Codec::None`], the page itself. Stored bytes are hostile: decompressing gives the page or an error, writes nothing but
/// the page, and allocates nothing that depends on what the bytes claim.
pub trait PageCompressor: std::fmt::Debug + Send {
    /// Compresses a page into the start of `out`.
    ///
    /// # Errors
    /// [`Error::Memory`], or [`Error::Zstd`] for what no page can cause, such as a level that the library refuses.
    fn compress_into(&mut self, page: &Page, out: &mut Page) -> Result<Stored, Error>;

    /// As [`Self::compress_into`], for the bytes after the last whole page; more than a page is [`Error::Bound`].
    ///
    /// # Errors
    /// As [`Self::compress_into`].
    fn compress_tail_into(&mut self, tail: &[u8], out: &mut Page) -> Result<Stored, Error>;

    /// Brings a page back.
    ///
    /// # Errors
    /// The [`Error`] of the codec; offsets count from the start of `stored`.
    fn decompress_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        page: &mut Page,
    ) -> Result<(), Error>;

    /// As [`Self::decompress_into`], for fewer bytes than a page.
    ///
    /// # Errors
    /// As [`Self::decompress_into`].
    fn decompress_tail_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        tail: &mut [u8],
    ) -> Result<(), Error>;

    /// The dictionary that Zstd pages are compressed with.
    fn dictionary(&self) -> Option<&Dictionary>;
}

/// Settings of a [`Compressor`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompressorBuilder {
    algorithm: Algorithm,
    level: Option<i32>,
    backend: Option<Backend>,
    dictionary: Option<Dictionary>,
}

impl CompressorBuilder {
    /// An algorithm, with its own level, the best back end and no dictionary.
    pub fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            ..Self::default()
        }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Another level; see [`Algorithm::levels`].
    pub fn level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// Other instructions. Where the machine does not have them, portable code takes their place.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// A dictionary for Zstd pages.
    pub fn dictionary(mut self, dictionary: Dictionary) -> Self {
        self.dictionary = Some(dictionary);
        self
    }

    /// The compressor.
    ///
    /// # Errors
    /// [`Error::Setting`] for a level or a dictionary that the algorithm does not take.
    pub fn build(&self) -> Result<Compressor, Error> {
        let level = match (self.algorithm.levels(), self.level) {
            (Some((least, most, _)), Some(level)) if (least..=most).contains(&level) => level,
            (Some((.., default)), None) => default,
            (None, None) => 0,
            (levels, Some(level)) => {
                let expected = match levels {
                    Some((least, most, _)) => format!("levels {least} to {most}"),
                    None => "no level".to_string(),
                };
                return Err(Error::Setting {
                    algorithm: self.algorithm.name(),
                    message: format!("{expected}, not {level}").into(),
                });
            }
        };
        if self.dictionary.is_some() && !self.algorithm.takes_dictionary() {
            return Err(Error::Setting {
                algorithm: self.algorithm.name(),
                message: "no dictionary".into(),
            });
        }
        Ok(Compressor {
            algorithm: self.algorithm,
            level,
            backend: self.backend.unwrap_or_else(Backend::best),
            dictionary: self.dictionary.clone(),
            lz4: lz4::Compressor::new(),
            zstd: zstd::Contexts::default(),
        })
    }
}

/// The page codecs on one processor. Memory is taken by [`CompressorBuilder::build`] and by the first page of each codec,
/// and then kept.
#[derive(Debug)]
pub struct Compressor {
    algorithm: Algorithm,
    level: i32,
    backend: Backend,
    dictionary: Option<Dictionary>,
    pub(super) lz4: lz4::Compressor,
    pub(super) zstd: zstd::Contexts,
}

impl Compressor {
    /// Compresses up to a page.
    fn compress(&mut self, page: &[u8], out: &mut Page) -> Result<Stored, Error> {
        let stored = |codec, bytes| Stored { codec, bytes };
        let codec = match self.algorithm {
            Algorithm::None => Codec::None,
            algorithm => {
                if page.len() > same_fill::WORD_BYTES
                    && let Some(word) = same_fill::word_of_with(self.backend, page)
                {
                    let (start, _) = out.split_at_mut(word.len());
                    start.copy_from_slice(&word);
                    return Ok(stored(Codec::SameFill, word.len()));
                }
                match algorithm {
                    Algorithm::Auto if self.dictionary.is_some() => Codec::Zstd,
                    Algorithm::Auto => adaptive::decide(page).codec,
                    Algorithm::Lz4 | Algorithm::Lz4Hc => Codec::Lz4,
                    Algorithm::Zstd => Codec::Zstd,
                    Algorithm::SameFill | Algorithm::None => Codec::None,
                }
            }
        };
        let made = match codec {
            Codec::Lz4 if self.algorithm == Algorithm::Lz4Hc => {
                self.lz4.search_into(self.level, page, out)
            }
            Codec::Lz4 => self.lz4.compress_into(page, out),
            Codec::Zstd => {
                self.zstd
                    .compress_into(self.level, self.dictionary.as_ref(), page, out)?
            }
            Codec::None | Codec::SameFill => None,
        };
        match made.filter(|bytes| *bytes < page.len()) {
            Some(bytes) => Ok(stored(codec, bytes)),
            None => {
                let (start, _) = out.split_at_mut(page.len());
                start.copy_from_slice(page);
                Ok(stored(Codec::None, page.len()))
            }
        }
    }

    /// Brings a page back, with the dictionary that its frame names.
    pub(super) fn decompress_with(
        &mut self,
        dictionary: Option<&Dictionary>,
        codec: Codec,
        bytes: &[u8],
        page: &mut [u8],
    ) -> Result<(), Error> {
        match codec {
            Codec::None if bytes.len() == page.len() => page.copy_from_slice(bytes),
            Codec::None => {
                return Err(Error::Length {
                    found: bytes.len() as u64,
                    expected: page.len() as u64,
                });
            }
            Codec::SameFill => {
                let word = bytes.try_into().map_err(|_| Error::Length {
                    found: bytes.len() as u64,
                    expected: same_fill::WORD_BYTES as u64,
                })?;
                same_fill::fill(word, page);
            }
            Codec::Lz4 => lz4::decompress_into_with(self.backend, bytes, page)?,
            Codec::Zstd => self.zstd.decompress_into(dictionary, bytes, page)?,
        }
        Ok(())
    }
}

fn check_tail(bytes: usize) -> Result<(), Error> {
    if bytes > PAGE_SIZE {
        return Err(Error::Bound {
            what: "length of a page",
            offset: 0,
            found: bytes as u64,
            expected: Box::new(0..=PAGE_SIZE as u64),
        });
    }
    Ok(())
}

impl PageCompressor for Compressor {
    fn compress_into(&mut self, page: &Page, out: &mut Page) -> Result<Stored, Error> {
        self.compress(page, out)
    }

    fn compress_tail_into(&mut self, tail: &[u8], out: &mut Page) -> Result<Stored, Error> {
        check_tail(tail.len())?;
        self.compress(tail, out)
    }

    fn decompress_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        page: &mut Page,
    ) -> Result<(), Error> {
        let dictionary = self.dictionary.clone();
        self.decompress_with(dictionary.as_ref(), codec, stored, page)
    }

    fn decompress_tail_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        tail: &mut [u8],
    ) -> Result<(), Error> {
        check_tail(tail.len())?;
        let dictionary = self.dictionary.clone();
        self.decompress_with(dictionary.as_ref(), codec, stored, tail)
    }

    fn dictionary(&self) -> Option<&Dictionary> {
        self.dictionary.as_ref()
    }
}
