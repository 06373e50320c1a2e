//! `ogive pages bench`: what each algorithm makes of the user's own pages, how fast, and what that would save.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use ogive_codecs::pages::{
    Algorithm, Codec, Compressor, CompressorBuilder, Dictionary, PAGE_SIZE, PageBatch,
    PageCompressor, RawFormat, Statistics, Stored,
};

use crate::cli::arguments::PagesBenchArguments;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::Output;
use crate::cli::pages_plot::{Point, plot};
use crate::cli::render::{Renderer, print, say};

/// Neighbouring pages that are taken together where files are longer than what is measured.
const RUN_PAGES: usize = 64;
/// Bytes of the dictionary that is trained, and of samples for it at most.
const DICTIONARY_BYTES: usize = 64 << 10;
const SAMPLE_BYTES_MAX: usize = 8 << 20;
/// Bytes that a Parquet writer compresses at a time.
const PARQUET_PAGE_BYTES: usize = 1 << 20;
/// Blocks that zram's allocator has: multiples of so many bytes, up to the length from which it keeps the page as it is.
const ZSMALLOC_STEP: u64 = 16;
const ZSMALLOC_HUGE: u64 = 3264;

/// Runs the command.
pub fn run(arguments: &PagesBenchArguments, interrupt: &Interrupt) -> Result<()> {
    if let Some(path) = arguments.plot.as_deref().filter(|path| !is_svg(path)) {
        return Err(Failure::Wrong(format!(
            "--plot writes SVG: {} should end in .svg",
            path.display()
        )));
    }
    let (bytes, skipped) = sample(&arguments.files, arguments.sample)?;
    if bytes.is_empty() {
        return Err(Failure::Failed("the files have no bytes".to_owned()));
    }
    if let Some(total) = skipped.filter(|_| !arguments.quiet) {
        say(format_args!(
            "{} of {total} bytes, in runs of {RUN_PAGES} pages all over the files; --sample takes more",
            bytes.len()
        ));
    }
    let pages: Vec<&[u8]> = bytes.chunks(PAGE_SIZE).collect();
    let mut measured = Vec::new();
    for (name, settings) in candidates(&pages)? {
        interrupt.check()?;
        measured.push(measure(&name, settings, &pages)?);
    }
    print(&table(&measured, arguments)?)?;
    print(&savings(&bytes, &measured, arguments)?)?;
    if let Some(path) = &arguments.plot {
        let points: Vec<Point> = measured
            .iter()
            .map(|one| Point {
                name: one.name.clone(),
                ratio: one.ratio(),
                compress: one.compress_rate(),
                decompress: one.decompress_rate(),
            })
            .collect();
        let mut output = Output::create(path, arguments.force)?;
        output.file_mut().write_all(plot(&points).as_bytes())?;
        output.commit()?;
    }
    Ok(())
}

/// Bytes of the files, about so many at most, and where those are not all, how many the files have. Of longer files runs of pages are taken at even
/// distances, so that all parts of them count.
fn sample(files: &[String], most: usize) -> Result<(Vec<u8>, Option<u64>)> {
    let mut lengths = Vec::new();
    for name in files {
        let length = File::open(name)
            .and_then(|mut file| file.seek(SeekFrom::End(0)))
            .map_err(|error| Failure::about(name, error))?;
        lengths.push(length);
    }
    let total: u64 = lengths.iter().sum();
    let run = (RUN_PAGES * PAGE_SIZE) as u64;
    // One run of `step` is taken.
    let step = total.div_ceil((most as u64).max(run)).max(1);
    let mut bytes = Vec::new();
    for (name, length) in files.iter().zip(lengths) {
        let mut file = File::open(name).map_err(|error| Failure::about(name, error))?;
        let mut at = 0;
        while at < length {
            let wanted = run.min(length - at);
            let start = bytes.len();
            file.seek(SeekFrom::Start(at))
                .and_then(|_| (&mut file).take(wanted).read_to_end(&mut bytes))
                .map_err(|error| Failure::about(name, error))?;
            if step > 1 && bytes.len() - start < wanted as usize {
                break;
            }
            at += run * step;
        }
        // Pages of one file do not go on in the next: a last part of a page is left out, unless there is nothing else.
        let whole = bytes.len() - bytes.len() % PAGE_SIZE;
        if whole > 0 {
            bytes.truncate(whole);
        }
    }
    let skipped = (step > 1).then_some(total);
    Ok((bytes, skipped))
}

/// What is compared: every algorithm at its own level, Zstd at 1 and with a dictionary of the same pages.
fn candidates(pages: &[&[u8]]) -> Result<Vec<(String, CompressorBuilder)>> {
    let mut candidates = vec![
        (
            "same_fill".to_owned(),
            CompressorBuilder::new(Algorithm::SameFill),
        ),
        ("lz4".to_owned(), CompressorBuilder::new(Algorithm::Lz4)),
        ("lz4hc".to_owned(), CompressorBuilder::new(Algorithm::Lz4Hc)),
        (
            "zstd 1".to_owned(),
            CompressorBuilder::new(Algorithm::Zstd).level(1),
        ),
        ("zstd 3".to_owned(), CompressorBuilder::new(Algorithm::Zstd)),
    ];
    // Pages that the dictionary was trained on flatter it: it is made of one page of ten at most, and all are measured.
    let samples: Vec<&[u8]> = pages
        .iter()
        .step_by(10.max(pages.len() * PAGE_SIZE / SAMPLE_BYTES_MAX))
        .copied()
        .collect();
    let room = (samples.len() * PAGE_SIZE / 10).min(DICTIONARY_BYTES);
    // Too few pages make no dictionary.
    if let Ok(dictionary) = Dictionary::train(&samples, room) {
        candidates.push((
            format!(
                "zstd 3 with a {} KiB dictionary",
                dictionary.as_bytes().len() >> 10
            ),
            CompressorBuilder::new(Algorithm::Zstd).dictionary(dictionary),
        ));
    }
    candidates.push(("auto".to_owned(), CompressorBuilder::new(Algorithm::Auto)));
    Ok(candidates)
}

/// An algorithm over all pages, by one thread.
struct Measured {
    name: String,
    statistics: Statistics,
    compress_seconds: f64,
    decompress_seconds: f64,
    stored_bytes: Vec<u16>,
    same_fill: u64,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.statistics.ratio().unwrap_or(1.0)
    }

    fn compress_rate(&self) -> f64 {
        self.statistics.bytes_in as f64 / 1e6 / self.compress_seconds.max(1e-9)
    }

    fn decompress_rate(&self) -> f64 {
        self.statistics.bytes_in as f64 / 1e6 / self.decompress_seconds.max(1e-9)
    }
}

fn measure(name: &str, settings: CompressorBuilder, pages: &[&[u8]]) -> Result<Measured> {
    let failed = |error: ogive_codecs::Error| Failure::about(name, error);
    let mut compressor = settings.build().map_err(failed)?;
    let mut out = [0; PAGE_SIZE];
    let mut made: Vec<Stored> = Vec::with_capacity(pages.len());
    let mut bytes = Vec::with_capacity(pages.len() * PAGE_SIZE);
    // Tables and contexts are made for the first page.
    compressor
        .compress_tail_into(pages.first().copied().unwrap_or_default(), &mut out)
        .map_err(failed)?;
    let started = Instant::now();
    for page in pages {
        let stored = compressor
            .compress_tail_into(page, &mut out)
            .map_err(failed)?;
        made.push(stored);
        bytes.extend_from_slice(out.get(..stored.bytes).unwrap_or_default());
    }
    let compress_seconds = started.elapsed().as_secs_f64();
    let mut statistics = Statistics::default();
    for (page, stored) in pages.iter().zip(&made) {
        statistics.add(page.len(), *stored);
    }
    let decompress_seconds = bring_back(&mut compressor, pages, &made, &bytes).map_err(failed)?;
    Ok(Measured {
        name: name.to_owned(),
        same_fill: statistics.pages_by(Codec::SameFill),
        statistics,
        compress_seconds,
        decompress_seconds,
        stored_bytes: made.iter().map(|stored| stored.bytes as u16).collect(),
    })
}

/// Seconds that bringing all pages back takes; they are compared with what they were, outside of that time.
fn bring_back(
    compressor: &mut Compressor,
    pages: &[&[u8]],
    made: &[Stored],
    bytes: &[u8],
) -> Result<f64, ogive_codecs::Error> {
    let mut back = vec![0; pages.len() * PAGE_SIZE];
    let mut rest = bytes;
    let started = Instant::now();
    for ((page, stored), out) in pages.iter().zip(made).zip(back.chunks_mut(PAGE_SIZE)) {
        let (part, later) = rest.split_at_checked(stored.bytes).unwrap_or_default();
        rest = later;
        let out = out.get_mut(..page.len()).unwrap_or_default();
        compressor.decompress_tail_into(stored.codec, part, out)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    for (page, out) in pages.iter().zip(back.chunks(PAGE_SIZE)) {
        assert!(out.starts_with(page), "a page did not come back");
    }
    Ok(seconds)
}

fn table(measured: &[Measured], arguments: &PagesBenchArguments) -> Result<Vec<u8>> {
    let rounded = |of: fn(&Measured) -> f64, to: f64| -> ArrayRef {
        Arc::new(
            measured
                .iter()
                .map(|one| Some((of(one) * to).round() / to))
                .collect::<Float64Array>(),
        )
    };
    let counted = |of: fn(&Measured) -> u64| -> ArrayRef {
        Arc::new(
            measured
                .iter()
                .map(|one| Some(of(one)))
                .collect::<UInt64Array>(),
        )
    };
    let names: StringArray = measured.iter().map(|one| Some(one.name.as_str())).collect();
    rendered(
        vec![
            ("algorithm", Arc::new(names)),
            ("ratio", rounded(Measured::ratio, 1000.0)),
            ("compress_mb_s", rounded(Measured::compress_rate, 1.0)),
            ("decompress_mb_s", rounded(Measured::decompress_rate, 1.0)),
            ("pages", counted(|one| one.statistics.pages)),
            ("same_fill", counted(|one| one.same_fill)),
            (
                "incompressible",
                counted(|one| one.statistics.pages_by(Codec::None)),
            ),
        ],
        arguments,
    )
}

/// What the same bytes would take where they could be kept.
fn savings(
    bytes: &[u8],
    measured: &[Measured],
    arguments: &PagesBenchArguments,
) -> Result<Vec<u8>> {
    let failed = |error: ogive_codecs::Error| Failure::Failed(error.to_string());
    let mut places: Vec<(String, u64)> = Vec::new();
    for one in measured
        .iter()
        .filter(|one| ["lz4", "zstd 3"].contains(&one.name.as_str()))
    {
        places.push((format!("zram with {}", one.name), zram_bytes(one)));
    }
    // Values of a mebibyte, which come from a vault one by one.
    let values: Vec<&[u8]> = bytes.chunks(PARQUET_PAGE_BYTES).collect();
    let frames = PageBatch::new(CompressorBuilder::new(Algorithm::Auto))
        .and_then(|batch| batch.compress(&values))
        .map_err(failed)?;
    let frames: usize = (0..frames.len()).map(|index| frames.get(index).len()).sum();
    places.push((
        "vault with values of 1 MiB by page_compress".to_owned(),
        frames as u64,
    ));
    let blocks = PageBatch::new(CompressorBuilder::default())
        .and_then(|batch| batch.compress_raw(RawFormat::Zstd, Some(3), None, &values))
        .map_err(failed)?;
    let blocks: usize = (0..blocks.len()).map(|index| blocks.get(index).len()).sum();
    places.push((
        "Parquet with pages of 1 MiB by Zstd 3".to_owned(),
        blocks as u64,
    ));
    let names: StringArray = places.iter().map(|(name, _)| Some(name.as_str())).collect();
    let before: UInt64Array = places.iter().map(|_| Some(bytes.len() as u64)).collect();
    let after: UInt64Array = places.iter().map(|(_, after)| Some(*after)).collect();
    let saved: Int64Array = places
        .iter()
        .map(|(_, after)| Some(bytes.len() as i64 - *after as i64))
        .collect();
    let share: Float64Array = places
        .iter()
        .map(|(_, after)| {
            let share = 1.0 - *after as f64 / bytes.len() as f64;
            Some((share * 1000.0).round() / 10.0)
        })
        .collect();
    rendered(
        vec![
            ("kept_in", Arc::new(names)),
            ("bytes_before", Arc::new(before)),
            ("bytes_after", Arc::new(after)),
            ("bytes_saved", Arc::new(saved)),
            ("percent_saved", Arc::new(share)),
        ],
        arguments,
    )
}

/// What zram takes for the pages: nothing for those of one word, whole pages for those that hardly get smaller, and blocks of
/// its allocator for the others.
fn zram_bytes(measured: &Measured) -> u64 {
    let all: u64 = measured
        .stored_bytes
        .iter()
        .map(|bytes| match u64::from(*bytes) {
            bytes if bytes >= ZSMALLOC_HUGE => PAGE_SIZE as u64,
            bytes => bytes.next_multiple_of(ZSMALLOC_STEP),
        })
        .sum();
    // A word was counted as the smallest block.
    all - measured.same_fill * ZSMALLOC_STEP
}

fn rendered(columns: Vec<(&str, ArrayRef)>, arguments: &PagesBenchArguments) -> Result<Vec<u8>> {
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut renderer = Renderer::new(arguments.format, batch.schema());
    let mut bytes = renderer.write(&batch)?;
    bytes.extend(renderer.finish()?);
    Ok(bytes)
}

fn is_svg(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "svg")
}
