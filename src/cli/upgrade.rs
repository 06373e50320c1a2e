//! `ogive upgrade`: a CVC file of version 0 as version 1.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};

use crate::cli::arguments::UpgradeArguments;
use crate::cli::bytes::describe_io;
use crate::cli::error::{Failure, Result};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::Output;

/// Runs the command.
pub async fn run(arguments: UpgradeArguments, interrupt: Interrupt) -> Result<()> {
    let name = arguments.input.display().to_string();
    let source =
        File::open(&arguments.input).map_err(|error| Failure::about(&name, describe_io(&error)))?;
    let mut target = Output::create(&arguments.output, arguments.force)?;
    let mut writer = BufWriter::new(target.file_mut());
    ogive_cvc::upgrade(&name, &mut BufReader::new(source), &mut writer)?;
    writer
        .flush()
        .map_err(|error| Failure::about(arguments.output.display(), error))?;
    drop(writer);
    interrupt.check()?;
    target.commit()
}
