//! The `ogive` command: parse arguments, call the library, render.
//!
//! Rows go to stdout, everything else to stderr. Exit status 0: done; 1: the work failed; 2: the call was wrong.

mod arguments;
mod bus_error;
mod bytes;
mod completion;
mod context;
mod convert;
mod doctor;
mod error;
mod held;
mod index;
mod info;
mod interrupt;
mod kv;
mod number_table;
mod output;
mod pack;
mod pages_bench;
mod pages_plot;
mod printable;
mod progress;
mod prompt;
mod render;
mod run;
mod scan_progress;
mod sql;
mod upgrade;
mod vectors;
mod verify;
mod work;

use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use ogive::{Session, SessionBuilder};

use arguments::{Arguments, Command, NamedPath, PagesCommand, QueryArguments};
use bus_error::name_files_on_bus_error;
use error::{Failure, Result};
use interrupt::Interrupt;
use run::Runner;
use work::Workers;

/// Runs the command with the process's arguments.
pub fn main() -> ExitCode {
    name_files_on_bus_error();
    let arguments = match Arguments::try_parse_from(command_first(std::env::args_os().collect())) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers and go to stdout; nobody may be reading either.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            };
        }
    };
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Threads that work for others to the end of a block may still write.
            ogive_cvc::end_temporaries();
            failure.report();
            failure.exit_code()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<()> {
    let Some(command) = arguments.command else {
        return query(arguments.query);
    };
    let interrupt = Interrupt::default();
    interrupt.listen(false)?;
    let workers = Workers::start(None, interrupt.clone())?;
    let outcome = workers.run(work(command, interrupt));
    workers.stop();
    outcome
}

async fn work(command: Command, interrupt: Interrupt) -> Result<()> {
    match command {
        Command::Pack(arguments) => pack::run(arguments, interrupt).await,
        Command::Info(arguments) => info::run(arguments, interrupt).await,
        Command::Verify(arguments) => verify::run(arguments, interrupt).await,
        Command::Convert(arguments) => convert::run(arguments, interrupt).await,
        Command::Upgrade(arguments) => upgrade::run(arguments, interrupt).await,
        Command::Kv(command) => kv::run(command),
        Command::Index(command) => index::run(command, interrupt).await,
        Command::Context(arguments) => context::run(*arguments, interrupt).await,
        Command::Pages(PagesCommand::Bench(arguments)) => pages_bench::run(&arguments, &interrupt),
        // It has nothing to say on stderr.
        Command::Doctor(_) => doctor::run(),
    }
}

fn query(arguments: QueryArguments) -> Result<()> {
    // Before signals are caught: reading stdin can take for ever, and Ctrl-C ends it.
    let script = script(&arguments)?;
    let interrupt = Interrupt::default();
    if script.is_some() {
        interrupt.listen(false)?;
    }
    let workers = Workers::start(arguments.threads, interrupt.clone())?;
    let mut runner = Runner {
        session: session(&arguments)?,
        format: arguments.format,
        quiet: arguments.quiet,
        interrupt,
    };
    let session = runner.session.clone();
    let (paths, named) = (arguments.paths, arguments.named);
    let outcome = workers
        .run(async move { open(&session, &paths, &named).await })
        .and_then(|()| match script {
            None => prompt::run(&workers, runner),
            Some(parts) => parts
                .into_iter()
                .try_for_each(|part| prompt::line(&workers, &mut runner, &part)),
        });
    workers.stop();
    outcome
}

/// `ogive -q pack ..` as `ogive pack -q ..`: options without a value that stand before a command belong to it.
fn command_first(mut words: Vec<OsString>) -> Vec<OsString> {
    let is_flag = |word: &OsString| word == "-q" || word == "--quiet";
    let flags = words
        .iter()
        .skip(1)
        .take_while(|word| is_flag(word))
        .count();
    let is_command = |word: &OsString| {
        use clap::CommandFactory;
        let word = word.to_str();
        word.is_some_and(|word| Arguments::command().find_subcommand(word).is_some())
    };
    if flags > 0 && words.get(flags + 1).is_some_and(is_command) {
        let command = words.remove(flags + 1);
        words.insert(1, command);
    }
    words
}

/// The SQL to run, in the order given; `None` if it is to be asked for.
fn script(arguments: &QueryArguments) -> Result<Option<Vec<String>>> {
    if !arguments.sql.is_empty() {
        return Ok(Some(arguments.sql.clone()));
    }
    let mut sql = String::new();
    match &arguments.file {
        Some(path) if path != Path::new("-") => {
            sql = std::fs::read_to_string(path)
                .map_err(|error| Failure::about(path.display(), bytes::describe_io(&error)))?;
        }
        None if std::io::stdin().is_terminal() => return Ok(None),
        _ => {
            std::io::stdin()
                .read_to_string(&mut sql)
                .map_err(|error| Failure::about("stdin", error))?;
        }
    }
    Ok(Some(vec![sql]))
}

fn session(arguments: &QueryArguments) -> Result<Session> {
    let mut builder = SessionBuilder::new();
    if let Some(bytes) = arguments.memory_limit {
        builder = builder.with_memory_limit(bytes);
    }
    if let Some(threads) = arguments.threads {
        builder = builder.with_target_partitions(threads);
    }
    Ok(builder.build()?)
}

/// Opens what the command line names.
async fn open(session: &Session, paths: &[String], named: &[NamedPath]) -> Result<()> {
    let unnamed = paths.iter().map(|path| (None, path));
    let named = named.iter().map(|one| (Some(one.name.as_str()), &one.path));
    for (name, path) in named.chain(unnamed) {
        let is_path = !path.contains("://") && !path.starts_with("~/");
        if is_path && !path.contains(['*', '?', '[', '{']) && !Path::new(path).exists() {
            return Err(Failure::about(path, "no such file or directory"));
        }
        match name {
            Some(name) => session.attach_as(name, path).await?,
            None => {
                session.attach(path).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_may_come_before_a_command() {
        let ordered = |words: &[&str]| {
            let words = words.iter().map(OsString::from).collect();
            let ordered = command_first(words).into_iter();
            let ordered: Vec<String> = ordered.map(|word| word.into_string().unwrap()).collect();
            ordered.join(" ")
        };
        assert_eq!(
            ordered(&["ogive", "-q", "pack", "a", "b"]),
            "ogive pack -q a b"
        );
        assert_eq!(
            ordered(&["ogive", "--quiet", "doctor"]),
            "ogive doctor --quiet"
        );
        assert_eq!(
            ordered(&["ogive", "-q", "x.cvc", "doctor"]),
            "ogive -q x.cvc doctor"
        );
        assert_eq!(ordered(&["ogive", "-q"]), "ogive -q");
        assert_eq!(ordered(&["ogive", "-c", "pack"]), "ogive -c pack");
    }
}
