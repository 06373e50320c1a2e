//! The runs of a sequence, and the values of a packed one.

use std::iter::FusedIterator;

/// The most bits that a value can have.
const BIT_WIDTH_MAX: u32 = 32;

/// Bytes of the longest header: 32 bits, seven to a byte.
const HEADER_BYTES_MAX: usize = 5;

/// The next run of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run<'a> {
    /// `count` times the same value. Values without bits are all 0, and come like this even where they were packed.
    Repeated {
        /// How often.
        count: usize,
        /// The value.
        value: u32,
    },
    /// Values one after another, for [`unpack`].
    Packed {
        /// The bytes; the last values may be padding.
        bytes: &'a [u8],
        /// How many values, padding included; all of them are in `bytes`.
        count: usize,
    },
}

/// Reads runs; ends at the end of the bytes, or early where they are malformed.
#[derive(Debug, Clone)]
pub struct Runs<'a> {
    bytes: &'a [u8],
    bit_width: u32,
}

impl<'a> Runs<'a> {
    /// Runs of values of `bit_width` bits; there are none of more than 32.
    pub fn new(bytes: &'a [u8], bit_width: u32) -> Self {
        Self { bytes, bit_width }
    }

    fn run(&mut self) -> Option<Run<'a>> {
        if self.bit_width > BIT_WIDTH_MAX {
            return None;
        }
        let header = self.header()?;
        let count = usize::try_from(header >> 1).ok().filter(|n| *n > 0)?;
        if header & 1 == 0 {
            let value = self.value()?;
            return Some(Run::Repeated { count, value });
        }
        let count = count.saturating_mul(8);
        let width = self.bit_width as usize;
        if width == 0 {
            return Some(Run::Repeated { count, value: 0 });
        }
        // Eight values take `width` bytes. The last of them may be missing, where they are padding.
        let bytes = (count / 8).saturating_mul(width).min(self.bytes.len());
        let (bytes, rest) = self.bytes.split_at_checked(bytes)?;
        self.bytes = rest;
        let count = count.min(bytes.len().saturating_mul(8) / width);
        Some(Run::Packed { bytes, count })
    }

    fn header(&mut self) -> Option<u32> {
        let mut header = 0_u64;
        for index in 0..HEADER_BYTES_MAX {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            header |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return u32::try_from(header).ok();
            }
        }
        None
    }

    /// The value of a repeated run; malformed when it has more bits than values have.
    fn value(&mut self) -> Option<u32> {
        let bytes = self.bit_width.div_ceil(8) as usize;
        let (stored, rest) = self.bytes.split_at_checked(bytes)?;
        self.bytes = rest;
        let value = stored
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        u32::try_from(value)
            .ok()
            .filter(|_| value >> self.bit_width == 0)
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        let run = self.run();
        if run.is_none() {
            self.bytes = &[];
        }
        run
    }
}

impl FusedIterator for Runs<'_> {}

/// The value at `index` of a packed run of values of `bit_width` bits; `None` past its end, and for more than 32 bits.
pub fn unpack(bytes: &[u8], bit_width: u32, index: usize) -> Option<u32> {
    if bit_width == 0 {
        return Some(0);
    }
    if bit_width > BIT_WIDTH_MAX {
        return None;
    }
    let first_bit = index.checked_mul(bit_width as usize)?;
    let (start, shift) = (first_bit / 8, first_bit % 8);
    let needed = (shift + bit_width as usize).div_ceil(8);
    // Five bytes at most: 32 bits behind seven others.
    let window = bytes
        .get(start..start + needed)?
        .iter()
        .rev()
        .fold(0_u64, |window, byte| window << 8 | u64::from(*byte));
    let mask = (1_u64 << bit_width) - 1;
    u32::try_from(window >> shift & mask).ok()
}
