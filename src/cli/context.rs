//! `ogive context`: a checkout, or what a query selects of it, as text for a model's context window.

use std::collections::BTreeMap;
use std::io::{self, StdoutLock, Write};
use std::path::Path;
use std::time::Duration;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use ogive::SessionBuilder;
use ogive_codebase::{
    CacheOptions, Checkout, Entry, LeftOut, Level, PackOptions, Packed, PackedChunk, Progress,
    Reason, ScanOptions, Scanned, Selected, Template, WalkOptions, pack_each, walk,
};

use crate::cli::arguments::ContextArguments;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::Output;
use crate::cli::render::say;
use crate::cli::scan_progress::ScanProgress;

/// The name under which a query finds the checkout.
const NAME: &str = "code";

/// Runs the command.
pub async fn run(arguments: ContextArguments, interrupt: Interrupt) -> Result<()> {
    let checkout = open(&arguments)?;
    if arguments.stats {
        return stats(&checkout);
    }
    let mut arguments = arguments;
    let mut seen = arguments.watch.then(|| files(&checkout)).transpose()?;
    loop {
        pack_once(&arguments, &checkout, &interrupt).await?;
        let Some(seen) = &mut seen else {
            return Ok(());
        };
        arguments.force = true;
        changed(&checkout, seen, &interrupt).await?;
    }
}

async fn pack_once(
    arguments: &ContextArguments,
    checkout: &Checkout,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut options = packing(arguments)?;
    if let Some(sql) = &arguments.query {
        options.selection = Some(selected(arguments, sql).await?);
    }
    let progress = Progress::default();
    let shown = ScanProgress::start(&progress, arguments.quiet, arguments.progress);
    let packing = tokio::task::spawn_blocking({
        let (arguments, interrupt) = (arguments.clone(), interrupt.clone());
        let checkout = checkout.with_progress(&progress);
        move || pack_to_output(&arguments, &checkout, &options, &interrupt)
    });
    let packed = interrupt
        .guard(packing)
        .await?
        .map_err(|error| Failure::Failed(error.to_string()))??;
    drop(shown);
    if !arguments.quiet {
        report(&packed);
    }
    Ok(())
}

/// The files of a checkout as far as a change shows: paths, sizes and times.
fn files(checkout: &Checkout) -> Result<Vec<Entry>> {
    let found = walk(checkout.root(), &checkout.options().walk).map_err(failed)?;
    Ok(found.entries)
}

/// Waits until the files are others than were seen.
async fn changed(checkout: &Checkout, seen: &mut Vec<Entry>, interrupt: &Interrupt) -> Result<()> {
    /// How often files are looked at; a walk of 10,000 takes some 20 ms.
    const STEP: Duration = Duration::from_millis(500);
    loop {
        interrupt.guard(tokio::time::sleep(STEP)).await?;
        let checkout = checkout.clone();
        let now = tokio::task::spawn_blocking(move || files(&checkout));
        let now = now
            .await
            .map_err(|error| Failure::Failed(error.to_string()))??;
        if now != *seen {
            *seen = now;
            return Ok(());
        }
    }
}

fn pack_to_output(
    arguments: &ContextArguments,
    checkout: &Checkout,
    options: &PackOptions,
    interrupt: &Interrupt,
) -> Result<Packed> {
    let mut written = Ok(());
    let mut out = Target::open(arguments)?;
    let packed = pack_each(checkout, options, |chunk| {
        if written.is_ok() {
            written = interrupt.check().and_then(|()| out.write(&chunk));
        }
    })
    .map_err(failed)?;
    written?;
    out.finish()?;
    Ok(packed)
}

fn open(arguments: &ContextArguments) -> Result<Checkout> {
    let cache = match (&arguments.cache, arguments.no_cache) {
        (_, true) => None,
        (Some(folder), false) => Some(CacheOptions {
            folder: Some(folder.clone()),
            ..CacheOptions::default()
        }),
        (None, false) => Some(CacheOptions::default()),
    };
    let options = ScanOptions {
        walk: WalkOptions {
            include: arguments.include.clone(),
            exclude: arguments.exclude.clone(),
            follow_links: arguments.follow,
            hidden: arguments.hidden,
            ..WalkOptions::default()
        },
        encoding: word(&arguments.encoding)?,
        cache,
        ..ScanOptions::default()
    };
    Checkout::open(&arguments.path, options).map_err(failed)
}

fn packing(arguments: &ContextArguments) -> Result<PackOptions> {
    Ok(PackOptions {
        level: word(&arguments.level)?,
        budget: arguments.budget,
        chunks: arguments.chunks.as_deref().map(word).transpose()?,
        format: word(&arguments.format)?,
        template: arguments.template.as_deref().map(template).transpose()?,
        focus: arguments.focus.clone(),
        selection: None,
        secrets: arguments.secrets,
        dedup_threshold: arguments.dedup_threshold,
        title: arguments.title.clone(),
    })
}

/// The template of a file.
fn template(path: &Path) -> Result<Template> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::about(path.display(), error))?;
    Template::new(text).map_err(|error| Failure::Wrong(format!("{}: {error}", path.display())))
}

/// A word of the call.
fn word<T: std::str::FromStr<Err = ogive_codebase::Error>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: ogive_codebase::Error| Failure::Wrong(error.to_string()))
}

fn failed(error: ogive_codebase::Error) -> Failure {
    match error {
        ogive_codebase::Error::Pattern { .. } | ogive_codebase::Error::UnknownName { .. } => {
            Failure::Wrong(error.to_string())
        }
        error => Failure::Failed(error.to_string()),
    }
}

/// The files that a query over `code` selects.
async fn selected(arguments: &ContextArguments, sql: &str) -> Result<Vec<Selected>> {
    let session = SessionBuilder::new().build()?;
    let quoted = |text: &str| text.replace('\'', "''");
    let cache = match (&arguments.cache, arguments.no_cache) {
        (_, true) => "off".to_string(),
        (Some(folder), false) => folder.display().to_string(),
        (None, false) => String::new(),
    };
    for statement in [
        format!("SET ogive.code_cache = '{}'", quoted(&cache)),
        format!(
            "ATTACH '{}' AS {NAME} (TYPE CODEBASE)",
            quoted(&arguments.path.display().to_string())
        ),
    ] {
        session.sql(&statement).await?.collect().await?;
    }
    let batches = session.sql(sql).await?.collect().await?;
    let mut selected = Vec::new();
    for batch in &batches {
        take(batch, &mut selected)?;
    }
    Ok(selected)
}

fn take(batch: &RecordBatch, selected: &mut Vec<Selected>) -> Result<()> {
    let column = |name: &str, data_type: DataType| {
        let column = batch.column_by_name(name);
        column.map(|column| cast(column, &data_type)).transpose()
    };
    let failed = |error: datafusion::arrow::error::ArrowError| Failure::Failed(error.to_string());
    let Some(paths) = column("path", DataType::Utf8).map_err(failed)? else {
        return Err(Failure::Wrong(
            "--query: expected a column path, as SELECT path FROM code.files has".to_owned(),
        ));
    };
    let levels = column("level", DataType::Utf8).map_err(failed)?;
    let scores = column("score", DataType::Float64).map_err(failed)?;
    for row in 0..batch.num_rows() {
        if paths.is_null(row) {
            continue;
        }
        let level = levels.as_ref().filter(|levels| levels.is_valid(row));
        let score = scores.as_ref().filter(|scores| scores.is_valid(row));
        selected.push(Selected {
            path: paths.as_string::<i32>().value(row).to_owned(),
            level: level
                .map(|levels| word::<Level>(levels.as_string::<i32>().value(row)))
                .transpose()?,
            score: score.map(|scores| scores.as_primitive::<Float64Type>().value(row)),
        });
    }
    Ok(())
}

/// Where chunks go.
enum Target<'a> {
    /// The terminal, or what stands in its place.
    Stdout(StdoutLock<'static>),
    /// One file.
    File(&'a Path, bool),
    /// A file of a folder for each.
    Folder(&'a Path, &'static str, bool),
    /// One LZ4 frame, written as chunks come.
    Frame(&'a Path, Box<FrameEncoder<Output>>),
}

impl<'a> Target<'a> {
    fn open(arguments: &'a ContextArguments) -> Result<Self> {
        let Some(target) = &arguments.output else {
            return Ok(Self::Stdout(io::stdout().lock()));
        };
        if target
            .extension()
            .is_some_and(|extension| extension == "lz4")
        {
            let file = Output::create(target, arguments.force)?;
            let frame = FrameInfo::new()
                .block_mode(BlockMode::Linked)
                .content_checksum(true);
            let encoder = FrameEncoder::with_frame_info(frame, file);
            return Ok(Self::Frame(target, Box::new(encoder)));
        }
        if arguments.chunks.is_none() {
            return Ok(Self::File(target, arguments.force));
        }
        let extension = match arguments.format.as_str() {
            "json" => "json",
            "xml" => "xml",
            "plain" => "txt",
            _ => "md",
        };
        std::fs::create_dir_all(target).map_err(|error| Failure::about(target.display(), error))?;
        Ok(Self::Folder(target, extension, arguments.force))
    }

    fn write(&mut self, chunk: &PackedChunk) -> Result<()> {
        let bytes = chunk.content.as_bytes();
        match self {
            Self::Stdout(out) => Ok(out.write_all(bytes)?),
            Self::File(target, replace) => write_file(target, &chunk.content, *replace),
            Self::Folder(target, extension, replace) => {
                let file = target.join(format!("chunk-{:04}.{extension}", chunk.number));
                write_file(&file, &chunk.content, *replace)
            }
            Self::Frame(target, encoder) => encoder
                .write_all(bytes)
                .map_err(|error| Failure::about(target.display(), error)),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => Ok(out.flush()?),
            Self::File(..) | Self::Folder(..) => Ok(()),
            Self::Frame(target, encoder) => encoder
                .finish()
                .map_err(|error| Failure::about(target.display(), error))?
                .commit(),
        }
    }
}

fn write_file(target: &Path, content: &str, replace: bool) -> Result<()> {
    let mut file = Output::create(target, replace)?;
    file.file_mut()
        .write_all(content.as_bytes())
        .map_err(|error| Failure::about(target.display(), error))?;
    file.commit()
}

fn report(packed: &Packed) {
    say(format_args!(
        "{} file(s) in {} chunk(s), {} tokens; {} left out.",
        packed.files,
        packed.chunks,
        packed.tokens,
        packed.left_out.len()
    ));
    for LeftOut { path, reason } in &packed.left_out {
        if let Reason::Secret(what) = reason {
            say(format_args!(
                "{path}: left out, as it looks like {what}; --secrets packs it."
            ));
        }
    }
}

/// A folder's files and tokens, those in folders below it among them.
#[derive(Default)]
struct Folder {
    files: u64,
    tokens: u64,
    folders: BTreeMap<String, Folder>,
}

/// Prints the tokens of each folder.
fn stats(checkout: &Checkout) -> Result<()> {
    let mut root = Folder::default();
    for scanned in checkout.scan().map_err(failed)? {
        let Scanned::File(facts) = scanned else {
            continue;
        };
        let mut folder = &mut root;
        let mut parts = facts.file.path.split('/').peekable();
        loop {
            folder.files += 1;
            folder.tokens += facts.file.tokens.unwrap_or(0);
            match parts.next() {
                Some(part) if parts.peek().is_some() => {
                    folder = folder.folders.entry(part.to_owned()).or_default();
                }
                _ => break,
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{:>12} {:>8}  folder", "tokens", "files")?;
    print(&root, ".", 0, &mut out)
}

fn print(folder: &Folder, name: &str, depth: usize, out: &mut impl Write) -> Result<()> {
    let (tokens, files) = (folder.tokens, folder.files);
    writeln!(out, "{tokens:>12} {files:>8}  {}{name}", "  ".repeat(depth))?;
    let mut folders: Vec<_> = folder.folders.iter().collect();
    folders.sort_by_key(|(name, folder)| (std::cmp::Reverse(folder.tokens), name.as_str()));
    for (name, folder) in folders {
        print(folder, name, depth + 1, out)?;
    }
    Ok(())
}
