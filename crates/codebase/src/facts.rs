//! What is known of a file: the rows of the tables.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::error::Stage;

/// What kind of thing a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SymbolKind {
    /// A function that belongs to no type.
    Function,
    /// A function that belongs to a type.
    Method,
    /// A class, object or record.
    Class,
    /// A structure or union.
    Struct,
    /// A trait.
    Trait,
    /// An interface or protocol.
    Interface,
    /// An enumeration.
    Enum,
    /// A constant.
    Constant,
    /// A name for a type.
    Type,
    /// A module or namespace in a file.
    Module,
    /// A macro.
    Macro,
    /// A part of a file without code: a heading, a table, a key, a rule of style.
    Section,
}

impl SymbolKind {
    /// The kind's name in tables, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Class => "class",
            Self::Struct => "struct",
            Self::Trait => "trait",
            Self::Interface => "interface",
            Self::Enum => "enum",
            Self::Constant => "constant",
            Self::Type => "type",
            Self::Module => "module",
            Self::Macro => "macro",
            Self::Section => "section",
        }
    }

    /// Whether it is a function or method.
    #[must_use]
    pub fn is_function(self) -> bool {
        matches!(self, Self::Function | Self::Method)
    }

    /// Whether functions in it are methods.
    #[must_use]
    pub fn has_methods(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Struct | Self::Trait | Self::Interface | Self::Enum
        )
    }
}

/// Who can see a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Types that inherit from its own.
    Protected,
    /// The same package, crate or assembly.
    Internal,
    /// The file, module or type it is in.
    Private,
}

impl Visibility {
    /// The name in tables, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Protected => "protected",
            Self::Internal => "internal",
            Self::Private => "private",
        }
    }
}

/// A definition. Its number is its place in the file's list; parents come before what is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The simple name.
    pub name: String,
    /// The names around it and its own, with dots between: `Outer.method`.
    pub qualified_name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The definition up to its body, on one line, without comments.
    pub signature: String,
    /// Its documentation, without the marks of comments.
    pub doc: Option<String>,
    /// Decorators, attributes and annotations, as written.
    pub decorators: Vec<String>,
    /// The number of the symbol that it is in.
    pub parent: Option<u32>,
    /// The line of `def`, `class` or `fn`, from 1. Decorators stand before it.
    pub start_line: u32,
    /// The last line, from 1.
    pub end_line: u32,
    /// The first byte of the definition without its decorators, in the decoded text.
    pub start_byte: u32,
    /// The byte after the last.
    pub end_byte: u32,
    /// The first byte of the body, where there is one.
    pub body_byte: Option<u32>,
    /// Who can see it.
    pub visibility: Visibility,
    /// Cyclomatic complexity, of functions and methods.
    pub complexity: Option<u32>,
}

/// One imported name, or one imported module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The module as written, with leading dots.
    pub module: String,
    /// The name taken from the module: `*` is all of them, none is the module itself.
    pub name: Option<String>,
    /// The name it is given here.
    pub alias: Option<String>,
    /// The line of the statement, from 1.
    pub line: u32,
}

impl Import {
    /// The first part of the module's name: `numpy` of `numpy.linalg`; none for relative modules.
    #[must_use]
    pub fn root(&self) -> Option<&str> {
        let end = self.module.find(['.', ':', '/', '\\']);
        match end {
            Some(0) => None,
            Some(end) => self.module.get(..end),
            None => Some(&self.module),
        }
    }
}

/// A name that other files can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The name that others use.
    pub name: String,
    /// The symbol of this file, where it is one.
    pub symbol: Option<u32>,
    /// The module that it comes from, where it is passed on.
    pub module: Option<String>,
    /// The line, from 1.
    pub line: u32,
}

/// A name in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The name.
    pub name: CompactString,
    /// The number of the symbol that it is used in.
    pub symbol: Option<u32>,
    /// The line, from 1.
    pub line: u32,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The simple name of what is called.
    pub name: CompactString,
    /// What is called as written, `self.pages.get`; the simple name where it is long.
    pub callee: CompactString,
    /// The number of the symbol that calls.
    pub symbol: Option<u32>,
    /// The line, from 1.
    pub line: u32,
}

/// How many lines of which kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// All lines.
    pub total: u32,
    /// Lines with anything but comments on them.
    pub code: u32,
    /// Lines with comments only.
    pub comments: u32,
    /// Lines with nothing on them, inside comments too.
    pub blanks: u32,
}

/// What a text says, once parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    /// Lines by kind.
    pub lines: Lines,
    /// Cyclomatic complexity of the whole text: 1 and every decision in it.
    pub complexity: u32,
    /// Definitions in the order in which they begin.
    pub symbols: Vec<Symbol>,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// The statements that import, each on one line.
    pub import_statements: Vec<String>,
    /// Exports in order.
    pub exports: Vec<Export>,
    /// Names in use, in order.
    pub references: Vec<Reference>,
    /// Calls in order.
    pub calls: Vec<Call>,
    /// What is wrong with the text.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// Whether the text was not parsed, as it is beyond a limit: such a text is data.
    #[must_use]
    pub fn is_beyond_limits(&self) -> bool {
        self.problems.iter().any(|problem| {
            problem.stage == Stage::Limit && problem.message.starts_with("not parsed")
        })
    }
}

/// One thing that is wrong with a text, before it is known whose text it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stage at which it was found.
    pub stage: Stage,
    /// What is wrong.
    pub message: String,
}

/// A content hash: BLAKE3 of the file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

/// One file of a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The path, relative to the checkout, with forward slashes.
    pub path: String,
    /// The language's name.
    pub language: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Lines by kind.
    pub lines: Lines,
    /// Tokens of the decoded text; none where the file is beyond a limit, and where they were not asked for.
    pub tokens: Option<u64>,
    /// Cyclomatic complexity: 1 and every decision in the file.
    pub complexity: u32,
    /// The hash of the bytes; none where they were not read.
    pub hash: Option<ContentHash>,
}
