//! The Python dictionary in a `.npy` header, read without evaluating anything.
//!
//! ```text
//! header := '{' [ entry { ',' entry } [ ',' ] ] '}'
//! entry  := 'descr' ':' string | 'fortran_order' ':' ( True | False ) | 'shape' ':' tuple
//! tuple  := '(' ')' | '(' integer ',' [ integer { ',' integer } [ ',' ] ] ')'
//! ```
//!
//! Each key comes exactly once, in any order, as NumPy demands. Nothing nests, so there is no depth to limit, and the
//! parser keeps two lengths of the shape however many there are.

use crate::error::{Error, quoted};

/// A piece of the header and where it begins in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) offset: u64,
}

/// The header's three entries.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    /// The type word, without its quotes; or a structured type's text from its opening bracket on, unparsed.
    pub(crate) descr: Span<'a>,
    pub(crate) fortran_order: bool,
    pub(crate) fortran_order_offset: u64,
    pub(crate) shape: Shape<'a>,
}

/// An array's shape: how many axes, and the lengths of the first two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) axes: usize,
    pub(crate) lengths: [u64; 2],
    pub(crate) span: Span<'a>,
}

/// Parses `text`, which begins at byte `offset` of `file`.
///
/// A structured type is refused as soon as it is seen: whatever follows it could not make the array readable.
pub(crate) fn parse<'a>(file: &str, text: &'a [u8], offset: u64) -> Result<Header<'a>, Error> {
    let mut cursor = Cursor {
        file,
        text,
        at: 0,
        base: offset,
    };
    let mut descr = None;
    let mut fortran_order = None;
    let mut shape = None;

    cursor.expect(b'{', "'{'")?;
    while !cursor.take(b'}') {
        let key = cursor.string("a key in quotes, or '}'")?;
        let repeated = match key.text {
            b"descr" => descr.is_some(),
            b"fortran_order" => fortran_order.is_some(),
            b"shape" => shape.is_some(),
            _ => return Err(cursor.bad(key, "the key 'descr', 'fortran_order' or 'shape'")),
        };
        if repeated {
            return Err(cursor.bad(key, "each key once"));
        }
        cursor.expect(b':', "':'")?;
        match key.text {
            b"descr" => descr = Some(cursor.descr()?),
            b"fortran_order" => fortran_order = Some(cursor.boolean()?),
            _ => shape = Some(cursor.shape()?),
        }
        if !cursor.take(b',') {
            cursor.expect(b'}', "',' or '}'")?;
            break;
        }
    }
    if cursor.peek().is_some() {
        return Err(cursor.bad_here("nothing after '}' but space"));
    }

    let whole = Span { text, offset };
    let descr = descr.ok_or_else(|| cursor.bad(whole, "an entry 'descr'"))?;
    let (fortran_order, fortran_order_offset) =
        fortran_order.ok_or_else(|| cursor.bad(whole, "an entry 'fortran_order'"))?;
    let shape = shape.ok_or_else(|| cursor.bad(whole, "an entry 'shape'"))?;
    Ok(Header {
        descr,
        fortran_order,
        fortran_order_offset,
        shape,
    })
}

struct Cursor<'a, 'f> {
    file: &'f str,
    text: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Cursor<'a, '_> {
    /// What is left of the text.
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The bytes from `start` to here.
    fn since(&self, start: usize) -> Span<'a> {
        Span {
            text: self.text.get(start..self.at).unwrap_or_default(),
            offset: self.base + start as u64,
        }
    }

    fn bad(&self, span: Span<'_>, expected: &'static str) -> Error {
        Error::BadHeader {
            file: self.file.to_owned(),
            offset: span.offset,
            found: if span.text.is_empty() {
                "the header's end".to_owned()
            } else {
                quoted(span.text)
            },
            expected,
        }
    }

    fn bad_here(&self, expected: &'static str) -> Error {
        let here = Span {
            text: self.rest(),
            offset: self.base + self.at as u64,
        };
        self.bad(here, expected)
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        let space = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c'))
            .count();
        self.at += space;
        rest.get(space).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Error> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.bad_here(expected))
        }
    }

    /// A string in either kind of quotes, without them. Nothing that we accept needs an escape, so a backslash is
    /// refused rather than decoded.
    fn string(&mut self, expected: &'static str) -> Result<Span<'a>, Error> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return Err(self.bad_here(expected));
        };
        let body = self.rest().get(1..).unwrap_or_default();
        let length = body
            .iter()
            .position(|&byte| byte == quote || matches!(byte, b'\\' | b'\n'));
        let Some(length) = length.filter(|&length| body.get(length) == Some(&quote)) else {
            return Err(self.bad_here("a string on one line without a backslash"));
        };
        let start = self.at + 1;
        self.at = start + length;
        let span = self.since(start);
        self.at += 1;
        Ok(span)
    }

    fn descr(&mut self) -> Result<Span<'a>, Error> {
        if let Some(b'[' | b'(' | b'{') = self.peek() {
            return Err(Error::UnsupportedDType {
                file: self.file.to_owned(),
                offset: self.base + self.at as u64,
                found: quoted(self.rest()),
                meaning: "structures",
                expected: EXPECTED_DTYPES,
            });
        }
        self.string("a type such as '<f4' in quotes")
    }

    /// A boolean, and where it begins in the file.
    fn boolean(&mut self) -> Result<(bool, u64), Error> {
        self.peek();
        let offset = self.base + self.at as u64;
        for (word, value) in [(b"True".as_slice(), true), (b"False".as_slice(), false)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok((value, offset));
            }
        }
        Err(self.bad_here("True or False"))
    }

    fn shape(&mut self) -> Result<Shape<'a>, Error> {
        const TUPLE: &str = "a tuple of integers such as (3, 4)";
        self.peek();
        let start = self.at;
        self.expect(b'(', TUPLE)?;
        let mut axes = 0;
        let mut lengths = [0; 2];
        let mut comma = true;
        while !self.take(b')') {
            if !comma {
                return Err(self.bad_here("',' or ')'"));
            }
            let length = self.integer()?;
            if let Some(slot) = lengths.get_mut(axes) {
                *slot = length;
            }
            axes += 1;
            comma = self.take(b',');
        }
        let span = self.since(start);
        // To Python, (3) is the number 3 and not a tuple.
        if axes == 1 && !comma {
            return Err(self.bad(span, TUPLE));
        }
        Ok(Shape {
            axes,
            lengths,
            span,
        })
    }

    /// A decimal integer of at most 64 bits. Python 2 wrote long integers with an `L` behind them.
    fn integer(&mut self) -> Result<u64, Error> {
        self.peek();
        let start = self.at;
        let digits = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return Err(self.bad_here("an integer of zero or more"));
        }
        self.at += digits;
        let span = self.since(start);
        if digits > 1 && span.text.starts_with(b"0") {
            return Err(self.bad(span, "an integer without leading zeros"));
        }
        let value = span.text.iter().try_fold(0u64, |value, byte| {
            value
                .checked_mul(10)?
                .checked_add(u64::from(byte.wrapping_sub(b'0')))
        });
        let value = value.ok_or_else(|| self.bad(span, "an integer of at most 64 bits"))?;
        if self.rest().starts_with(b"L") {
            self.at += 1;
        }
        Ok(value)
    }
}

/// The types that are read, for messages.
pub(crate) const EXPECTED_DTYPES: &str =
    "a plain type among f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 and b1";
