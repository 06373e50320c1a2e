//! Files of every kind, whole, cut, bent and generated.

use std::ops::Range;

use crate::{
    ArrayLayout, DType, Error, Format, LayoutReader, NPY_HEADER_BYTES, Progress, npy_header,
};

mod copying;
mod damage;
mod headers;
mod rows;

const DTYPES: [DType; 12] = [
    DType::F64,
    DType::F32,
    DType::F16,
    DType::I8,
    DType::U8,
    DType::I16,
    DType::U16,
    DType::I32,
    DType::U32,
    DType::I64,
    DType::U64,
    DType::Bool,
];

/// Runs a reader over `file`, checking that what it asks for is in the file, wanted and small.
fn open(name: &str, format: Format, file: &[u8]) -> Result<ArrayLayout, Error> {
    let mut reader = LayoutReader::new(name, format, file.len() as u64);
    let mut asked = 0;
    loop {
        match reader.next()? {
            Progress::Need(range) => {
                assert!(range.start < range.end && range.end <= file.len() as u64);
                assert_eq!(range.start, asked, "bytes asked for twice or skipped");
                asked = range.end;
                assert!(asked <= 65_535 + 12);
                let bytes = piece(file, range.clone());
                reader.feed(range, bytes)?;
            }
            Progress::Done(layout) => {
                assert_eq!(reader.next()?, Progress::Done(layout.clone()));
                return Ok(layout);
            }
        }
    }
}

fn piece(file: &[u8], range: Range<u64>) -> &[u8] {
    &file[range.start as usize..range.end as usize]
}

/// A `.npy` file of the given version around a header text, followed by `data_bytes` zero bytes.
fn npy_file(major: u8, text: &[u8], data_bytes: usize) -> Vec<u8> {
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([major, 0]);
    if major == 1 {
        file.extend((text.len() as u16).to_le_bytes());
    } else {
        file.extend((text.len() as u32).to_le_bytes());
    }
    file.extend(text);
    file.resize(file.len() + data_bytes, 0);
    file
}

fn open_text(text: &str, data_bytes: usize) -> Result<ArrayLayout, Error> {
    open(
        "t.npy",
        Format::Npy,
        &npy_file(1, text.as_bytes(), data_bytes),
    )
}

/// A file of the `.fvecs` family; each row is given by its dimension field and its value bytes.
fn vecs_file(rows: &[(i32, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for (dimension, values) in rows {
        file.extend(dimension.to_le_bytes());
        file.extend(values);
    }
    file
}

/// Numbers that look random and are the same in every run.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
