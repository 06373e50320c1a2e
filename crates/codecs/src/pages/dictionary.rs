//! Dictionaries for Zstd: bytes that many pages share, said once.
//!
//! A dictionary is kept as the Zstd library writes it, so that its own tools take it, too. Frames name it by the CRC-32 of
//! its bytes: a dictionary with other bytes is another dictionary, whatever it is called.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::sync::{Mutex, PoisonError};

use zstd_safe::{CDict, DDict};

use crate::Error;

/// A dictionary in hand. Clones share it.
#[derive(Clone)]
pub struct Dictionary {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Vec<u8>,
    id: u32,
    /// By level.
    compression: Mutex<BTreeMap<i32, Arc<CDict<'static>>>>,
    decompression: OnceLock<DDict<'static>>,
}

impl Dictionary {
    /// The length of a dictionary where no other is wished for, in bytes.
    pub const BYTES_DEFAULT: usize = 64 * 1024;
    /// The most bytes of a dictionary.
    pub const BYTES_MAX: usize = 16 * 1024 * 1024;
    /// The fewest bytes of a dictionary.
    pub const BYTES_MIN: usize = 256;

    /// Makes a dictionary of at most `bytes_max` bytes from samples of what will be compressed. A hundred times as many
    /// bytes of samples as of dictionary are a good number. The same samples make the same dictionary.
    ///
    /// # Errors
    /// [`Error::Setting`] where the samples are too few or `bytes_max` is out of range.
    pub fn train<S: AsRef<[u8]>>(samples: &[S], bytes_max: usize) -> Result<Self, Error> {
        if !(Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes_max) {
            return Err(Error::Setting {
                algorithm: "a dictionary",
                message: format!("256 bytes to 16 MiB, not {bytes_max} bytes").into(),
            });
        }
        let lengths: Vec<usize> = samples.iter().map(|sample| sample.as_ref().len()).collect();
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.as_ref())
            .copied()
            .collect();
        let mut dictionary = vec![0; bytes_max];
        let made = zstd_safe::train_from_buffer(dictionary.as_mut_slice(), &bytes, &lengths);
        let too_few = || Error::Setting {
            algorithm: "a dictionary",
            message: format!(
                "more samples, or such as have more in common, not {} of {} bytes",
                lengths.len(),
                bytes.len()
            )
            .into(),
        };
        let made = made.map_err(|_| too_few())?;
        dictionary.truncate(made);
        if made < 8 {
            return Err(too_few());
        }
        Self::load(&dictionary)
    }

    /// Takes a dictionary as [`Self::as_bytes`] or the Zstd library's tools wrote it, or any bytes that pages may share.
    ///
    /// # Errors
    /// [`Error::Bound`] where it is too short or too long, [`Error::Zstd`] where it begins like a dictionary of Zstd and is
    /// none.
    pub fn load(bytes: &[u8]) -> Result<Self, Error> {
        if !(8..=Self::BYTES_MAX).contains(&bytes.len()) {
            return Err(Error::Bound {
                what: "length of the dictionary",
                offset: 0,
                found: bytes.len() as u64,
                expected: Box::new(8..=Self::BYTES_MAX as u64),
            });
        }
        let dictionary = Self {
            inner: Arc::new(Inner {
                // 0 means no dictionary.
                id: crc32fast::hash(bytes).max(1),
                bytes: bytes.to_vec(),
                compression: Mutex::default(),
                decompression: OnceLock::new(),
            }),
        };
        dictionary.for_decompression()?;
        Ok(dictionary)
    }

    /// The bytes to save.
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The name in frames: the CRC-32 of the bytes, never 0.
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    pub(super) fn for_compression(&self, level: i32) -> Result<Arc<CDict<'static>>, Error> {
        let mut prepared = self
            .inner
            .compression
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = prepared.get(&level) {
            return Ok(Arc::clone(one));
        }
        let one = Arc::new(CDict::try_create(&self.inner.bytes, level).ok_or_else(refused)?);
        prepared.insert(level, Arc::clone(&one));
        Ok(one)
    }

    pub(super) fn for_decompression(&self) -> Result<&DDict<'static>, Error> {
        if let Some(prepared) = self.inner.decompression.get() {
            return Ok(prepared);
        }
        let prepared = DDict::try_create(&self.inner.bytes).ok_or_else(refused)?;
        Ok(self.inner.decompression.get_or_init(|| prepared))
    }
}

fn refused() -> Error {
    Error::Zstd {
        offset: 0,
        message: "Dictionary is corrupted",
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &format_args!("{:08x}", self.id()))
            .field("bytes", &self.inner.bytes.len())
            .finish()
    }
}

impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.inner.bytes == other.inner.bytes
    }
}

impl Eq for Dictionary {}
