//! Decoded rows of a column, in flat buffers that Arrow can take over as they are.

use crate::element::Element;

/// Numbers of one type.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is the Rust type of its name")]
pub enum Numbers {
    /// A byte each; 0 is false.
    Bool(Vec<u8>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    /// The bits of half-precision floats.
    F16(Vec<u16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

// Stored numbers are little-endian and become the buffer's numbers without a change.
const _: () = assert!(
    cfg!(target_endian = "little"),
    "columns are read as they lie"
);

macro_rules! each {
    ($numbers:expr, $vector:ident => $body:expr) => {
        match $numbers {
            Numbers::Bool($vector) => $body,
            Numbers::I8($vector) => $body,
            Numbers::I16($vector) => $body,
            Numbers::I32($vector) => $body,
            Numbers::I64($vector) => $body,
            Numbers::U8($vector) => $body,
            Numbers::U16($vector) => $body,
            Numbers::U32($vector) => $body,
            Numbers::U64($vector) => $body,
            Numbers::F16($vector) => $body,
            Numbers::F32($vector) => $body,
            Numbers::F64($vector) => $body,
        }
    };
}

impl Numbers {
    /// No numbers of a type.
    pub fn empty(element: Element) -> Self {
        Self::zeroed(element, 0)
    }

    /// That many zeros.
    pub fn zeroed(element: Element, count: usize) -> Self {
        match element {
            Element::Bool => Self::Bool(vec![0; count]),
            Element::I8 => Self::I8(vec![0; count]),
            Element::I16 => Self::I16(vec![0; count]),
            Element::I32 => Self::I32(vec![0; count]),
            Element::I64 => Self::I64(vec![0; count]),
            Element::U8 => Self::U8(vec![0; count]),
            Element::U16 => Self::U16(vec![0; count]),
            Element::U32 => Self::U32(vec![0; count]),
            Element::U64 => Self::U64(vec![0; count]),
            Element::F16 => Self::F16(vec![0; count]),
            Element::F32 => Self::F32(vec![0.0; count]),
            Element::F64 => Self::F64(vec![0.0; count]),
        }
    }

    /// Their type.
    pub fn element(&self) -> Element {
        match self {
            Self::Bool(_) => Element::Bool,
            Self::I8(_) => Element::I8,
            Self::I16(_) => Element::I16,
            Self::I32(_) => Element::I32,
            Self::I64(_) => Element::I64,
            Self::U8(_) => Element::U8,
            Self::U16(_) => Element::U16,
            Self::U32(_) => Element::U32,
            Self::U64(_) => Element::U64,
            Self::F16(_) => Element::F16,
            Self::F32(_) => Element::F32,
            Self::F64(_) => Element::F64,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        each!(self, numbers => numbers.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their bytes, little-endian.
    pub fn as_bytes(&self) -> &[u8] {
        each!(self, numbers => bytemuck::must_cast_slice(numbers))
    }

    /// Their bytes, to be filled.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        each!(self, numbers => bytemuck::must_cast_slice_mut(numbers))
    }

    /// Appends numbers by their bytes, of which a part of a number at the end is left out.
    pub fn extend_from_bytes(&mut self, bytes: &[u8]) {
        let size = self.element().size();
        let old = self.len();
        let added = bytes.len() / size;
        each!(self, numbers => numbers.resize(old + added, Default::default()));
        if let (Some(to), Some(from)) = (
            self.as_bytes_mut().get_mut(old * size..),
            bytes.get(..added * size),
        ) {
            to.copy_from_slice(from);
        }
    }
}

/// Rows of bytes, one after the other: row `k` is `data[offsets[k]..offsets[k + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slices {
    /// Where rows start, and the last ends; never empty, never falling, the first is 0.
    pub offsets: Vec<i32>,
    /// The bytes of all rows.
    pub data: Vec<u8>,
}

impl Default for Slices {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            data: Vec::new(),
        }
    }
}

impl Slices {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One row.
    pub fn get(&self, row: usize) -> &[u8] {
        let bound = |at: usize| {
            self.offsets
                .get(at)
                .and_then(|offset| usize::try_from(*offset).ok())
        };
        match (bound(row), bound(row + 1)) {
            (Some(start), Some(end)) => self.data.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Appends a row; `false` where the rows together would be longer than offsets can say.
    #[must_use]
    pub fn push(&mut self, row: &[u8]) -> bool {
        let Ok(end) = i32::try_from(self.data.len() + row.len()) else {
            return false;
        };
        self.data.extend_from_slice(row);
        self.offsets.push(end);
        true
    }
}

/// Decoded rows of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnValues {
    /// A number a row.
    Numbers(Numbers),
    /// Arrays of one shape: that many numbers a row.
    FixedVectors {
        /// Numbers of all rows.
        numbers: Numbers,
        /// Numbers of a row.
        dimensions: usize,
    },
    /// Arrays of any shape, row-major.
    Vectors {
        /// Where rows start among the numbers, and the last ends.
        offsets: Vec<i32>,
        /// Numbers of all rows.
        numbers: Numbers,
    },
    /// Bytes of one size.
    FixedBytes {
        /// The bytes of all rows.
        data: Vec<u8>,
        /// Bytes of a row.
        size: usize,
    },
    /// Bytes.
    Bytes(Slices),
    /// UTF-8 texts.
    Texts(Slices),
    /// Documents as JSON text.
    Json(Slices),
}

impl ColumnValues {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::FixedVectors {
                numbers,
                dimensions,
            } => numbers.len() / (*dimensions).max(1),
            Self::Vectors { offsets, .. } => offsets.len().saturating_sub(1),
            Self::FixedBytes { data, size } => data.len() / (*size).max(1),
            Self::Bytes(rows) | Self::Texts(rows) | Self::Json(rows) => rows.len(),
        }
    }
}
