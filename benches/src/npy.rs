//! Plain `.npy` files of float32 rows, read and written without the code that is measured.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::figure::Result;

/// Rows of float32, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// Numbers in a row.
    pub dimension: usize,
    /// Rows one after another.
    pub values: Vec<f32>,
}

impl Vectors {
    /// The rows.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dimension.max(1))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Reads a version 1 `.npy` of little-endian float32 in two dimensions.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let wrong = |what: &str| format!("{}: {what}", path.display());
        let length = bytes.get(8..10).ok_or_else(|| wrong("no header"))?;
        let length = usize::from(length[0]) | (usize::from(length[1]) << 8);
        let header = bytes
            .get(10..10 + length)
            .ok_or_else(|| wrong("no header"))?;
        let header = std::str::from_utf8(header)?;
        if !header.contains("'<f4'") || header.contains("True") {
            return Err(wrong("expected float32 in row-major order").into());
        }
        let shape = header.split_once("'shape': (").map_or("", |(_, rest)| rest);
        let shape = shape.split_once(')').map_or("", |(shape, _)| shape);
        let sizes = shape
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.trim().parse())
            .collect::<std::result::Result<Vec<usize>, _>>()?;
        let [rows, dimension] = sizes.as_slice() else {
            return Err(wrong("expected two dimensions").into());
        };
        let body = bytes.get(10 + length..).unwrap_or_default();
        let (numbers, _) = body.as_chunks::<4>();
        if numbers.len() != rows * dimension {
            return Err(wrong("the length is not what the shape says").into());
        }
        let values = numbers
            .iter()
            .map(|number| f32::from_le_bytes(*number))
            .collect();
        Ok(Self {
            dimension: *dimension,
            values,
        })
    }

    /// Writes the same.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut header = format!(
            "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
            self.len(),
            self.dimension
        );
        // Magic, version and length take 10 bytes; the whole is a multiple of 64 and ends a line.
        let padding = 63 - (10 + header.len()) % 64;
        header.extend(std::iter::repeat_n(' ', padding));
        header.push('\n');
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for value in &self.values {
            file.write_all(&value.to_le_bytes())?;
        }
        Ok(file.flush()?)
    }

    /// A sum that changes when a number or its place does: every number's bits times twice its place plus one, modulo
    /// 2^64. `compare.py` computes the same of what other readers give.
    pub fn fingerprint(&self) -> u64 {
        self.values
            .iter()
            .enumerate()
            .fold(0_u64, |sum, (place, value)| {
                let weight = 2 * place as u64 + 1;
                sum.wrapping_add(u64::from(value.to_bits()).wrapping_mul(weight))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let vectors = Vectors {
            dimension: 3,
            values: vec![1.0, -2.5, 0.0, 4.0, 5.0, 6.0],
        };
        vectors.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len() % 64, 24);
        assert_eq!(Vectors::read(&path).unwrap(), vectors);
    }
}
