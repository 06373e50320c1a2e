//! Facts of files as rows of tables.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion_common::Result;
use ogive_codebase::{Checkout, Edge, FileError, FileFacts, Symbol, SymbolKind, chunks};

use super::schema::{CONTENT, CodeTable};

/// The most tokens of a row of `chunks`: what most embedding models take.
const CHUNK_TOKENS: u64 = 512;

/// A column that is being filled.
enum Column {
    Text(StringBuilder),
    Number(Int64Builder),
    Texts(ListBuilder<StringBuilder>),
}

impl Column {
    fn new(field: &Field) -> Self {
        match field.data_type() {
            DataType::Int64 => Self::Number(Int64Builder::new()),
            DataType::List(item) => {
                Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(item)))
            }
            _ => Self::Text(StringBuilder::new()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A cell.
enum Cell<'a> {
    Null,
    Text(&'a str),
    Owned(String),
    Number(i64),
    Texts(Vec<&'a str>),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl From<Option<String>> for Cell<'_> {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Owned)
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Rows of a table, in the columns that are wanted.
pub struct Rows {
    table: CodeTable,
    schema: SchemaRef,
    names: Vec<String>,
    columns: Vec<Column>,
    count: usize,
    bytes: usize,
}

impl Rows {
    /// No rows, with the columns of `schema`, which is of columns of the table's.
    pub fn new(table: CodeTable, schema: SchemaRef) -> Self {
        let fields = schema.fields();
        Self {
            table,
            names: fields.iter().map(|field| field.name().clone()).collect(),
            columns: fields.iter().map(|field| Column::new(field)).collect(),
            schema,
            count: 0,
            bytes: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// About how many bytes of text they hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the rows out.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        (self.count, self.bytes) = (0, 0);
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }

    /// Adds the rows that a file gives.
    pub fn add(&mut self, facts: &FileFacts, checkout: &Checkout) {
        let (file, parsed) = (&facts.file, &facts.parsed);
        let path = file.path.as_str();
        let symbol = |number: Option<u32>| -> Option<&str> {
            let symbol = parsed.symbols.get(number? as usize)?;
            Some(symbol.qualified_name.as_str())
        };
        let text = || {
            let is_wanted = self.names.iter().any(|name| name == CONTENT);
            is_wanted.then(|| checkout.read(path).ok()).flatten()
        };
        match self.table {
            CodeTable::Files => {
                let content = text();
                self.row(|name| match name {
                    "path" => path.into(),
                    "language" => file.language.as_str().into(),
                    "bytes" => file.bytes.into(),
                    "lines" => file.lines.total.into(),
                    "code" => file.lines.code.into(),
                    "comments" => file.lines.comments.into(),
                    "blanks" => file.lines.blanks.into(),
                    "tokens" => file.tokens.map_or(Cell::Null, Into::into),
                    "complexity" => file.complexity.into(),
                    "hash" => file.hash.map(|hash| hash.to_string()).into(),
                    "imports" => Cell::Texts(import_names(facts)),
                    "exports" => Cell::Texts(distinct(
                        parsed.exports.iter().map(|export| export.name.as_str()),
                    )),
                    "functions" => Cell::Texts(names_of(facts, SymbolKind::is_function)),
                    "classes" => Cell::Texts(names_of(facts, SymbolKind::has_methods)),
                    _ => content.as_deref().into(),
                });
            }
            CodeTable::Symbols => {
                let content = text();
                for (number, found) in parsed.symbols.iter().enumerate() {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "id" => Cell::Owned(symbol_id(facts, number)),
                        "name" => found.name.as_str().into(),
                        "qualified_name" => found.qualified_name.as_str().into(),
                        "kind" => found.kind.name().into(),
                        "signature" => found.signature.as_str().into(),
                        "doc" => found.doc.as_deref().into(),
                        "decorators" => {
                            Cell::Texts(found.decorators.iter().map(String::as_str).collect())
                        }
                        "parent" => symbol(found.parent).into(),
                        "start_line" => found.start_line.into(),
                        "end_line" => found.end_line.into(),
                        "start_byte" => found.start_byte.into(),
                        "end_byte" => found.end_byte.into(),
                        "visibility" => found.visibility.name().into(),
                        "complexity" => found.complexity.map_or(Cell::Null, Into::into),
                        _ => content.as_deref().and_then(|text| part(text, found)).into(),
                    });
                }
            }
            CodeTable::Imports => {
                for import in &parsed.imports {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "module" => import.module.as_str().into(),
                        "name" => import.name.as_deref().into(),
                        "alias" => import.alias.as_deref().into(),
                        _ => import.line.into(),
                    });
                }
            }
            CodeTable::Exports => {
                for export in &parsed.exports {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "name" => export.name.as_str().into(),
                        "symbol" => symbol(export.symbol).into(),
                        "module" => export.module.as_deref().into(),
                        _ => export.line.into(),
                    });
                }
            }
            CodeTable::References => {
                for reference in &parsed.references {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "name" => reference.name.as_str().into(),
                        "symbol" => symbol(reference.symbol).into(),
                        _ => reference.line.into(),
                    });
                }
            }
            CodeTable::Calls => {
                for call in &parsed.calls {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "name" => call.name.as_str().into(),
                        "callee" => call.callee.as_str().into(),
                        "symbol" => symbol(call.symbol).into(),
                        _ => call.line.into(),
                    });
                }
            }
            CodeTable::Chunks => {
                let (Some(hash), Ok(content)) = (file.hash, checkout.read(path)) else {
                    return;
                };
                let tokenizer = &checkout.options().encoding;
                for chunk in chunks(&content, parsed, hash, CHUNK_TOKENS, tokenizer) {
                    self.row(|name| match name {
                        "path" => path.into(),
                        "id" => Cell::Owned(chunk.id.clone()),
                        "ordinal" => chunk.ordinal.into(),
                        "symbol" => symbol(chunk.symbol).into(),
                        "start_line" => chunk.start_line.into(),
                        "end_line" => chunk.end_line.into(),
                        "tokens" => chunk.tokens.into(),
                        _ => Cell::Owned(chunk.text(&content).to_string()),
                    });
                }
            }
            CodeTable::Errors => {
                for error in facts.errors() {
                    self.add_error(&error);
                }
            }
            // They are known when all files are.
            CodeTable::Edges => {}
        }
    }

    /// Adds an error.
    pub fn add_error(&mut self, error: &FileError) {
        self.row(|name| match name {
            "path" => error.path.as_str().into(),
            "stage" => error.stage.name().into(),
            _ => error.message.as_str().into(),
        });
    }

    /// Adds an edge.
    pub fn add_edge(&mut self, edge: &Edge) {
        self.row(|name| match name {
            "path" => edge.from.as_str().into(),
            "target" => edge.to.as_str().into(),
            "module" => edge.module.as_str().into(),
            _ => edge.line.into(),
        });
    }

    fn row<'a>(&mut self, cell: impl Fn(&str) -> Cell<'a>) {
        for (name, column) in self.names.iter().zip(&mut self.columns) {
            match (column, cell(name)) {
                (Column::Text(builder), Cell::Text(text)) => {
                    self.bytes += text.len();
                    builder.append_value(text);
                }
                (Column::Text(builder), Cell::Owned(text)) => {
                    self.bytes += text.len();
                    builder.append_value(text);
                }
                (Column::Text(builder), _) => builder.append_null(),
                (Column::Number(builder), Cell::Number(number)) => builder.append_value(number),
                (Column::Number(builder), _) => builder.append_null(),
                (Column::Texts(builder), Cell::Texts(texts)) => {
                    for text in texts {
                        self.bytes += text.len();
                        builder.values().append_value(text);
                    }
                    builder.append(true);
                }
                (Column::Texts(builder), _) => builder.append(true),
            }
        }
        self.count += 1;
    }
}

/// A symbol's id: of its file's content and its place in it, so that it stays while the file does.
fn symbol_id(facts: &FileFacts, number: usize) -> String {
    match facts.file.hash {
        Some(hash) => format!("{:.32}:{number}", hash.to_string()),
        None => format!("{}:{number}", facts.file.path),
    }
}

/// The text of a symbol.
fn part<'a>(text: &'a str, symbol: &Symbol) -> Option<&'a str> {
    text.get(symbol.start_byte as usize..symbol.end_byte as usize)
}

/// The modules that a file imports, and their roots.
fn import_names(facts: &FileFacts) -> Vec<&str> {
    distinct(
        facts
            .parsed
            .imports
            .iter()
            .flat_map(|import| [Some(import.module.as_str()), import.root()])
            .flatten(),
    )
}

fn names_of(facts: &FileFacts, is_wanted: impl Fn(SymbolKind) -> bool) -> Vec<&str> {
    let symbols = facts.parsed.symbols.iter();
    distinct(
        symbols
            .filter(|symbol| is_wanted(symbol.kind))
            .map(|symbol| symbol.name.as_str()),
    )
}

/// Names in order, each once.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}
