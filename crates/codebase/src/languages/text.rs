//! Plain text, and everything in no known language: counted, not parsed.

use super::Table;

pub(super) const TABLE: Table = Table {
    extensions: &["txt", "text"],
    ..Table::PLAIN
};
