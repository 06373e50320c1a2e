//! TypeScript with JSX.

use super::typescript::NODES;
use super::{Exports, Resolve, Table, Visible};

pub(super) const TABLE: Table = Table {
    name: "tsx",
    extensions: &["tsx"],
    file_names: &[],
    interpreters: &[],
    grammar: Some(tree_sitter_typescript::LANGUAGE_TSX),
    nodes: NODES,
    visible: Visible::Exported,
    exports: Exports::Statements,
    docstrings: false,
    separators: &["."],
    line_comment: "//",
    resolve: Resolve::Script,
    mend: None,
    refuse: None,
};
