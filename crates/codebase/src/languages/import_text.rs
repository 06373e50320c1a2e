//! Imports that are one path.

use super::ImportSink;

/// A string without its quotes or angle brackets.
pub(super) fn unquoted(text: &str) -> &str {
    text.trim()
        .trim_matches(['"', '\'', '`'])
        .trim_start_matches('<')
        .trim_end_matches('>')
}

/// `a.b.C`, `a.b.*` and `a.b.C as D`: the path is the module as written, its last part the name.
pub(super) fn path_import(
    text: &str,
    separator: &str,
    alias_word: &str,
    sink: &mut ImportSink<'_>,
) {
    let (path, alias) = match text.split_once(alias_word) {
        Some((path, alias)) => (path.trim(), Some(alias.trim())),
        None => (text.trim(), None),
    };
    match path.rsplit_once(separator) {
        Some((module, "*" | "_")) => sink.add(module, Some("*"), alias),
        Some((_, name)) => sink.add(path, Some(name.trim()), alias),
        None => sink.add(path, None, alias),
    }
}
