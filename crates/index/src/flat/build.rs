//! Building an index: a sample is learnt from, then every row is coded once.
//!
//! ```text
//! sample, spread evenly over the rows → mean, size, directions, bits
//! for each round of a slab of rows a thread: read, encode; write the slabs in order
//! ```
//!
//! Slabs do not know which thread encodes them, so the file is the same for any number of threads.

use std::ops::Range;
use std::path::Path;

use super::bound::DIMENSION_MAX;
use super::coding::{Coding, Learnt};
use super::encoder::{Encoded, Encoder, SECOND_HEADER_BYTES, centre, decode, unit_factor};
use super::file::{
    Header, Kind, Published, Section, Sink, coding_bytes, publish, write_coding, write_rows,
};
use super::measure::Measure;
use super::trial;
use crate::bitmap::ranges_of_rows;
use crate::{BuildError, ExactRows};

/// Rows of a slab.
const SLAB: u64 = 1024;

/// Numbers of a sample, and its rows: 5,000 to 25,000 rows do; more learn nothing.
const SAMPLE_NUMBERS: usize = 4 << 20;
const SAMPLE_ROWS: Range<usize> = 4_096..16_384;

/// Rows of the sample this many times longer than the median are left out of what is learnt.
const OUTLIER: f64 = 16.0;

/// What to build.
#[derive(Clone, Copy)]
pub struct BuildOptions<'a> {
    /// The measure that searches will use.
    pub measure: Measure,
    /// Bits of a row's code in the first stage, at most 1,024; `None` chooses.
    pub bits: Option<usize>,
    /// Threads that encode.
    pub threads: usize,
    /// Called with the number of rows that are done; `false` stops the build.
    pub progress: Option<&'a dyn Fn(u64) -> bool>,
}

impl BuildOptions<'_> {
    /// Chosen bits, one thread, no progress.
    pub fn new(measure: Measure) -> BuildOptions<'static> {
        BuildOptions {
            measure,
            bits: None,
            threads: 1,
            progress: None,
        }
    }
}

/// Writes an index of `rows` to an empty `sink`.
///
/// # Errors
/// [`BuildError::Unsupported`] for dimensions outside 1 to [`DIMENSION_MAX`] and more than 2^32 - 1 rows;
/// [`BuildError::Cancelled`] when `progress` says so; otherwise when rows cannot be read or the index not be written.
pub fn build<R: ExactRows, W: Sink>(
    rows: &R,
    options: &BuildOptions<'_>,
    sink: &mut W,
) -> Result<(), BuildError<R::Error>> {
    if !(1..=DIMENSION_MAX).contains(&rows.dimension()) {
        return Err(BuildError::Unsupported {
            what: "the dimension",
            found: rows.dimension() as u64,
            expected: "1 to 4096",
        });
    }
    if rows.rows() > u64::from(u32::MAX) {
        return Err(BuildError::Unsupported {
            what: "the number of rows",
            found: rows.rows(),
            expected: "at most 4294967295",
        });
    }
    let (learnt, sample) = learn(rows, options.measure)?;
    let bits = match options.bits {
        Some(bits) => bits,
        None => choose_bits(&learnt, &sample, rows.rows()),
    };
    drop(sample);
    let coding = learnt.coding(bits);
    drop(learnt);
    write(rows, options, &coding, sink)
}

/// Writes an index of `rows` to a file in `folder` that is named by its content, and appears whole or not at all.
///
/// # Errors
/// As [`build`].
pub fn build_file<R: ExactRows>(
    rows: &R,
    options: &BuildOptions<'_>,
    folder: &Path,
) -> Result<Published, BuildError<R::Error>> {
    publish(folder, EXTENSION, |file| build(rows, options, file))
}

/// The extension of index files.
const EXTENSION: &str = "flat";

/// Tables of fewer rows get the middle size: nothing is lost where a scan takes microseconds.
const CHOOSE_ROWS: u64 = 20_000;

/// The size for a table: the middle one, or that which reads least for the sample's own rows as queries.
fn choose_bits(learnt: &Learnt, sample: &[f32], rows: u64) -> usize {
    let dimension = learnt.dimension();
    let most = (8 * dimension.next_multiple_of(8)).min(1024);
    let middle = most.min((2 * dimension).clamp(640, 768));
    if rows < CHOOSE_ROWS {
        return middle;
    }
    trial::choose(learnt, sample, rows, &SIZES.map(|bits| bits.min(most))).unwrap_or(middle)
}

/// Bits of a row, from the size that reads least where all is well to the one with the shortest tail.
const SIZES: [usize; 4] = [512, 640, 768, 1024];

fn write<R: ExactRows, W: Sink>(
    rows: &R,
    options: &BuildOptions<'_>,
    coding: &Coding,
    sink: &mut W,
) -> Result<(), BuildError<R::Error>> {
    let write_error = |source| BuildError::Write { source };
    let count = rows.rows();
    let block_bytes = coding.shape().block_bytes() as u64;
    let second_bytes = (coding.dimension + SECOND_HEADER_BYTES) as u64;
    let encoder = Encoder::new(coding);
    let mut places = Places::new();
    let mut coding_section = places.take(
        Kind::Coding,
        coding_bytes(coding.dimension, coding.directions()),
    );
    let bytes = write_coding(coding);
    coding_section.checksum = crc32fast::hash(&bytes);
    sink.write_at(coding_section.offset, &bytes)
        .map_err(write_error)?;
    let mut blocks = places.take(Kind::Blocks, count.div_ceil(64) * block_bytes);
    let mut second = places.take(Kind::Second, count * second_bytes);
    let mut exceptions = Vec::new();
    let mut sums = (crc32fast::Hasher::new(), crc32fast::Hasher::new());
    let mut start = 0;
    while start < count {
        let slabs: Vec<Range<u64>> = (0..options.threads.max(1) as u64)
            .map(|index| start + index * SLAB..count.min(start + (index + 1) * SLAB))
            .take_while(|slab| slab.start < slab.end)
            .collect();
        let encoded = encode_slabs(rows, &encoder, &slabs)?;
        for (slab, encoded) in slabs.iter().zip(encoded) {
            sums.0.update(&encoded.blocks);
            sums.1.update(&encoded.second);
            sink.write_at(
                blocks.offset + slab.start / 64 * block_bytes,
                &encoded.blocks,
            )
            .map_err(write_error)?;
            sink.write_at(second.offset + slab.start * second_bytes, &encoded.second)
                .map_err(write_error)?;
            exceptions.extend(encoded.exceptions);
            start = slab.end;
        }
        if options.progress.is_some_and(|progress| !progress(start)) {
            return Err(BuildError::Cancelled);
        }
    }
    blocks.checksum = sums.0.finalize();
    second.checksum = sums.1.finalize();
    let nulls: Vec<u64> = rows
        .nulls()
        .map(|nulls| nulls.ranges().into_iter().flatten().collect())
        .unwrap_or_default();
    let lists = [
        (Kind::Exceptions, write_rows(&exceptions)),
        (Kind::Nulls, write_rows(&nulls)),
    ]
    .map(|(kind, bytes)| {
        let mut section = places.take(kind, bytes.len() as u64);
        section.checksum = crc32fast::hash(&bytes);
        (section, bytes)
    });
    for (section, bytes) in lists.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        sink.write_at(section.offset, bytes).map_err(write_error)?;
    }
    let header = Header {
        measure: coding.measure,
        double: coding.double,
        rows: count,
        dimension: coding.dimension,
        exponent: coding.exponent,
        columns: coding.shape().columns,
        defect: coding.defect(),
        sections: [coding_section, blocks, second, lists[0].0, lists[1].0],
    };
    sink.write_at(0, &header.write()).map_err(write_error)
}

/// Encodes each slab in a thread of its own.
fn encode_slabs<R: ExactRows>(
    rows: &R,
    encoder: &Encoder<'_>,
    slabs: &[Range<u64>],
) -> Result<Vec<Encoded>, BuildError<R::Error>> {
    let encode = |slab: &Range<u64>| -> Result<Encoded, R::Error> {
        let mut values = Vec::with_capacity((slab.end - slab.start) as usize * rows.dimension());
        rows.read(std::slice::from_ref(slab), &mut |_, rows| {
            decode(rows, &mut values);
        })?;
        Ok(encoder.encode(slab.start, &values, rows.nulls()))
    };
    let encoded: Vec<Result<Encoded, R::Error>> = match slabs {
        [] => Vec::new(),
        [slab] => vec![encode(slab)],
        slabs => std::thread::scope(|scope| {
            let threads: Vec<_> = slabs
                .iter()
                .map(|slab| scope.spawn(|| encode(slab)))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        }),
    };
    encoded
        .into_iter()
        .map(|encoded| encoded.map_err(|source| BuildError::Rows { source }))
        .collect()
}

/// Learns from rows spread evenly over the table; the sample comes with it, less its mean.
fn learn<R: ExactRows>(
    rows: &R,
    measure: Measure,
) -> Result<(Learnt, Vec<f32>), BuildError<R::Error>> {
    let dimension = rows.dimension();
    let wanted = (SAMPLE_NUMBERS / dimension).clamp(SAMPLE_ROWS.start, SAMPLE_ROWS.end) as u64;
    let count = rows.rows();
    let chosen = (0..wanted.min(count))
        .map(|index| (u128::from(index) * u128::from(count) / u128::from(wanted.min(count))) as u64)
        .filter(|row| !rows.nulls().is_some_and(|nulls| nulls.contains(*row)));
    let mut sample = Vec::new();
    rows.read(&ranges_of_rows(chosen), &mut |_, rows| {
        decode(rows, &mut sample);
    })
    .map_err(|source| BuildError::Rows { source })?;
    let mut usable = Vec::with_capacity(sample.len());
    for row in sample.chunks_exact(dimension) {
        let factor = match measure {
            Measure::L2 | Measure::InnerProduct => Some(1.0),
            Measure::Cosine => unit_factor(row),
        };
        if let Some(factor) = factor
            && row.iter().all(|x| x.is_finite())
        {
            usable.extend(row.iter().map(|x| x * factor));
        }
    }
    drop(sample);
    let (mean, length) = trim(&mut usable, dimension);
    let exponent = match measure {
        Measure::Cosine => 0,
        Measure::L2 | Measure::InnerProduct => -exponent_of(length),
    };
    let factor = 2.0_f64.powi(exponent);
    let limit = 2.0_f64.powi(40);
    let mean: Vec<f32> = mean
        .iter()
        .map(|x| (x * factor).clamp(-limit, limit) as f32)
        .collect();
    // For cosine the sample is at unit length already.
    let mut centred = vec![0.0; usable.len()];
    centre(Measure::L2, exponent, &mean, &usable, &mut centred);
    drop(usable);
    let double = rows.is_double();
    let learnt = Learnt::from_sample(measure, double, exponent, mean, &centred);
    Ok((learnt, centred))
}

/// The mean and the median distance from it; takes far rows out of the sample, twice.
fn trim(sample: &mut Vec<f64>, dimension: usize) -> (Vec<f64>, f64) {
    for round in 0.. {
        let count = (sample.len() / dimension).max(1) as f64;
        let mut mean = vec![0.0; dimension];
        for row in sample.chunks_exact(dimension) {
            for (mean, x) in mean.iter_mut().zip(row) {
                *mean += x / count;
            }
        }
        let lengths: Vec<f64> = sample
            .chunks_exact(dimension)
            .map(|row| {
                let squares = row.iter().zip(&mean).map(|(x, mean)| {
                    let x = x - mean;
                    x * x
                });
                squares.sum::<f64>().sqrt()
            })
            .collect();
        let mut sorted = lengths.clone();
        sorted.sort_by(f64::total_cmp);
        let mut median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        if median == 0.0 {
            // More than half of the rows are one row: what size the others have.
            median = sorted.last().copied().unwrap_or(0.0);
        }
        if round == 2 || lengths.iter().all(|length| *length <= OUTLIER * median) {
            return (mean, median);
        }
        let kept: Vec<f64> = sample
            .chunks_exact(dimension)
            .zip(&lengths)
            .filter(|(_, length)| **length <= OUTLIER * median)
            .flat_map(|(row, _)| row.iter().copied())
            .collect();
        *sample = kept;
    }
    (vec![0.0; dimension], 0.0)
}

/// The power of two near a length, within the limits of the format.
fn exponent_of(length: f64) -> i32 {
    if length > 0.0 && length.is_finite() {
        (length.log2().round()).clamp(-200.0, 200.0) as i32
    } else {
        0
    }
}

/// Hands out places for sections.
struct Places {
    end: u64,
}

impl Places {
    fn new() -> Places {
        Places {
            end: Header::bytes(),
        }
    }

    fn take(&mut self, kind: Kind, bytes: u64) -> Section {
        // A section of no bytes is nowhere.
        let offset = match bytes {
            0 => 0,
            _ => self.end.next_multiple_of(super::file::ALIGNMENT),
        };
        self.end = self.end.max(offset + bytes);
        Section {
            kind,
            checksum: 0,
            offset,
            bytes,
        }
    }
}
