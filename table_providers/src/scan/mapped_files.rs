//! Which file is mapped where: for a signal handler, which may neither allocate nor wait.
//!
//! ```text
//! slots   start  end  name     written when a file is mapped; start is 0 where there is none
//! names   "/data/docs.cvc"     written once, never changed
//! ```

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Maps that are known at a time; more stay without a name.
const SLOTS: usize = 8192;
/// Names that are kept, of all files that were ever mapped.
const NAMES: usize = 65_536;

struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    name: AtomicUsize,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        name: AtomicUsize::new(0),
    }
}; SLOTS];
static TEXTS: [OnceLock<Box<str>>; NAMES] = [const { OnceLock::new() }; NAMES];
/// By name its number, and slots that are free beside those from `next` on.
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

#[derive(Default)]
struct Known {
    numbers: HashMap<Box<str>, usize>,
    free: Vec<usize>,
    next: usize,
}

/// The place of a map in the table, until it is dropped.
#[derive(Debug)]
pub struct MappedFile {
    slot: Option<usize>,
}

impl MappedFile {
    /// Notes that a file is mapped.
    pub fn note(map: &[u8], name: &str) -> Self {
        let mut known = KNOWN.lock();
        let known = known.get_or_insert_default();
        let number = match known.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = known.numbers.len();
                let Some(text) = TEXTS.get(number) else {
                    return Self { slot: None };
                };
                let _ = text.set(name.into());
                known.numbers.insert(name.into(), number);
                number
            }
        };
        let slot = known.free.pop().unwrap_or_else(|| {
            known.next += 1;
            known.next - 1
        });
        let Some(entry) = TABLE.get(slot) else {
            return Self { slot: None };
        };
        let start = map.as_ptr() as usize;
        entry.name.store(number, Ordering::Relaxed);
        entry.end.store(start + map.len(), Ordering::Relaxed);
        entry.start.store(start, Ordering::Release);
        Self { slot: Some(slot) }
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if let Some(slot) = self.slot
            && let Some(entry) = TABLE.get(slot)
        {
            entry.start.store(0, Ordering::Release);
            KNOWN.lock().get_or_insert_default().free.push(slot);
        }
    }
}

/// The file that is mapped at an address. Safe to call in a signal handler: it reads atomic numbers only, and the name of a
/// file that is being read stays.
pub fn mapped_file_at(address: usize) -> Option<&'static str> {
    let entry = TABLE.iter().find(|entry| {
        let start = entry.start.load(Ordering::Acquire);
        start != 0 && (start..entry.end.load(Ordering::Relaxed)).contains(&address)
    })?;
    let number = entry.name.load(Ordering::Relaxed);
    TEXTS.get(number)?.get().map(AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_the_file() {
        let bytes = vec![0_u8; 100];
        let address = bytes.as_ptr() as usize;
        assert_eq!(mapped_file_at(address), None);
        let noted = MappedFile::note(&bytes, "/x.cvc");
        assert_eq!(mapped_file_at(address), Some("/x.cvc"));
        assert_eq!(mapped_file_at(address + 99), Some("/x.cvc"));
        assert_ne!(mapped_file_at(address + 100), Some("/x.cvc"));
        drop(noted);
        assert_eq!(mapped_file_at(address), None);
    }
}
