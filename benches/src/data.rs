//! The files that are measured.

use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::figure::Result;
use crate::noise::Noise;
use crate::npy::Vectors;

/// Real embeddings that come with the project.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data");
/// Standard deviation of what is added to each number of a repeated row: in 384 dimensions a row of length one moves by
/// 0.2, so copies are near one another and still not the same.
const NOISE: f64 = 0.01;
const SEED: u64 = 384;
/// Rows in a row group: enough groups for every engine to spread over threads.
const PARQUET_GROUP_ROWS: usize = 25_000;

/// How much data to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize {
    /// Rows of everything but the following.
    pub rows: usize,
    /// Rows of the lossless file: its peer takes seconds for few.
    pub lossless_rows: usize,
    /// How often the large file repeats all rows; 0 leaves it out.
    pub large_repeats: usize,
}

/// Where the files are.
#[derive(Debug, Clone)]
pub struct DataFiles {
    folder: PathBuf,
}

impl DataFiles {
    /// The files of a folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The path of one of them.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The same, for SQL.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// The float32 rows that all files are made of.
    pub fn base(&self) -> Result<Vectors> {
        Vectors::read(&self.path("base.npy"))
    }

    /// Queries, which are not among the rows.
    pub fn queries(&self) -> Result<Vectors> {
        Vectors::read(&Path::new(EXAMPLES).join("queries.npy"))
    }
}

/// Queries of the batch that [`knn_join`](crate::knn_join) takes.
const BATCH_QUERIES: usize = 10_000;

/// Makes `batch.npy`, queries that are near rows of the base and not among them, unless it is there.
pub fn make_batch(files: &DataFiles) -> Result<Vectors> {
    let path = files.path("batch.npy");
    if !path.exists() {
        let base = files.base()?;
        let step = (base.len() / BATCH_QUERIES).max(1);
        let mut sample = Vectors {
            dimension: base.dimension,
            values: Vec::new(),
        };
        for row in base.rows().step_by(step).take(BATCH_QUERIES) {
            sample.values.extend_from_slice(row);
        }
        let rows = sample.len();
        let mut moved = repeated(&sample, rows, 2 * rows);
        moved.values.drain(..rows * base.dimension);
        moved.write(&path)?;
    }
    Vectors::read(&path)
}

/// Makes the files unless they are there, and says whether it did.
///
/// `source` is a file of real embeddings; without one the example passages are used. Rows past its end repeat it, moved a
/// little and brought back to length one.
pub fn make_data(files: &DataFiles, source: Option<&Path>, size: DataSize) -> Result<bool> {
    let done = files.path("done");
    let source = source.map_or_else(|| Path::new(EXAMPLES).join("passages.npy"), Path::to_owned);
    let words = format!("{size:?} out of {}\n", source.display());
    if std::fs::read_to_string(&done).is_ok_and(|text| text == words) {
        return Ok(false);
    }
    std::fs::create_dir_all(&files.folder)?;
    // One thread, so that rows are written in the order they are read.
    let engine = Engine::new(1, None)?;
    let real = engine.vectors(&format!("SELECT vector FROM '{}'", source.display()))?;
    let kept = real.len().min(size.rows.div_ceil(2).max(1));
    repeated(&real, kept, size.rows).write(&files.path("base.npy"))?;
    drop(real);

    let base = files.text("base.npy");
    let rows = format!("SELECT vector FROM '{base}'");
    copy(&engine, files, &rows, "base.fp16.cvc", "compression 'fp16'")?;
    copy(&engine, files, &rows, "base.int8.cvc", "compression 'int8'")?;
    // The last rows, which are noise to the last bit; a source of halves has bits that are always zero.
    let lossless = format!(
        "{rows} WHERE _row >= {}",
        size.rows.saturating_sub(size.lossless_rows)
    );
    copy(
        &engine,
        files,
        &lossless,
        "base.lossless.cvc",
        "compression 'lossless'",
    )?;
    let ten = format!("{rows} WHERE _row < 10");
    copy(&engine, files, &ten, "ten.cvc", "compression 'fp16'")?;
    let parquet = format!(
        "'format.compression' 'uncompressed', 'format.dictionary_enabled' 'false', \
         'format.max_row_group_size' '{PARQUET_GROUP_ROWS}'"
    );
    let with_id = format!("SELECT _row AS id, vector FROM '{base}'");
    copy(&engine, files, &with_id, "base.parquet", &parquet)?;
    if size.large_repeats > 0 {
        let all = vec![rows.as_str(); size.large_repeats].join(" UNION ALL ");
        copy(&engine, files, &all, "large.fp16.cvc", "compression 'fp16'")?;
    }
    std::fs::write(done, words)?;
    Ok(true)
}

fn copy(engine: &Engine, files: &DataFiles, rows: &str, to: &str, options: &str) -> Result<()> {
    let path = files.path(to);
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let sql = format!("COPY ({rows}) TO '{}' OPTIONS ({options})", path.display());
    engine
        .query(&sql, vec![])
        .map_err(|e| format!("{to}: {e}"))?;
    Ok(())
}

/// `kept` rows of `real` as they are, then the same again with noise, `rows` in all.
fn repeated(real: &Vectors, kept: usize, rows: usize) -> Vectors {
    let dimension = real.dimension;
    let mut values = Vec::with_capacity(rows * dimension);
    let mut noise = Noise::new(SEED);
    for (place, row) in real.rows().take(kept).cycle().take(rows).enumerate() {
        if place < kept {
            values.extend_from_slice(row);
            continue;
        }
        let start = values.len();
        for pair in row.chunks(2) {
            let moved = pair.iter().zip(noise.normal_pair());
            values.extend(moved.map(|(value, by)| value + (by * NOISE) as f32));
        }
        let row = &mut values[start..];
        let norm = row
            .iter()
            .map(|v| f64::from(*v).powi(2))
            .sum::<f64>()
            .sqrt();
        if norm > 0.0 {
            row.iter_mut()
                .for_each(|v| *v = (f64::from(*v) / norm) as f32);
        }
    }
    Vectors { dimension, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_near_and_not_the_same() {
        let real = Vectors {
            dimension: 2,
            values: vec![1.0, 0.0, 0.0, 1.0, 0.5, 0.5],
        };
        let rows = repeated(&real, 2, 5);
        assert_eq!(rows.len(), 5);
        assert_eq!(rows.values[..4], real.values[..4]);
        assert_ne!(rows.values[4..6], real.values[..2]);
        assert!((rows.values[4] - 1.0).abs() < 0.1);
        assert_eq!(rows, repeated(&real, 2, 5));
    }
}
