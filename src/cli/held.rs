//! Rows that are printed when all of them are there.

use std::io::{Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::cli::arguments::Format;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::render::print;

/// Kept in memory; more goes to a temporary file.
const MEMORY_BYTES_MAX: usize = 64 << 20;
/// Printed between two looks at the interrupt.
const BLOCK_BYTES: usize = 1 << 20;

/// The text of a result on its way to stdout.
///
/// The first lines of a result that fails half-way look like a whole one, so lines are held back until the query has
/// succeeded. A JSON array that is not closed cannot be taken for one, and a table comes in one piece: those are printed as
/// they come.
pub enum Printout {
    /// Printed at once.
    Direct,
    /// Held back.
    Held(Box<SpooledTempFile>),
}

impl Printout {
    /// For results of a format.
    pub fn of(format: Format) -> Self {
        match format {
            Format::Table | Format::Json => Self::Direct,
            Format::Csv | Format::Tsv | Format::NdJson => {
                Self::Held(Box::new(SpooledTempFile::new(MEMORY_BYTES_MAX)))
            }
        }
    }

    /// Takes text; whether it has been printed shows only at the end.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Direct => print(bytes),
            Self::Held(file) => file.write_all(bytes).map_err(cannot_hold),
        }
    }

    /// The result is whole: prints what was held back.
    pub fn finish(self, interrupt: &Interrupt) -> Result<()> {
        let Self::Held(mut file) = self else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(0)).map_err(cannot_hold)?;
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            interrupt.check()?;
            let bytes = file.read(&mut block).map_err(cannot_hold)?;
            match block.get(..bytes) {
                Some(filled) if !filled.is_empty() => print(filled)?,
                _ => return Ok(()),
            }
        }
    }
}

fn cannot_hold(error: std::io::Error) -> Failure {
    Failure::about("the temporary file that holds the rows", error)
}
