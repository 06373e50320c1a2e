//! The forms of the output.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{LeftOut, Reason};
use crate::compress::Level;
use crate::error::{Error, Result};
use crate::language::Language;

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Headings and fenced code.
    #[default]
    Markdown,
    /// One object with a list of files.
    Json,
    /// Elements around escaped text.
    Xml,
    /// Lines of `=` before each file.
    Plain,
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "markdown" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Xml),
            "plain" => Ok(Self::Plain),
            _ => Err(Error::UnknownName {
                what: "format",
                name: name.to_owned(),
                expected: "markdown, json, xml, plain".to_owned(),
            }),
        }
    }
}

impl Format {
    /// What stands before the files.
    pub(super) fn header(
        self,
        title: &str,
        number: Option<u32>,
        files: usize,
        budget: Option<u64>,
        encoding: &str,
        left_out: &[LeftOut],
    ) -> String {
        let mut about = format!("{files} {}", if files == 1 { "file" } else { "files" });
        if let Some(number) = number {
            let _ = write!(about, ", part {number}");
        }
        if let Some(budget) = budget {
            let _ = write!(about, ", at most {budget} tokens ({encoding})");
        }
        let lines = left_out_lines(left_out);
        let mut out = String::new();
        match self {
            Self::Markdown => {
                let _ = write!(out, "# {title}\n\n{about}.\n");
                if !lines.is_empty() {
                    out.push_str("\nLeft out:\n");
                    for line in lines {
                        let _ = writeln!(out, "- {line}");
                    }
                }
            }
            Self::Plain => {
                let _ = write!(out, "{title}\n{about}\n");
                for line in lines {
                    let _ = writeln!(out, "left out: {line}");
                }
            }
            Self::Xml => {
                let _ = writeln!(
                    out,
                    "<context name=\"{}\" about=\"{}\">",
                    escaped(title),
                    escaped(&about)
                );
                for line in lines {
                    let _ = writeln!(out, "<left_out>{}</left_out>", escaped(&line));
                }
            }
            Self::Json => {
                let _ = write!(
                    out,
                    "{{\"name\":{},\"about\":{},\"left_out\":{},\"files\":[",
                    json(title),
                    json(&about),
                    serde_json::Value::from(lines)
                );
            }
        }
        out
    }

    /// A file.
    pub(super) fn block(
        self,
        path: &str,
        language: Language,
        level: Level,
        part: Option<u32>,
        text: &str,
    ) -> String {
        let part = part.map_or_else(String::new, |part| format!(", part {part}"));
        match self {
            // A summary says its path itself.
            Self::Markdown if level == Level::Summary => format!("- {text}"),
            Self::Plain if level == Level::Summary => text.to_owned(),
            Self::Markdown => {
                let fence = fence(text);
                let note = match level {
                    Level::Full => part,
                    level => format!(" ({level}{part})"),
                };
                let line = if text.is_empty() || text.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                format!("## {path}{note}\n\n{fence}{language}\n{text}{line}{fence}\n")
            }
            Self::Plain => {
                let line = if text.is_empty() || text.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                format!("==== {path} ({level}{part}) ====\n{text}{line}")
            }
            Self::Xml => {
                let part = part.trim_start_matches(", part ");
                let part = if part.is_empty() {
                    String::new()
                } else {
                    format!(" part=\"{part}\"")
                };
                format!(
                    "<file path=\"{}\" language=\"{language}\" level=\"{level}\"{part}>\n{}</file>\n",
                    escaped(path),
                    escaped(text)
                )
            }
            Self::Json => {
                let part = part.trim_start_matches(", part ");
                let part = if part.is_empty() {
                    String::new()
                } else {
                    format!("\"part\":{part},")
                };
                format!(
                    "{{\"path\":{},\"language\":\"{language}\",\"level\":\"{level}\",{part}\"content\":{}}}",
                    json(path),
                    json(text)
                )
            }
        }
    }

    /// What stands before the block of that number, from 0.
    pub(super) fn between(self, at: usize) -> &'static str {
        match (self, at) {
            (Self::Json, 0) => "\n",
            (Self::Json, _) => ",\n",
            (Self::Xml, _) => "",
            _ => "\n",
        }
    }

    /// What stands after the files.
    pub(super) fn footer(self) -> &'static str {
        match self {
            Self::Json => "\n]}\n",
            Self::Xml => "</context>\n",
            _ => "",
        }
    }
}

/// What was left out and why, a line a reason; long lists are cut.
fn left_out_lines(left_out: &[LeftOut]) -> Vec<String> {
    /// Names that are said of each reason.
    const NAMES_MAX: usize = 10;
    let mut by_reason: BTreeMap<u8, (&str, Vec<String>)> = BTreeMap::new();
    for left in left_out {
        let path = &left.path;
        let (order, what, name) = match &left.reason {
            Reason::Budget => (0, "for which the budget has no room", path.clone()),
            Reason::Secret(like) => (1, "that look like secrets", format!("{path} ({like})")),
            Reason::Duplicate(of, likeness) => {
                let how = if *likeness >= 1.0 {
                    format!("{path} (as {of})")
                } else {
                    format!("{path} ({:.0} % as {of})", likeness * 100.0)
                };
                (2, "that repeat others", how)
            }
            Reason::Unreadable(why) => (3, "that cannot be read", format!("{path} ({why})")),
        };
        by_reason
            .entry(order)
            .or_insert_with(|| (what, Vec::new()))
            .1
            .push(name);
    }
    by_reason
        .into_values()
        .map(|(what, names)| {
            let shown = names.get(..NAMES_MAX).unwrap_or(&names).join(", ");
            let more = match names.len().saturating_sub(NAMES_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{} {what}: {shown}{more}", names.len())
        })
        .collect()
}

/// A fence longer than any in the text.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest.max(2) + 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
