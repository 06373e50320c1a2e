//! The run-length and bit-packing hybrid of Parquet levels and dictionary indices, as far as a
//! column of vectors needs it.
//!
//! Source: the Parquet format, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)".

/// The next run of a hybrid-encoded sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run<'a> {
    /// `count` times the same value.
    Repeated {
        /// How often.
        count: usize,
        /// The value.
        value: u32,
    },
    /// Values one after another, `bit_width` bits each, least significant bit first.
    Packed {
        /// The bytes; the last values may be padding.
        bytes: &'a [u8],
        /// How many values, padding included.
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
    /// Runs of values of `bit_width` bits, at most 32.
    pub fn new(bytes: &'a [u8], bit_width: u32) -> Self {
        Self { bytes, bit_width }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (index, byte) in self.bytes.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
            if byte & 0x80 == 0 {
                self.bytes = self.bytes.get(index + 1..)?;
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        if self.bytes.is_empty() || self.bit_width > 32 {
            return None;
        }
        let header = self.varint()?;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 0 {
            let width = self.bit_width.div_ceil(8) as usize;
            let stored = self.bytes.get(..width)?;
            self.bytes = self.bytes.get(width..)?;
            let value = stored
                .iter()
                .rev()
                .fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            return Some(Run::Repeated { count, value });
        }
        // The last group may be cut short where its values are padding.
        let wanted = count.checked_mul(self.bit_width as usize)?;
        let (bytes, rest) = self.bytes.split_at(wanted.min(self.bytes.len()));
        self.bytes = rest;
        let count = if self.bit_width == 0 {
            count.checked_mul(8)?
        } else {
            count
                .checked_mul(8)?
                .min(bytes.len() * 8 / self.bit_width as usize)
        };
        Some(Run::Packed { bytes, count })
    }
}

/// The value at `index` of a packed run.
pub fn unpack(bytes: &[u8], bit_width: u32, index: usize) -> Option<u32> {
    if bit_width == 0 {
        return Some(0);
    }
    let first_bit = index.checked_mul(bit_width as usize)?;
    let start = first_bit / 8;
    let needed = (first_bit % 8 + bit_width as usize).div_ceil(8);
    let mut window = 0_u64;
    for (offset, byte) in bytes.get(start..start + needed)?.iter().enumerate() {
        window |= u64::from(*byte) << (8 * offset);
    }
    let mask = (1_u64 << bit_width) - 1;
    u32::try_from(window >> (first_bit % 8) & mask).ok()
}

/// Whether the first `count` values are all `value`.
pub fn all_are(bytes: &[u8], bit_width: u32, count: usize, value: u32) -> bool {
    let mut left = count;
    for run in Runs::new(bytes, bit_width) {
        match run {
            Run::Repeated {
                count,
                value: found,
            } => {
                if left > 0 && count > 0 && found != value {
                    return false;
                }
                left = left.saturating_sub(count);
            }
            Run::Packed { bytes, count } => {
                let some = count.min(left);
                if (0..some).any(|index| unpack(bytes, bit_width, index) != Some(value)) {
                    return false;
                }
                left -= some;
            }
        }
        if left == 0 {
            break;
        }
    }
    left == 0
}

/// How long the lists are whose repetition levels (one bit each) these are, if all of the first
/// `count` levels are of whole lists of one length, at least 1.
pub fn list_length(bytes: &[u8], count: usize) -> Option<usize> {
    let mut lengths = Lengths::default();
    let mut left = count;
    for run in Runs::new(bytes, 1) {
        match run {
            Run::Repeated { count, value } => {
                let some = count.min(left);
                lengths.take(value, some)?;
                left -= some;
            }
            Run::Packed { bytes, count } => {
                let some = count.min(left);
                for index in 0..some {
                    lengths.take(unpack(bytes, 1, index)?, 1)?;
                }
                left -= some;
            }
        }
        if left == 0 {
            break;
        }
    }
    if left > 0 {
        return None;
    }
    lengths.end()
}

#[derive(Default)]
struct Lengths {
    /// Of the lists so far; they agree.
    length: Option<usize>,
    /// Of the list under way.
    current: usize,
}

impl Lengths {
    fn take(&mut self, level: u32, times: usize) -> Option<()> {
        if times == 0 {
            return Some(());
        }
        if level == 0 {
            if self.current > 0 {
                self.close()?;
            }
            if times > 1 {
                // Lists of one element each.
                self.current = 1;
                self.close()?;
            }
            self.current = 1;
            return Some(());
        }
        // A page that begins inside a list is not one of ours.
        if self.current == 0 {
            return None;
        }
        self.current = self.current.checked_add(times)?;
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        if self.length.is_some_and(|length| length != self.current) {
            return None;
        }
        self.length = Some(self.current);
        Some(())
    }

    fn end(mut self) -> Option<usize> {
        self.close()?;
        self.length.filter(|length| *length > 0)
    }
}
