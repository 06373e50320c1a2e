//! CVC files from parts, so that changing a part does not make the whole unreadable.

use ogive_cvc::{Error, Layout, MAGIC, Version, open_slice};

/// Longest file that is made by adding zeros to one that is cut short.
const FILE_BYTES_MAX: usize = 64 << 10;

/// Puts a file together: the first byte of `parts` is the version, then comes the header's text up to a zero byte, then
/// the records. Its length is put before the text.
pub fn assemble(parts: &[u8]) -> Vec<u8> {
    let (version, rest) = parts.split_first().unwrap_or((&0, &[]));
    let text_bytes = rest.iter().position(|byte| *byte == 0);
    let (text, records) = match text_bytes {
        Some(length) => (&rest[..length], &rest[length + 1..]),
        None => (rest, [].as_slice()),
    };
    let mut file = MAGIC.to_vec();
    match version % 3 {
        0 => {}
        major => file.extend_from_slice(&[major, 0, version / 3, 0]),
    }
    file.extend_from_slice(&(text.len() as u32).to_le_bytes());
    file.extend_from_slice(text);
    file.extend_from_slice(records);
    file
}

/// Opens a file after making good what stands between its header and its payloads: records that the file is too short
/// for are filled up with zeros, and lengths and checksums of records are made right.
pub fn settle(file: &mut Vec<u8>) -> Option<Layout> {
    let layout = loop {
        match open_slice("fuzz.cvc", file) {
            Ok(layout) => break layout,
            Err(Error::Truncated { place, .. })
                if place.chunk().is_some() && file.len() < FILE_BYTES_MAX =>
            {
                file.resize(FILE_BYTES_MAX, 0);
            }
            Err(Error::BadRecord {
                offset,
                found,
                expected,
                ..
            }) if found != expected => {
                let start = usize::try_from(offset).ok()?;
                let length = u32::try_from(expected).ok()?;
                file.get_mut(start..start + 4)?
                    .copy_from_slice(&length.to_le_bytes());
            }
            Err(_) => return None,
        }
    };
    for chunk in 0..layout.chunks().len() {
        let (Some(record), Some(payload)) =
            (layout.record_range(chunk), layout.payload_range(chunk))
        else {
            panic!("chunk {chunk} of an open file has no place");
        };
        let start = usize::try_from(record.start).ok()?;
        let range = usize::try_from(payload.start).ok()?..usize::try_from(payload.end).ok()?;
        let length = (range.len() as u32).to_le_bytes();
        let checksum = crc32fast::hash(&file[range]).to_le_bytes();
        file[start..start + 4].copy_from_slice(&length);
        if layout.version() != Version::V0 {
            file[start + 4..start + 8].copy_from_slice(&checksum);
        }
    }
    Some(layout)
}
