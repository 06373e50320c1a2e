//! How work ends when it does not succeed, and the one line that says so.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use ogive::{ErrorFields, shortened};

use crate::cli::render::say;

/// Result of everything the command does.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why the command stops.
#[derive(Debug)]
pub enum Failure {
    /// The call asks for something that no run could do.
    Wrong(String),
    /// The work failed.
    Failed(String),
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more.
    OutputClosed,
}

impl Failure {
    /// A failure with a subject: a path, usually.
    pub fn about(subject: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Failure::Failed(format!("{subject}: {problem}"))
    }

    /// Says on stderr what happened, in one line.
    pub fn report(&self) {
        match self {
            Failure::Wrong(message) | Failure::Failed(message) => {
                say(format_args!("error: {}", shortened(message.clone())));
            }
            Failure::Interrupted => say("error: interrupted"),
            Failure::OutputClosed => {}
        }
    }

    /// The exit status it stands for.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Wrong(_) => ExitCode::from(2),
            Failure::Failed(_) | Failure::Interrupted => ExitCode::from(1),
            // `ogive .. | head` has done all that was wanted of it.
            Failure::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Failed(one_line(&error.to_string()))
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        let fields = ErrorFields::of(&error);
        let mut message = describe(&error);
        for more in [fields.detail, fields.hint].into_iter().flatten() {
            message = format!("{message}; {more}");
        }
        Failure::Failed(one_line(&message))
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Failure::Failed(one_line(&describe_arrow(&error)))
    }
}

impl From<ogive_cvc::Error> for Failure {
    fn from(error: ogive_cvc::Error) -> Self {
        Failure::Failed(one_line(&error.to_string()))
    }
}

impl From<ogive_npy::Error> for Failure {
    fn from(error: ogive_npy::Error) -> Self {
        Failure::Failed(one_line(&error.to_string()))
    }
}

/// Whether a context was written for people; DataFusion's own are the names of its rules.
fn is_sentence(context: &str) -> bool {
    let context = context.trim();
    context.contains(' ') && !context.starts_with("Optimizer rule")
}

/// The innermost message: what the layers above add is which layer they are.
fn describe(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Context(context, inner) if is_sentence(context) => {
            format!("{}: {}", context.trim(), without_layer(&describe(inner)))
        }
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            describe(inner)
        }
        DataFusionError::Shared(inner) => describe(inner),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => describe(first),
            None => error.strip_backtrace(),
        },
        DataFusionError::External(inner) => describe_source(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => describe_arrow(inner),
        DataFusionError::IoError(inner) => inner.to_string(),
        DataFusionError::ObjectStore(inner) => inner.to_string(),
        DataFusionError::ParquetError(inner) => inner.to_string(),
        DataFusionError::SQL(inner, _) => {
            format!("syntax error: {}", without_layer(&inner.to_string()))
        }
        DataFusionError::SchemaError(inner, _) => inner.to_string(),
        DataFusionError::NotImplemented(message) => format!("not supported: {message}"),
        DataFusionError::ResourcesExhausted(message) => {
            format!("the memory limit is reached (see --memory-limit): {message}")
        }
        DataFusionError::Plan(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Configuration(message) => message.clone(),
        _ => error.strip_backtrace(),
    }
}

fn describe_arrow(error: &ArrowError) -> String {
    match error {
        ArrowError::ExternalError(inner) => describe_source(inner.as_ref()),
        _ => error.to_string(),
    }
}

fn describe_source(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        describe(inner)
    } else if let Some(inner) = error.downcast_ref::<ArrowError>() {
        describe_arrow(inner)
    } else {
        error.to_string()
    }
}

/// What DataFusion, Arrow, Parquet and the SQL parser put before a message to say which of them speaks.
const LAYERS: [&str; 15] = [
    "External error: ",
    "External: ",
    "Execution error: ",
    "Error during planning: ",
    "Arrow error: ",
    "Parquet error: ",
    "Compute error: ",
    "Cast error: ",
    "Parser error: ",
    "Invalid argument error: ",
    "Invalid or Unsupported Configuration: ",
    "Object Store error: ",
    "IO error: ",
    "SQL error: ",
    "sql parser error: ",
];

fn without_layer(message: &str) -> &str {
    let mut rest = message.trim();
    while let Some(shorter) = LAYERS.iter().find_map(|layer| rest.strip_prefix(layer)) {
        rest = shorter.trim_start();
    }
    rest
}

/// The message without the names of layers, on a single line.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for part in without_layer(message)
        .lines()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_layers_are_left_out() {
        let inner = DataFusionError::Execution("x.cvc: chunk 2 is damaged".to_owned());
        let outer = DataFusionError::Context(
            "type_coercion".to_owned(),
            Box::new(DataFusionError::ArrowError(
                Box::new(ArrowError::ExternalError(Box::new(
                    DataFusionError::External(Box::new(inner)),
                ))),
                None,
            )),
        );
        match Failure::from(outer) {
            Failure::Failed(message) => assert_eq!(message, "x.cvc: chunk 2 is damaged"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_being_done_stays() {
        let inner = DataFusionError::Execution("permission denied".to_owned());
        match Failure::from(inner.context("looking for 'x'")) {
            Failure::Failed(message) => assert_eq!(message, "looking for 'x': permission denied"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_of_several_lines_becomes_one() {
        assert_eq!(
            one_line("External error: Execution error: a\n  b\n\nc"),
            "a b c"
        );
    }
}
