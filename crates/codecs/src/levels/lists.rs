//! What the levels of a column of lists say, read off their runs.

use super::{Run, Runs, unpack};

/// Whether there are `count` values, and the first `count` are all `value`.
pub fn all_are(bytes: &[u8], bit_width: u32, count: usize, value: u32) -> bool {
    let mut left = count;
    for run in Runs::new(bytes, bit_width) {
        if left == 0 {
            break;
        }
        let some = match run {
            Run::Repeated {
                count,
                value: found,
            } => {
                if found != value {
                    return false;
                }
                count.min(left)
            }
            Run::Packed { bytes, count } => {
                let some = count.min(left);
                if (0..some).any(|index| unpack(bytes, bit_width, index) != Some(value)) {
                    return false;
                }
                some
            }
        };
        left -= some;
    }
    left == 0
}

/// How long the lists are whose repetition levels (one bit each) these are, if the first `count` levels are those of
/// whole lists of one length, at least 1.
pub fn list_length(bytes: &[u8], count: usize) -> Option<usize> {
    let mut lengths = Lengths::default();
    let mut left = count;
    for run in Runs::new(bytes, 1) {
        if left == 0 {
            break;
        }
        let some = match run {
            Run::Repeated { count, value } => {
                let some = count.min(left);
                lengths.take(value, some)?;
                some
            }
            Run::Packed { bytes, count } => {
                let some = count.min(left);
                for index in 0..some {
                    lengths.take(unpack(bytes, 1, index)?, 1)?;
                }
                some
            }
        };
        left -= some;
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
    /// Takes a level that comes `times` times, at least once.
    fn take(&mut self, level: u32, times: usize) -> Option<()> {
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
        // A sequence that begins inside a list is not one of whole lists.
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
