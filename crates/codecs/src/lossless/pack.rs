//! Values to planes.

use super::header::code_bits;
use crate::Error;

pub(super) fn encode(values: &[f32], out: &mut Vec<u8>) -> Result<(), Error> {
    let Ok(count) = u32::try_from(values.len()) else {
        return Err(Error::TooMany {
            found: values.len() as u64,
            expected: super::VALUES_MAX,
        });
    };
    let codebooks: [Codebook; 4] = present(values).map(Codebook::new);
    let codes_bytes: usize = codebooks
        .iter()
        .map(|book| 2 + book.entries + (values.len() * book.bits as usize).div_ceil(8))
        .sum();
    out.reserve(8 + codes_bytes);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend(codebooks.iter().map(|book| book.bits as u8));
    for (plane, book) in codebooks.iter().enumerate() {
        out.extend_from_slice(&(book.entries as u16).to_le_bytes());
        out.extend_from_slice(book.dictionary.get(..book.entries).unwrap_or_default());
        pack(values, plane as u32 * 8, book, out);
    }
    Ok(())
}

/// The distinct bytes of one plane.
struct Codebook {
    /// The first `entries` are the distinct bytes, ascending.
    dictionary: [u8; 256],
    entries: usize,
    /// The code of each byte value.
    codes: [u8; 256],
    bits: u32,
}

impl Codebook {
    fn new(present: [bool; 256]) -> Self {
        let mut dictionary = [0; 256];
        let mut codes = [0; 256];
        let mut entries = 0_usize;
        for (byte, code) in codes.iter_mut().enumerate() {
            if present[byte] {
                *code = entries as u8;
                dictionary[entries] = byte as u8;
                entries += 1;
            }
        }
        // Without values there is nothing to look up, but the format counts from one.
        let entries = entries.max(1);
        Self {
            dictionary,
            entries,
            codes,
            bits: code_bits(entries),
        }
    }
}

/// Which byte values occur in each plane.
fn present(values: &[f32]) -> [[bool; 256]; 4] {
    let mut present = [[false; 256]; 4];
    for value in values {
        for (plane, byte) in value.to_bits().to_le_bytes().into_iter().enumerate() {
            present[plane][usize::from(byte)] = true;
        }
    }
    present
}

/// Appends the codes of the plane that is `shift` bits up in every value.
fn pack(values: &[f32], shift: u32, book: &Codebook, out: &mut Vec<u8>) {
    let code = |value: &f32| book.codes[usize::from((value.to_bits() >> shift) as u8)];
    if book.bits == 8 {
        out.extend(values.iter().map(code));
        return;
    }
    // Eight codes fill exactly `bits` bytes.
    let (groups, tail) = values.as_chunks::<8>();
    for group in groups {
        let word = group.iter().fold(0_u64, |word, value| {
            word << book.bits | u64::from(code(value))
        });
        let bytes = (word << (64 - 8 * book.bits)).to_be_bytes();
        out.extend_from_slice(bytes.get(..book.bits as usize).unwrap_or_default());
    }
    if !tail.is_empty() {
        let used = tail.len() as u32 * book.bits;
        let word = tail.iter().fold(0_u64, |word, value| {
            word << book.bits | u64::from(code(value))
        });
        let bytes = (word << (64 - used)).to_be_bytes();
        out.extend_from_slice(bytes.get(..used.div_ceil(8) as usize).unwrap_or_default());
    }
}
