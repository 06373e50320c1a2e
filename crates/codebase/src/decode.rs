//! Bytes to text.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};

/// A file's text, or that it has none.
pub(crate) enum Decoded<'a> {
    /// Text, and what is wrong with its bytes.
    Text(Cow<'a, str>, Option<String>),
    /// Not text.
    Binary,
}

/// How far into a file a zero byte says that it is not text.
const BINARY_LOOK_BYTES: usize = 8192;

/// Whether bytes are no text: there is a zero byte near the start, and no mark of UTF-16.
pub(crate) fn is_binary(head: &[u8]) -> bool {
    let utf_16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let utf_32 = head.starts_with(&[0xff, 0xfe, 0, 0]);
    let looked = head.get(..BINARY_LOOK_BYTES).unwrap_or(head);
    looked.contains(&0) && (!utf_16 || utf_32)
}

/// Decodes UTF-8, with or without its mark, and UTF-16 with a mark. Bytes that are neither are replaced, and said.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    if is_binary(bytes) {
        return Decoded::Binary;
    }
    for (mark, encoding) in [(&[0xff, 0xfe][..], UTF_16LE), (&[0xfe, 0xff][..], UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            let (text, damaged) = encoding.decode_without_bom_handling(rest);
            let problem = damaged.then(|| format!("not valid {}", encoding.name()));
            return Decoded::Text(text, problem);
        }
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded::Text(Cow::Borrowed(text), None),
        Err(error) => {
            let at = error.valid_up_to();
            let line = bytes
                .get(..at)
                .unwrap_or(&[])
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            Decoded::Text(
                String::from_utf8_lossy(bytes),
                Some(format!(
                    "not valid UTF-8 from byte {at}, on line {line}; such bytes are replaced"
                )),
            )
        }
    }
}
