//! The tables of a checkout.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// A table of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeTable {
    /// A row for each file.
    Files,
    /// A row for each definition.
    Symbols,
    /// A row for each imported name.
    Imports,
    /// A row for each name that others can use.
    Exports,
    /// A row for each use of a name.
    References,
    /// A row for each call.
    Calls,
    /// A row for each import that is of a file of the checkout.
    Edges,
    /// A row for each piece of a file that fits an embedding.
    Chunks,
    /// A row for each thing that is wrong with a file.
    Errors,
}

impl CodeTable {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Files,
        Self::Symbols,
        Self::Imports,
        Self::Exports,
        Self::References,
        Self::Calls,
        Self::Edges,
        Self::Chunks,
        Self::Errors,
    ];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Symbols => "symbols",
            Self::Imports => "imports",
            Self::Exports => "exports",
            Self::References => "references",
            Self::Calls => "calls",
            Self::Edges => "edges",
            Self::Chunks => "chunks",
            Self::Errors => "errors",
        }
    }

    /// Its columns.
    pub fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let maybe_text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let maybe_number = |name: &str| Field::new(name, DataType::Int64, true);
        let texts = |name: &str| {
            let item = Field::new_list_field(DataType::Utf8, false);
            Field::new(name, DataType::List(Arc::new(item)), false)
        };
        Arc::new(Schema::new(match self {
            Self::Files => vec![
                text("path"),
                text("language"),
                number("bytes"),
                number("lines"),
                number("code"),
                number("comments"),
                number("blanks"),
                maybe_number("tokens"),
                number("complexity"),
                maybe_text("hash"),
                texts("imports"),
                texts("exports"),
                texts("functions"),
                texts("classes"),
                maybe_text(CONTENT),
            ],
            Self::Symbols => vec![
                text("path"),
                text("id"),
                text("name"),
                text("qualified_name"),
                text("kind"),
                text("signature"),
                maybe_text("doc"),
                texts("decorators"),
                maybe_text("parent"),
                number("start_line"),
                number("end_line"),
                number("start_byte"),
                number("end_byte"),
                text("visibility"),
                maybe_number("complexity"),
                maybe_text(CONTENT),
            ],
            Self::Imports => vec![
                text("path"),
                text("module"),
                maybe_text("name"),
                maybe_text("alias"),
                number("line"),
            ],
            Self::Exports => vec![
                text("path"),
                text("name"),
                maybe_text("symbol"),
                maybe_text("module"),
                number("line"),
            ],
            Self::References => vec![
                text("path"),
                text("name"),
                maybe_text("symbol"),
                number("line"),
            ],
            Self::Calls => vec![
                text("path"),
                text("name"),
                text("callee"),
                maybe_text("symbol"),
                number("line"),
            ],
            Self::Edges => vec![text("path"), text("target"), text("module"), number("line")],
            Self::Chunks => vec![
                text("path"),
                text("id"),
                number("ordinal"),
                maybe_text("symbol"),
                number("start_line"),
                number("end_line"),
                number("tokens"),
                text(CONTENT),
            ],
            Self::Errors => vec![text("path"), text("stage"), text("message")],
        }))
    }
}

/// The column of a file's or a symbol's text, which is read only where it is asked for.
pub const CONTENT: &str = "content";
