//! Which files can hold what is looked for, found without parsing or reading them.
//!
//! The cache keeps a fingerprint of the names of each file: for each name in each role 32 bits of a hash, sorted. A file whose
//! fingerprint lacks a name does not have it; one that has it most likely does. So a look-up leaves out files and never one
//! that is meant, and who asks looks at the rows again.

use std::collections::BTreeSet;

use crate::facts::{Parsed, SymbolKind};

/// What a name is to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameRole {
    /// A module that it imports, as written, or the root of one.
    Module,
    /// A name that it imports from a module.
    Imported,
    /// A name that it exports.
    Exported,
    /// A function or method of it.
    Function,
    /// A class or another kind with methods.
    Class,
    /// Any symbol of it, by its simple name.
    Symbol,
    /// Any symbol of it, by its qualified name.
    Qualified,
    /// A name that it uses.
    Used,
    /// A name that it calls.
    Called,
}

impl NameRole {
    fn number(self) -> u8 {
        match self {
            Self::Module => 0,
            Self::Imported => 1,
            Self::Exported => 2,
            Self::Function => 3,
            Self::Class => 4,
            Self::Symbol => 5,
            Self::Qualified => 6,
            Self::Used => 7,
            Self::Called => 8,
        }
    }
}

/// One thing that is asked of a file's path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathTest {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It begins like this.
    Prefix(String),
}

impl PathTest {
    fn holds(&self, path: &str) -> bool {
        match self {
            Self::OneOf(paths) => paths.iter().any(|one| one == path),
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
        }
    }
}

/// What is looked for: files of which all of it holds. Nothing is asked where it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// What is asked of their paths.
    pub paths: Vec<PathTest>,
    /// The names that they have: of each list at least one.
    pub names: Vec<(NameRole, Vec<String>)>,
}

impl Lookup {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.names.is_empty()
    }

    /// Whether a path is one of those meant.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        self.paths.iter().all(|test| test.holds(path))
    }

    /// What fingerprints are asked for: of each list at least one hash.
    pub(crate) fn hashes(&self) -> Vec<Vec<u32>> {
        let list = |(role, names): &(NameRole, Vec<String>)| {
            names.iter().map(|name| hash(*role, name)).collect()
        };
        self.names.iter().map(list).collect()
    }
}

/// 32 bits of a name in a role.
fn hash(role: NameRole, name: &str) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[role.number()]);
    hasher.update(name.as_bytes());
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The fingerprint of a file's names: hashes of four bytes, the least first.
pub(crate) fn fingerprint(parsed: &Parsed) -> Vec<u8> {
    let mut names: BTreeSet<(NameRole, &str)> = BTreeSet::new();
    for import in &parsed.imports {
        names.insert((NameRole::Module, &import.module));
        names.extend(import.root().map(|root| (NameRole::Module, root)));
        names.extend(
            import
                .name
                .as_deref()
                .map(|name| (NameRole::Imported, name)),
        );
    }
    for export in &parsed.exports {
        names.insert((NameRole::Exported, &export.name));
    }
    for symbol in &parsed.symbols {
        names.insert((NameRole::Symbol, &symbol.name));
        names.insert((NameRole::Qualified, &symbol.qualified_name));
        if SymbolKind::is_function(symbol.kind) {
            names.insert((NameRole::Function, &symbol.name));
        }
        if SymbolKind::has_methods(symbol.kind) {
            names.insert((NameRole::Class, &symbol.name));
        }
    }
    for reference in &parsed.references {
        names.insert((NameRole::Used, &reference.name));
    }
    for call in &parsed.calls {
        names.insert((NameRole::Called, &call.name));
    }
    let mut hashes: Vec<u32> = names.iter().map(|(role, name)| hash(*role, name)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

/// Whether a fingerprint has of each list at least one hash.
pub(crate) fn may_have(fingerprint: &[u8], lists: &[Vec<u32>]) -> bool {
    let (hashes, rest) = fingerprint.as_chunks::<4>();
    // One of another shape says nothing.
    !rest.is_empty()
        || lists.iter().all(|list| {
            list.iter().any(|wanted| {
                hashes
                    .binary_search_by(|hash| u32::from_le_bytes(*hash).cmp(wanted))
                    .is_ok()
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_source;

    #[test]
    fn names_are_found_in_their_roles() {
        let text = "import numpy.linalg as la\nclass A:\n    def f(self): return g(1)\n";
        let names = fingerprint(&parse_source(text, "python".parse().unwrap()));
        let has = |role, name: &str| {
            let lookup = Lookup {
                names: vec![(role, vec!["no".to_owned(), name.to_owned()])],
                ..Lookup::default()
            };
            may_have(&names, &lookup.hashes())
        };
        for (role, name) in [
            (NameRole::Module, "numpy"),
            (NameRole::Module, "numpy.linalg"),
            (NameRole::Exported, "A"),
            (NameRole::Class, "A"),
            (NameRole::Symbol, "f"),
            (NameRole::Qualified, "A.f"),
            (NameRole::Function, "f"),
            (NameRole::Used, "g"),
            (NameRole::Called, "g"),
        ] {
            assert!(has(role, name), "{role:?} {name}");
        }
        assert!(!has(NameRole::Function, "A") && !has(NameRole::Module, "la"));
        assert!(may_have(&[], &[]) && !may_have(&[], &[vec![1]]));
    }
}
