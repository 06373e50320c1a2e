//! Plain Zstd frames, by the reference library with contexts that are kept.
//!
//! A context of the library is some hundred kilobytes of tables; making one for each page would cost more than
//! compressing the page.

use std::fmt;

use zstd_safe::{CCtx, DCtx, InBuffer, OutBuffer, ResetDirective};

use super::Dictionary;
use crate::Error;

/// What the library returns where the output is too small.
const TOO_SMALL: usize = 0_usize.wrapping_sub(70);
/// Bytes of output that are made at a time where a frame does not say how many there are.
const STEP_BYTES: usize = 128 * 1024;

/// Bytes that always suffice for the frame of `bytes` bytes.
pub fn frame_bytes_max(bytes: usize) -> usize {
    zstd_safe::compress_bound(bytes)
}

/// The library's contexts, made when they are first used.
#[derive(Default)]
pub struct Contexts {
    compress: Option<CCtx<'static>>,
    decompress: Option<DCtx<'static>>,
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contexts").finish_non_exhaustive()
    }
}

fn refused(code: usize) -> Error {
    Error::Zstd {
        offset: 0,
        message: zstd_safe::get_error_name(code),
    }
}

impl Contexts {
    /// Writes the frame of `input` to the start of `out` and returns its length; `None` where it does not fit. It fits
    /// where `out` has [`frame_bytes_max`] bytes.
    ///
    /// # Errors
    /// [`Error::Memory`], or [`Error::Zstd`] for a dictionary that the library refuses.
    pub fn compress_into(
        &mut self,
        level: i32,
        dictionary: Option<&Dictionary>,
        input: &[u8],
        out: &mut [u8],
    ) -> Result<Option<usize>, Error> {
        let context = match &mut self.compress {
            Some(context) => context,
            none => none.insert(CCtx::try_create().ok_or(Error::Memory)?),
        };
        let written = match dictionary {
            Some(dictionary) => context.compress_using_cdict(
                out,
                input,
                dictionary.for_compression(level)?.as_ref(),
            ),
            None => context.compress(out, input, level),
        };
        match written {
            Ok(bytes) => Ok(Some(bytes)),
            Err(TOO_SMALL) => Ok(None),
            Err(code) => Err(refused(code)),
        }
    }

    /// Decodes frames that become exactly `out.len()` bytes.
    ///
    /// # Errors
    /// [`Error::Zstd`] for what the library refuses, [`Error::Length`] for another number of bytes.
    pub fn decompress_into(
        &mut self,
        dictionary: Option<&Dictionary>,
        frames: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let expected = out.len() as u64;
        let context = self.decompress_context()?;
        let made = match dictionary {
            Some(dictionary) => {
                context.decompress_using_ddict(out, frames, dictionary.for_decompression()?)
            }
            None => context.decompress(out, frames),
        };
        match made {
            Ok(made) if made as u64 == expected => Ok(()),
            Ok(made) => Err(Error::Length {
                found: made as u64,
                expected,
            }),
            Err(code) => Err(refused(code)),
        }
    }

    /// Appends what frames become, however much they say it is, up to `bytes_max`. Memory is taken as bytes are made.
    ///
    /// # Errors
    /// [`Error::Zstd`] for what the library refuses, [`Error::Short`] for a frame that is cut, [`Error::TooMany`] past
    /// `bytes_max`.
    pub fn decompress(
        &mut self,
        dictionary: Option<&Dictionary>,
        frames: &[u8],
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let context = self.decompress_context()?;
        let attached = match dictionary {
            Some(dictionary) => context.load_dictionary(dictionary.as_bytes()),
            None => Ok(0),
        };
        let made = attached
            .map_err(refused)
            .and_then(|_| stream(context, frames, bytes_max, out));
        // The context serves others next, also after an error.
        let cleaned = context
            .reset(ResetDirective::SessionOnly)
            .and_then(|_| context.disable_dictionary());
        if cleaned.is_err() {
            self.decompress = None;
        }
        made
    }

    fn decompress_context(&mut self) -> Result<&mut DCtx<'static>, Error> {
        Ok(match &mut self.decompress {
            Some(context) => context,
            none => none.insert(DCtx::try_create().ok_or(Error::Memory)?),
        })
    }
}

fn stream(
    context: &mut DCtx<'static>,
    frames: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let first = out.len();
    let mut input = InBuffer::around(frames);
    loop {
        let start = out.len();
        let step = STEP_BYTES.max((start - first) / 2);
        out.resize(start + step, 0);
        let (wanted, made) = {
            let target = out.get_mut(start..).unwrap_or_default();
            let mut output = OutBuffer::around(target);
            let wanted = context
                .decompress_stream(&mut output, &mut input)
                .map_err(refused)?;
            (wanted, output.pos())
        };
        out.truncate(start + made);
        if out.len() - first > bytes_max {
            return Err(Error::TooMany {
                found: (out.len() - first) as u64,
                expected: bytes_max as u64,
            });
        }
        if input.pos() == frames.len() && made < step {
            // All that there is was read, and nothing is held back.
            if wanted == 0 {
                return Ok(());
            }
            return Err(Error::Short {
                what: "the next part of a Zstd frame",
                offset: frames.len() as u64,
                found: 0,
                expected: wanted as u64,
            });
        }
    }
}
