//! Writing `.npy` files.

use crate::dtype::DType;

/// Bytes in every header that [`npy_header`] gives, and so the offset of the values behind it.
///
/// The text takes at most 97 bytes (two numbers of 20 digits); before it come 10 bytes of magic, version and length,
/// behind it one newline. NumPy keeps room for the row count to grow and pads to a multiple of 64, so always to 128.
pub const NPY_HEADER_BYTES: usize = 128;

/// Magic, version 1.0, and the length of what follows.
const PRELUDE: [u8; 10] = *b"\x93NUMPY\x01\x00\x76\x00";
const _: () = assert!(NPY_HEADER_BYTES - PRELUDE.len() == 0x76);

/// The header of a `.npy` file of `rows` vectors of `dimension` values, in little-endian C order: the same bytes that
/// NumPy writes.
///
/// It is [`NPY_HEADER_BYTES`] long whatever the row count. To stream rows whose number is not known, write the header
/// for 0 rows first and write it again over itself in the end.
pub fn npy_header(dtype: DType, rows: u64, dimension: usize) -> Vec<u8> {
    let text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({rows}, {dimension}), }}",
        dtype.descr(),
    );
    let mut header = Vec::with_capacity(NPY_HEADER_BYTES);
    header.extend_from_slice(&PRELUDE);
    header.extend_from_slice(text.as_bytes());
    header.resize(NPY_HEADER_BYTES - 1, b' ');
    header.push(b'\n');
    header
}
