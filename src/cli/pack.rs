//! `ogive pack`: vectors into a CVC file.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use indicatif::ProgressBar;
use ogive_cvc::{
    Column, ColumnValues, Compression, DType, Finished, SINGLE_COLUMN, Schema, WriteOptions, Writer,
};

use crate::cli::arguments::PackArguments;
use crate::cli::bytes::extension_of;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::{Output, folder_of};
use crate::cli::progress::{bytes_bar, rows_spinner};
use crate::cli::render::say;
use crate::cli::vectors::{BLOCK_BYTES, Vectors};

/// What to write, and how.
pub struct PackOptions {
    /// How values are stored.
    pub compression: Compression,
    /// Rows in each chunk.
    pub chunk_rows: usize,
    /// Whether chunks are aligned to pages.
    pub mmap_optimized: bool,
    /// Whether an existing file is replaced.
    pub replace: bool,
    /// Whether progress is not shown.
    pub quiet: bool,
}

/// Runs the command.
pub async fn run(arguments: PackArguments, interrupt: Interrupt) -> Result<()> {
    let output = arguments.output.as_path();
    if extension_of(&output.to_string_lossy()) != "cvc" {
        return Err(Failure::Wrong(format!(
            "'{}' does not end in .cvc",
            output.display()
        )));
    }
    if arguments.mmap && arguments.compression == Compression::None {
        return Err(Failure::Wrong(
            "--mmap: files without compression are columnar, which have no page-aligned form"
                .to_owned(),
        ));
    }
    let options = PackOptions {
        compression: arguments.compression,
        chunk_rows: arguments.chunk_rows,
        mmap_optimized: arguments.mmap,
        replace: arguments.force,
        quiet: arguments.quiet,
    };
    let input = arguments.input.to_string_lossy();
    let vectors = interrupt
        .guard(Vectors::open(&input, arguments.column.as_deref()))
        .await??;
    pack(vectors, &input, output, &options, &interrupt).await
}

/// Writes all vectors to a CVC file. Memory holds a block of them and one chunk.
pub async fn pack(
    mut vectors: Vectors,
    input: &str,
    output: &Path,
    options: &PackOptions,
    interrupt: &Interrupt,
) -> Result<()> {
    if vectors.dimension() == 0 {
        return Err(Failure::about(input, "holds no vectors"));
    }
    let mut target = Output::create(output, options.replace)?;
    // Without a name from the start, so that nothing can leave it behind.
    let spool = tempfile::tempfile_in(folder_of(output))
        .map_err(|error| Failure::about(output.display(), error))?;
    let mut writer = start(vectors.dimension(), options, spool)?;
    let bar = progress(&vectors, options.quiet);
    let mut taken = 0;
    while let Some(values) = interrupt.guard(vectors.next()).await?? {
        taken += (values.len() / vectors.dimension().max(1)) as u64;
        let written = if options.compression == Compression::None {
            writer.write(&[ColumnValues::F32(&values.into_f32())])
        } else {
            writer.write(&[values.as_column()])
        };
        written.map_err(|error| Failure::about(input, error))?;
        bar.set_position(vectors.progress().map_or(taken, |(read, _)| read));
        interrupt.check()?;
    }
    bar.finish_and_clear();
    let finished = writer.finish()?;
    let (rows, chunks) = (finished.rows, finished.chunks);
    let file_bytes = copy(finished, target.file_mut(), options.quiet, interrupt).map_err(
        |failure| match failure {
            Failure::Failed(problem) => Failure::about(output.display(), problem),
            other => other,
        },
    )?;
    target.commit()?;
    if !options.quiet {
        say(format_args!(
            "{}: {rows} row(s) of {} number(s) in {chunks} chunk(s), {file_bytes} bytes.",
            output.display(),
            vectors.dimension(),
        ));
    }
    Ok(())
}

fn start(dimension: usize, options: &PackOptions, spool: File) -> Result<Writer<File>> {
    let schema = match options.compression {
        // Single-column files know no uncompressed values.
        Compression::None => Schema::Columnar(vec![Column {
            name: SINGLE_COLUMN.to_owned(),
            dtype: DType::Float32,
            dimension,
            compression: Compression::None,
        }]),
        compression => Schema::Single {
            dimension,
            compression,
        },
    };
    let write_options = WriteOptions {
        chunk_rows: options.chunk_rows,
        mmap_optimized: options.mmap_optimized,
        ..WriteOptions::default()
    };
    Ok(Writer::new(schema, write_options, spool)?)
}

fn progress(vectors: &Vectors, quiet: bool) -> ProgressBar {
    match vectors.progress() {
        Some((_, total)) => bytes_bar("packing", total, quiet),
        None => rows_spinner("packing", quiet),
    }
}

/// Header and records become one file, whose length this gives: the header is known only when all records are.
fn copy(
    finished: Finished<File>,
    target: &mut File,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<u64> {
    let bar = bytes_bar("writing", finished.spool_bytes, quiet);
    target.write_all(&finished.header)?;
    let mut spool = finished.spool;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        interrupt.check()?;
        let bytes = spool.read(&mut block)?;
        let Some(filled) = block.get(..bytes).filter(|filled| !filled.is_empty()) else {
            return Ok(finished.header.len() as u64 + finished.spool_bytes);
        };
        target.write_all(filled)?;
        bar.inc(bytes as u64);
    }
}
