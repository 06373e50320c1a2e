//! Where the planes of a payload are.

use crate::Error;

/// One plane: its dictionary and its packed codes.
#[derive(Debug)]
pub(super) struct Plane<'a> {
    pub(super) dictionary: &'a [u8],
    pub(super) codes: &'a [u8],
    /// Bits of one code, 1..=8.
    pub(super) bits: u32,
    /// Where `codes` starts in the payload.
    pub(super) offset: u64,
}

/// A payload whose lengths add up.
#[derive(Debug)]
pub(super) struct Planes<'a> {
    pub(super) values: u64,
    pub(super) planes: [Plane<'a>; 4],
}

/// Bits per code for a dictionary of `entries` entries.
pub(super) fn code_bits(entries: usize) -> u32 {
    match entries {
        0 | 1 => 1,
        more => (more - 1).ilog2() + 1,
    }
}

pub(super) fn value_count(bytes: &[u8]) -> Result<u32, Error> {
    let mut cursor = Cursor { bytes, offset: 0 };
    let raw = cursor.take("number of values", 4)?;
    Ok(raw
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, what: &'static str, length: u64) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length));
        match taken {
            Some(taken) => {
                self.offset += taken.len();
                Ok(taken)
            }
            None => Err(Error::Short {
                what,
                offset: self.offset as u64,
                found: rest.len() as u64,
                expected: length,
            }),
        }
    }

    fn plane(&mut self, values: u64, bits_offset: u64, bits: u8) -> Result<Plane<'a>, Error> {
        let size_offset = self.offset as u64;
        let size = self.take("dictionary size", 2)?;
        let entries = size
            .iter()
            .rev()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if entries > 256 || (entries == 0 && values > 0) {
            return Err(Error::Field {
                what: "dictionary size",
                offset: size_offset,
                found: entries as u64,
                expected: if entries == 0 { 1 } else { 256 },
            });
        }
        let expected = code_bits(entries);
        if u32::from(bits) != expected && values > 0 {
            return Err(Error::Field {
                what: "bits per code",
                offset: bits_offset,
                found: u64::from(bits),
                expected: u64::from(expected),
            });
        }
        let dictionary = self.take("dictionary", entries as u64)?;
        let offset = self.offset as u64;
        // At most 2^32 values of 8 bits: no overflow.
        let codes = self.take("codes", (values * u64::from(expected)).div_ceil(8))?;
        Ok(Plane {
            dictionary,
            codes,
            bits: expected,
            offset,
        })
    }
}

impl<'a> Planes<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let values = u64::from(value_count(bytes)?);
        let mut cursor = Cursor { bytes, offset: 4 };
        let bits = cursor.take("bits per code", 4)?;
        let bits: [u8; 4] = std::array::from_fn(|plane| bits.get(plane).copied().unwrap_or(0));
        let planes = [
            cursor.plane(values, 4, bits[0])?,
            cursor.plane(values, 5, bits[1])?,
            cursor.plane(values, 6, bits[2])?,
            cursor.plane(values, 7, bits[3])?,
        ];
        if cursor.offset != bytes.len() {
            return Err(Error::Length {
                found: bytes.len() as u64,
                expected: cursor.offset as u64,
            });
        }
        Ok(Self { values, planes })
    }
}
