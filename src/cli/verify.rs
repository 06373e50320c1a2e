//! `ogive verify`: every byte of files, checked.

use ogive_cvc::{Compression, Layout};
use ogive_npy::Format as ArrayFormat;

use crate::cli::arguments::VerifyArguments;
use crate::cli::bytes::{FileBytes, extension_of};
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::bytes_bar;
use crate::cli::render::print;
use crate::cli::vectors::BLOCK_BYTES;

/// What was found in one file.
struct Findings {
    /// What the file holds, for the line that says it is sound.
    holds: String,
    /// One line for everything that is damaged.
    damage: Vec<String>,
}

/// Runs the command.
pub async fn run(arguments: VerifyArguments, interrupt: Interrupt) -> Result<()> {
    for name in &arguments.files {
        if kind_of(name).is_none() {
            return Err(Failure::Wrong(format!(
                "'{name}' cannot be checked, expected a .cvc, .npy, .fvecs, .bvecs or .ivecs file"
            )));
        }
    }
    let mut bad_files = 0;
    for name in &arguments.files {
        let bytes = match interrupt.guard(FileBytes::open(name)).await? {
            Ok(bytes) => bytes,
            // That says nothing about the file's bytes, nor about the other files.
            Err(failure) => {
                failure.report();
                bad_files += 1;
                continue;
            }
        };
        let findings = match verify(bytes, arguments.quiet, &interrupt).await {
            Ok(findings) => findings,
            // Without a layout there are no chunks to tell apart.
            Err(Failure::Failed(problem)) => Findings {
                holds: String::new(),
                damage: vec![problem],
            },
            Err(other) => return Err(other),
        };
        let mut lines = String::new();
        if findings.damage.is_empty() && !arguments.quiet {
            lines = format!("{name}: ok, {}\n", findings.holds);
        }
        for line in &findings.damage {
            lines.push_str(line);
            lines.push('\n');
        }
        print(lines.as_bytes())?;
        bad_files += usize::from(!findings.damage.is_empty());
    }
    if bad_files == 0 {
        return Ok(());
    }
    let files = arguments.files.len();
    Err(Failure::Failed(format!(
        "{bad_files} of {files} file(s) damaged or not readable"
    )))
}

enum Kind {
    Cvc,
    Array(ArrayFormat),
}

fn kind_of(name: &str) -> Option<Kind> {
    let extension = extension_of(name);
    if extension == "cvc" {
        return Some(Kind::Cvc);
    }
    ArrayFormat::from_extension(&extension).map(Kind::Array)
}

async fn verify(mut bytes: FileBytes, quiet: bool, interrupt: &Interrupt) -> Result<Findings> {
    match kind_of(bytes.name()) {
        Some(Kind::Array(format)) => verify_array(bytes, format, quiet, interrupt).await,
        Some(Kind::Cvc) | None => {
            let layout = interrupt.guard(bytes.cvc_layout()).await??;
            verify_cvc(bytes, &layout, quiet, interrupt).await
        }
    }
}

async fn verify_cvc(
    mut bytes: FileBytes,
    layout: &Layout,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<Findings> {
    let bar = bytes_bar(bytes.name(), bytes.size(), quiet);
    let mut damage = Vec::new();
    for (number, chunk) in layout.chunks().iter().enumerate() {
        let Some(range) = layout.record_range(number) else {
            return Err(Failure::about(
                bytes.name(),
                format_args!("chunk {number}: its place is not known"),
            ));
        };
        bar.set_position(range.start);
        let record = interrupt.guard(bytes.read(range)).await??;
        if let Err(error) = check_chunk(layout, number, chunk.rows, &record) {
            damage.push(error.to_string());
        }
        interrupt.check()?;
    }
    let unchecked = if layout.version().has_checksums() {
        ""
    } else {
        ", without checksums: `ogive upgrade` adds them"
    };
    let holds = format!(
        "{} row(s) in {} chunk(s){unchecked}",
        layout.rows(),
        layout.chunks().len()
    );
    Ok(Findings { holds, damage })
}

/// Checks length and checksum, and that the codes of `lossless` columns decode; the other codes have no wrong bytes.
fn check_chunk(layout: &Layout, number: usize, rows: u64, record: &[u8]) -> ogive_cvc::Result<()> {
    let payload = layout.check_record(number, record)?;
    let compressions = layout
        .chunks()
        .get(number)
        .map(|chunk| chunk.columns.as_slice())
        .unwrap_or_default();
    for (position, (column, part)) in layout.columns().iter().zip(compressions).enumerate() {
        let bytes = layout.column_bytes(number, position, payload)?;
        if part.compression == Compression::Lossless {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            let mut values = vec![0.0; rows.saturating_mul(column.dimension)];
            layout.decode_f32(number, position, bytes, 0..rows, &mut values)?;
        }
    }
    Ok(())
}

async fn verify_array(
    mut bytes: FileBytes,
    format: ArrayFormat,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<Findings> {
    let layout = interrupt.guard(bytes.array_layout(format)).await??;
    let bar = bytes_bar(bytes.name(), bytes.size(), quiet);
    // Only these rows say anything that can be wrong.
    if layout.row_header_bytes > 0 {
        let rows_max = (BLOCK_BYTES as u64 / layout.row_stride.max(1)).max(1);
        let mut next = 0;
        while next < layout.rows {
            let rows = next..layout.rows.min(next.saturating_add(rows_max));
            next = rows.end;
            let range = layout.row_range(rows.clone());
            bar.set_position(range.end);
            let block = interrupt.guard(bytes.read(range)).await??;
            layout.check_rows(&block, rows)?;
        }
    }
    let holds = format!(
        "{} row(s) of {} number(s), without checksums",
        layout.rows, layout.dimension
    );
    Ok(Findings {
        holds,
        damage: Vec::new(),
    })
}
