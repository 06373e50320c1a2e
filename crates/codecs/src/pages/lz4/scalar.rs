//! The decoder that can be checked by reading it: safe code, a byte at a time, with an error for everything.

use super::{DISTANCE_MAX, MATCH_BYTES_MIN};
use crate::Error;

/// Reads the parts of a block.
struct Reader<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self, what: &'static str) -> Result<u8, Error> {
        let byte = self.block.get(self.at).ok_or(Error::Short {
            what,
            offset: self.at as u64,
            found: 0,
            expected: 1,
        })?;
        self.at += 1;
        Ok(*byte)
    }

    /// `nibble`, and where it is 15 the bytes that are to be added.
    fn length(&mut self, nibble: u8, what: &'static str) -> Result<usize, Error> {
        let mut length = usize::from(nibble);
        if nibble == 15 {
            loop {
                let more = self.byte(what)?;
                // At most 255 a byte of a slice: no overflow.
                length += usize::from(more);
                if more != 255 {
                    break;
                }
            }
        }
        Ok(length)
    }

    fn take(&mut self, bytes: usize, what: &'static str) -> Result<&'a [u8], Error> {
        let rest = self.block.get(self.at..).unwrap_or_default();
        let taken = rest.get(..bytes).ok_or(Error::Short {
            what,
            offset: self.at as u64,
            found: rest.len() as u64,
            expected: bytes as u64,
        })?;
        self.at += bytes;
        Ok(taken)
    }

    fn is_at_end(&self) -> bool {
        self.at == self.block.len()
    }
}

pub(super) fn decode(block: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let mut reader = Reader { block, at: 0 };
    let mut made = 0;
    loop {
        let token = reader.byte("a token")?;
        let literals = reader.length(token >> 4, "a number of literals")?;
        let start = reader.at as u64;
        let literals = reader.take(literals, "literals")?;
        let room = (out.len() - made) as u64;
        let target = out
            .get_mut(made..made + literals.len())
            .ok_or(Error::Bound {
                what: "number of literals",
                offset: start,
                found: literals.len() as u64,
                expected: Box::new(0..=room),
            })?;
        target.copy_from_slice(literals);
        made += literals.len();
        if reader.is_at_end() {
            break;
        }

        let start = reader.at as u64;
        let distance = match reader.take(2, "a distance")? {
            [low, high] => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        if distance == 0 || distance > made {
            return Err(Error::Bound {
                what: "distance of a match",
                offset: start,
                found: distance as u64,
                expected: Box::new(1..=made.min(DISTANCE_MAX) as u64),
            });
        }
        let length = MATCH_BYTES_MIN + reader.length(token & 15, "the length of a match")?;
        let room = out.len() - made;
        if length > room {
            return Err(Error::Bound {
                what: "length of a match",
                offset: start,
                found: length as u64,
                expected: Box::new(MATCH_BYTES_MIN as u64..=room as u64),
            });
        }
        for _ in 0..length {
            let byte = out.get(made - distance).copied().unwrap_or_default();
            if let Some(slot) = out.get_mut(made) {
                *slot = byte;
            }
            made += 1;
        }
    }
    if made != out.len() {
        return Err(Error::Length {
            found: made as u64,
            expected: out.len() as u64,
        });
    }
    Ok(())
}

pub(super) fn decoded_bytes(block: &[u8]) -> Result<usize, Error> {
    let mut reader = Reader { block, at: 0 };
    let mut made = 0_usize;
    loop {
        let token = reader.byte("a token")?;
        let literals = reader.length(token >> 4, "a number of literals")?;
        made = made.saturating_add(reader.take(literals, "literals")?.len());
        if reader.is_at_end() {
            return Ok(made);
        }
        reader.take(2, "a distance")?;
        let length = reader.length(token & 15, "the length of a match")?;
        made = made.saturating_add(length + MATCH_BYTES_MIN);
    }
}
