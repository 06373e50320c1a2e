//! The output in a form of the user's own.

use minijinja::{Environment, UndefinedBehavior, context};

use super::{LeftOut, PackedFile, Reason};
use crate::error::{Error, Result};

/// A Jinja template of a chunk: `title`, `chunk` (its number), `budget`, `encoding`, `files` (each with `path`, `language`, `level`,
/// `part`, `tokens`, `content`) and `left_out` (each with `path`, `why`) are known to it. A name that it does not know is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
}

/// What a template is given of a chunk.
pub(super) struct Filled<'a> {
    pub title: &'a str,
    pub chunk: u32,
    pub budget: Option<u64>,
    pub encoding: &'a str,
    pub blocks: &'a [(PackedFile, String)],
    pub left_out: &'a [LeftOut],
}

impl Template {
    /// The template of a text.
    ///
    /// # Errors
    ///
    /// The text is no template; the error says where.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        environment().template_from_str(&text).map_err(wrong)?;
        Ok(Self { text })
    }

    /// The text of a chunk.
    pub(super) fn render(&self, filled: &Filled<'_>) -> Result<String> {
        let files: Vec<_> = filled
            .blocks
            .iter()
            .map(|(file, content)| {
                context! {
                    path => file.path,
                    language => file.language,
                    level => file.level.name(),
                    part => file.part,
                    tokens => file.tokens,
                    content => content,
                }
            })
            .collect();
        let left_out: Vec<_> = filled
            .left_out
            .iter()
            .map(|left| context! { path => left.path, why => why(&left.reason) })
            .collect();
        let environment = environment();
        let template = environment.template_from_str(&self.text).map_err(wrong)?;
        template
            .render(context! {
                title => filled.title,
                chunk => filled.chunk,
                budget => filled.budget,
                encoding => filled.encoding,
                files,
                left_out,
            })
            .map_err(wrong)
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment
}

fn wrong(error: minijinja::Error) -> Error {
    Error::Template {
        message: error.to_string(),
    }
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::Budget => "the budget has no room for it".to_owned(),
        Reason::Secret(like) => format!("it looks like {like}"),
        Reason::Duplicate(of, _) => format!("it repeats {of}"),
        Reason::Unreadable(why) => why.clone(),
    }
}
