//! What a language's table says.

use std::ops::Range;

use tree_sitter::Node;
use tree_sitter_language::LanguageFn;

use crate::facts::{Import, SymbolKind, Visibility};

/// Everything that is known about one language.
pub(crate) struct Table {
    /// The name in tables and options.
    pub name: &'static str,
    /// Endings of file names, without the dot, in lower case.
    pub extensions: &'static [&'static str],
    /// Whole file names.
    pub file_names: &'static [&'static str],
    /// Programs that a `#!` line names.
    pub interpreters: &'static [&'static str],
    /// The grammar; none for plain text, and where the feature that links it is off.
    pub grammar: Option<LanguageFn>,
    /// What nodes of the grammar mean. A kind may be named more than once.
    pub nodes: &'static [(&'static str, Role)],
    /// How visibility is read.
    pub visible: Visible,
    /// What a file exports.
    pub exports: Exports,
    /// Whether documentation is a string in the body, as in Python, and not the comments before.
    pub docstrings: bool,
    /// What parts of a qualified name in source are put between: `::`, `.`, `\`.
    pub separators: &'static [&'static str],
    /// What a comment begins with in outlines.
    pub line_comment: &'static str,
    /// How imports lead to files.
    pub resolve: Resolve,
    /// What the grammar does not understand, written so that it does: tried where a text has errors.
    pub mend: Option<fn(&str) -> Option<Mended>>,
    /// Why a text must not be given to the grammar: some have limits that they do not check.
    pub refuse: Option<fn(&str) -> Option<String>>,
}

/// A text with other white space, in which everything is where it was.
pub(crate) struct Mended {
    /// The text; as long as the original.
    pub text: String,
    /// Comments that are not in it any more, in order.
    pub comments: Vec<Range<usize>>,
}

impl Table {
    /// A language about which nothing is known but its name.
    pub const PLAIN: Self = Self {
        name: "text",
        extensions: &[],
        file_names: &[],
        interpreters: &[],
        grammar: None,
        nodes: &[],
        visible: Visible::Always,
        exports: Exports::None,
        docstrings: false,
        separators: &[],
        line_comment: "#",
        resolve: Resolve::None,
        mend: None,
        refuse: None,
    };
}

/// How the imports of a language lead to files of the checkout.
#[derive(Clone, Copy)]
pub(crate) enum Resolve {
    /// They do not say files.
    None,
    /// Paths beside the importing file.
    Relative,
    /// Python's packages.
    Python,
    /// JavaScript's paths without extensions.
    Script,
    /// Rust's modules and crates.
    Rust,
    /// Go's packages: folders.
    Go,
    /// Java's packages: `a.b.C` is `a/b/C` with one of the extensions, below any source folder.
    Package(&'static [&'static str]),
    /// Headers of C.
    Include,
    /// Paths below a load path, with one of the extensions; dots are slashes too.
    Load(&'static [&'static str]),
    /// PHP's namespaces and files.
    Php,
}

/// What a node means.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// A definition whose name is in the field `name` and whose body is in the field `body`.
    Symbol(SymbolKind),
    /// A definition that takes a closer look, or none.
    SymbolBy(fn(&Source<'_>, Node<'_>) -> Option<Definition>),
    /// A node that only gives what is in it a name: an `impl`, a namespace.
    Scope(fn(&Source<'_>, Node<'_>) -> Option<Definition>),
    /// Something imported.
    Import(ImportRule),
    /// A comment.
    Comment,
    /// A decorator, attribute or annotation.
    Decorator,
    /// A decision: one more path through the function.
    Branch,
    /// As many decisions as the function says.
    BranchBy(fn(&Source<'_>, Node<'_>) -> u32),
    /// A decision if the field `operator` is one of these.
    Operator(&'static [&'static str]),
    /// A name in use.
    Identifier,
    /// A call; the field holds what is called. An empty field is the first child.
    Call(&'static str),
    /// A statement that exports what is in it; JavaScript's.
    Export,
}

/// Reads the imports of a node. True: there is nothing else of interest in it.
pub(crate) type ImportRule = fn(&Source<'_>, Node<'_>, &mut ImportSink<'_>) -> bool;

/// What a node defines.
pub(crate) struct Definition {
    pub kind: SymbolKind,
    /// The simple name.
    pub name: String,
    /// Names around it that are written in the definition itself: a receiver, `Outer::` before a method.
    pub within: Option<String>,
    /// Where the body begins.
    pub body_start: Option<usize>,
    /// Where the name is, so that it is no reference.
    pub name_start: usize,
}

impl Definition {
    /// A definition of `kind` named by `name`, with the body in the field `body` of `node`.
    pub fn new(source: &Source<'_>, kind: SymbolKind, node: Node<'_>, name: Node<'_>) -> Self {
        Self {
            kind,
            name: source.text(name).to_owned(),
            within: None,
            body_start: node
                .child_by_field_name("body")
                .map(|body| body.start_byte()),
            name_start: name.start_byte(),
        }
    }
}

/// The text of a file and the place of the walk in it, for the rules.
pub(crate) struct Source<'a> {
    pub text: &'a str,
    pub grammar: &'a tree_sitter::Language,
    /// The kinds of the nodes around the current one, outermost first. A node finds its parent by a search from the root,
    /// so asking nodes would take time in the square of a file's size.
    pub around: Vec<u16>,
}

impl<'a> Source<'a> {
    /// The kind of the node around the current one: 0 is its parent, 1 the parent's parent.
    pub fn around(&self, levels: usize) -> Option<&str> {
        let index = self.around.len().checked_sub(levels + 1)?;
        self.grammar.node_kind_for_id(*self.around.get(index)?)
    }

    /// The text of a node.
    pub fn text(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or("")
    }
}

/// Takes imports.
pub(crate) struct ImportSink<'a> {
    pub imports: &'a mut Vec<Import>,
    pub line: u32,
}

impl ImportSink<'_> {
    /// Adds one import.
    pub fn add(&mut self, module: &str, name: Option<&str>, alias: Option<&str>) {
        self.imports.push(Import {
            module: module.to_owned(),
            name: name.map(str::to_owned),
            alias: alias.map(str::to_owned),
            line: self.line,
        });
    }
}

/// How visibility is read.
#[derive(Clone, Copy)]
pub(crate) enum Visible {
    /// All is public.
    Always,
    /// Names with a leading underscore are private, `__name__` is not.
    Underscore,
    /// Names with a capital first letter are public.
    Capital,
    /// Words before the name say it.
    Words(Words),
    /// What is exported is public; members are, unless a word or `#` says otherwise.
    Exported,
}

/// What words before a name say about visibility.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// The visibility when there is none of the words.
    pub default: Visibility,
    /// The same for what is in no other symbol but modules.
    pub at_top: Visibility,
    /// The same for members of traits and interfaces.
    pub in_interface: Visibility,
    /// The words.
    pub words: &'static [(&'static str, Visibility)],
}

/// What a file exports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exports {
    /// There is no such thing.
    None,
    /// Its public symbols that are in no other symbol.
    Public,
    /// The names in `__all__`, or else its public symbols that are in no other symbol.
    AllList,
    /// What export statements say.
    Statements,
}
