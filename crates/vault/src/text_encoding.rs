//! Encodings of texts, by the names that Python knows them by.

use std::borrow::Cow;
use std::fmt;

use crate::error::ValueError;

/// How a text is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8.
    Utf8,
    /// Seven bits.
    Ascii,
    /// ISO 8859-1: a byte is a code point.
    Latin1,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// UTF-16 that starts with a byte-order mark; low byte first where it has none.
    Utf16,
    /// Any other that the web knows, such as `cp1252` and `shift_jis`.
    Other(&'static encoding_rs::Encoding),
}

impl TextEncoding {
    /// The encoding of a name, in any case, with `-` or `_`.
    pub fn of_name(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Some(match plain.as_str() {
            "utf8" | "u8" => Self::Utf8,
            "ascii" | "usascii" => Self::Ascii,
            "latin1" | "iso88591" | "l1" | "8859" => Self::Latin1,
            "utf16le" => Self::Utf16Le,
            "utf16be" => Self::Utf16Be,
            "utf16" | "u16" => Self::Utf16,
            "cp932" | "ms932" | "shiftjis" | "sjis" => Self::Other(encoding_rs::SHIFT_JIS),
            "cp936" | "gb2312" | "gbk" => Self::Other(encoding_rs::GBK),
            "cp949" | "euckr" => Self::Other(encoding_rs::EUC_KR),
            "cp950" | "big5" => Self::Other(encoding_rs::BIG5),
            "eucjp" => Self::Other(encoding_rs::EUC_JP),
            "koi8r" => Self::Other(encoding_rs::KOI8_R),
            "koi8u" => Self::Other(encoding_rs::KOI8_U),
            _ => {
                let dashed = name.replace('_', "-");
                let encoding = encoding_rs::Encoding::for_label(dashed.as_bytes())
                    .or_else(|| encoding_rs::Encoding::for_label(plain.as_bytes()))?;
                // The web reads these names as other encodings than Python does.
                if encoding == encoding_rs::REPLACEMENT || encoding.output_encoding() != encoding {
                    return None;
                }
                Self::Other(encoding)
            }
        })
    }

    /// The text of stored bytes.
    pub fn decode<'a>(self, bytes: &'a [u8]) -> Result<Cow<'a, str>, ValueError> {
        let bad = |found: &dyn fmt::Display| ValueError::new("a text", found, self);
        match self {
            Self::Utf8 => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|error| bad(&error)),
            Self::Ascii if bytes.is_ascii() => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|error| bad(&error)),
            Self::Ascii => Err(bad(&"a byte above 0x7f")),
            Self::Latin1 => Ok(Cow::Owned(
                bytes.iter().map(|&byte| char::from(byte)).collect(),
            )),
            Self::Utf16Le => decode_utf16(bytes, u16::from_le_bytes, self),
            Self::Utf16Be => decode_utf16(bytes, u16::from_be_bytes, self),
            Self::Utf16 => match bytes {
                [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes, self),
                [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes, self),
                rest => decode_utf16(rest, u16::from_le_bytes, self),
            },
            Self::Other(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or_else(|| bad(&"other bytes")),
        }
    }

    /// The bytes to store for a text.
    pub fn encode<'a>(self, text: &'a str) -> Result<Cow<'a, [u8]>, ValueError> {
        let units = |to_bytes: fn(u16) -> [u8; 2], mark: Option<u16>| {
            let units = mark.into_iter().chain(text.encode_utf16());
            Cow::Owned(units.flat_map(to_bytes).collect())
        };
        let unknown = || ValueError::new("a text", "a character that the encoding lacks", self);
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Ascii if text.is_ascii() => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Ascii => Err(unknown()),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(c).map_err(|_| unknown()))
                .collect::<Result<Vec<u8>, _>>()
                .map(Cow::Owned),
            Self::Utf16Le => Ok(units(u16::to_le_bytes, None)),
            Self::Utf16Be => Ok(units(u16::to_be_bytes, None)),
            Self::Utf16 => Ok(units(u16::to_le_bytes, Some(0xFEFF))),
            Self::Other(encoding) => {
                let (bytes, _, had_errors) = encoding.encode(text);
                if had_errors {
                    Err(unknown())
                } else {
                    Ok(bytes)
                }
            }
        }
    }

    /// Bytes of one unit: padding of a fixed size is made of whole ones.
    pub(crate) fn unit_bytes(self) -> usize {
        match self {
            Self::Utf16 | Self::Utf16Le | Self::Utf16Be => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf8",
            Self::Ascii => "ascii",
            Self::Latin1 => "latin1",
            Self::Utf16Le => "utf16le",
            Self::Utf16Be => "utf16be",
            Self::Utf16 => "utf16",
            Self::Other(encoding) => encoding.name(),
        })
    }
}

fn decode_utf16(
    bytes: &[u8],
    unit: fn([u8; 2]) -> u16,
    encoding: TextEncoding,
) -> Result<Cow<'static, str>, ValueError> {
    if !bytes.len().is_multiple_of(2) {
        return Err(ValueError::new(
            "a text",
            format!("{} bytes", bytes.len()),
            format!("{encoding}, which has an even number"),
        ));
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .map(Cow::Owned)
        .map_err(|error| ValueError::new("a text", error, encoding))
}
