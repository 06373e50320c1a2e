//! The prompt.

use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::cli::arguments::Format;
use crate::cli::completion::{SqlHelper, table_names};
use crate::cli::error::{Failure, Result};
use crate::cli::render::{print, say};
use crate::cli::run::Runner;
use crate::cli::work::Workers;

const HELP: &str = "\
SQL statements end with ; and may span lines. Tab completes, arrows recall, Ctrl-C stops a query, Ctrl-D leaves.
  \\d             tables
  \\d NAME        columns of a table, or of a file: \\d 'x.cvc'
  \\format NAME   how rows are printed: table, csv, tsv, json, nd-json
  \\timing        row counts and times: on or off
  \\i FILE        run the SQL of a file
  \\?             this help
  \\q             leave
";

/// Lines kept from one prompt to the next.
const HISTORY_LINES_MAX: usize = 10_000;

/// Reads statements from the terminal until somebody leaves.
pub fn run(workers: &Workers, mut runner: Runner) -> Result<()> {
    let mut editor = editor(&runner)?;
    // The editor takes Ctrl-C for itself; whoever comes later hears it as well.
    runner.interrupt.listen(true)?;
    let history = history_path();
    if let Some(path) = &history {
        // There is none on the first day.
        let _ = editor.load_history(path);
    }
    say(format_args!(
        "ogive {}. \\? for help.",
        env!("CARGO_PKG_VERSION")
    ));
    let outcome = read_lines(workers, &mut runner, &mut editor);
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        say(format_args!(
            "warning: {}: history not saved: {error}",
            path.display()
        ));
    }
    outcome
}

fn read_lines(
    workers: &Workers,
    runner: &mut Runner,
    editor: &mut Editor<SqlHelper, FileHistory>,
) -> Result<()> {
    loop {
        let line = match editor.readline("ogive> ") {
            Ok(line) => line,
            // Ctrl-C while typing; or a signal that the last query has answered already.
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(Failure::about("the terminal", error)),
        };
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        // A line that cannot be kept can still be run.
        let _ = editor.add_history_entry(text);
        runner.interrupt.clear();
        let outcome = match text.strip_prefix('\\') {
            Some(command) => match command_of(command) {
                Command::Leave => return Ok(()),
                command => obey(workers, runner, command),
            },
            None => execute(workers, runner, text.to_owned()),
        };
        match outcome {
            Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
            Err(failure) => failure.report(),
            Ok(()) => {}
        }
    }
}

/// Runs a line as at the prompt: a command that begins with a backslash, or SQL.
pub fn line(workers: &Workers, runner: &mut Runner, text: &str) -> Result<()> {
    match text.trim().strip_prefix('\\') {
        Some(command) => obey(workers, runner, command_of(command)),
        None => execute(workers, runner, text.to_owned()),
    }
}

/// A line that begins with a backslash.
#[derive(Debug, PartialEq)]
enum Command<'a> {
    Leave,
    Help,
    Tables,
    Columns(&'a str),
    Format(&'a str),
    Timing,
    Include(&'a str),
    Unknown(&'a str),
}

fn command_of(line: &str) -> Command<'_> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match (word, rest.trim()) {
        ("q" | "quit", _) => Command::Leave,
        ("?" | "h" | "help", _) => Command::Help,
        ("d" | "dt", "") => Command::Tables,
        ("d", name) => Command::Columns(name),
        ("format", name) => Command::Format(name),
        ("timing", _) => Command::Timing,
        ("i", file) if !file.is_empty() => Command::Include(file),
        _ => Command::Unknown(word),
    }
}

fn obey(workers: &Workers, runner: &mut Runner, command: Command<'_>) -> Result<()> {
    match command {
        Command::Leave => Ok(()),
        Command::Help => print(HELP.as_bytes()),
        Command::Tables => {
            let mut lines = table_names(&runner.session).join("\n");
            lines.push('\n');
            print(lines.as_bytes())
        }
        Command::Columns(name) => print(columns(workers, runner, name)?.as_bytes()),
        Command::Format(name) => {
            runner.format = <Format as clap::ValueEnum>::from_str(name, true).map_err(|_| {
                Failure::Failed(format!(
                    "no format '{name}', there are table, csv, tsv, json, nd-json"
                ))
            })?;
            Ok(())
        }
        Command::Timing => {
            runner.quiet = !runner.quiet;
            say(if runner.quiet {
                "Timing is off."
            } else {
                "Timing is on."
            });
            Ok(())
        }
        Command::Include(file) => {
            let sql = std::fs::read_to_string(file).map_err(|error| Failure::about(file, error))?;
            execute(workers, runner, sql)
        }
        Command::Unknown(word) => Err(Failure::Failed(format!(
            "no command \\{word}; \\? lists them"
        ))),
    }
}

fn execute(workers: &Workers, runner: &Runner, sql: String) -> Result<()> {
    let runner = runner.clone();
    workers.run(async move { runner.script(&sql).await })
}

/// Names and types of the columns of anything that can stand behind FROM.
fn columns(workers: &Workers, runner: &Runner, name: &str) -> Result<String> {
    let sql = format!("SELECT * FROM {name}");
    let session = runner.session.clone();
    let frame = workers.run(async move { Ok(session.sql(&sql).await?) })?;
    let fields = frame.schema().fields();
    let width = fields
        .iter()
        .map(|field| field.name().chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = String::new();
    for field in fields {
        let null = if field.is_nullable() { "" } else { " NOT NULL" };
        lines.push_str(&format!(
            "{:width$}  {}{null}\n",
            field.name(),
            field.data_type()
        ));
    }
    Ok(lines)
}

fn editor(runner: &Runner) -> Result<Editor<SqlHelper, FileHistory>> {
    let terminal = |error| Failure::about("the terminal", error);
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_LINES_MAX)
        .map_err(terminal)?
        .build();
    let mut editor = Editor::with_config(config).map_err(terminal)?;
    editor.set_helper(Some(SqlHelper::new(runner.session.clone())));
    Ok(editor)
}

/// `$OGIVE_HISTORY`, or a file in the home directory; none when that variable is empty or there is no home.
fn history_path() -> Option<PathBuf> {
    match std::env::var_os("OGIVE_HISTORY") {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(path.into()),
        None => std::env::home_dir().map(|home| home.join(".ogive_history")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        assert_eq!(command_of("q"), Command::Leave);
        assert_eq!(command_of("d"), Command::Tables);
        assert_eq!(command_of("d  'x y.cvc';"), Command::Columns("'x y.cvc'"));
        assert_eq!(command_of("i"), Command::Unknown("i"));
        assert_eq!(command_of("nonsense 3"), Command::Unknown("nonsense"));
    }
}
