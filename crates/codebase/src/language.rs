//! Which language a file is in.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{LazyLock, OnceLock};

use crate::error::Error;
use crate::languages::{Role, TABLES, Table};

/// A language that is known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(u8);

/// Where a file's language is looked up.
struct Lookup {
    extensions: HashMap<&'static str, Language>,
    file_names: HashMap<&'static str, Language>,
    interpreters: HashMap<&'static str, Language>,
}

static LOOKUP: LazyLock<Lookup> = LazyLock::new(|| {
    let mut lookup = Lookup {
        extensions: HashMap::new(),
        file_names: HashMap::new(),
        interpreters: HashMap::new(),
    };
    for language in Language::all() {
        let table = language.table();
        for &extension in table.extensions {
            lookup.extensions.entry(extension).or_insert(language);
        }
        for &name in table.file_names {
            lookup.file_names.entry(name).or_insert(language);
        }
        for &program in table.interpreters {
            lookup.interpreters.entry(program).or_insert(language);
        }
    }
    lookup
});

impl Language {
    /// Text in no known language.
    pub const TEXT: Self = Self(0);

    /// Every language, text first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLES.len()).filter_map(|index| u8::try_from(index).ok().map(Self))
    }

    /// The name in tables: `python`, `typescript`, `cpp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.table().name
    }

    /// Whether there is a grammar for it in this build.
    #[must_use]
    pub fn has_grammar(self) -> bool {
        self.table().grammar.is_some()
    }

    /// The language of a file: by its whole name, by its extension, by its `#!` line, in this order.
    #[must_use]
    pub fn detect(path: &str, head: &[u8]) -> Self {
        Self::by_name(path)
            .or_else(|| Self::by_shebang(head))
            .unwrap_or(Self::TEXT)
    }

    /// The language by the file's name alone.
    fn by_name(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(language) = LOOKUP.file_names.get(name) {
            return Some(*language);
        }
        let (stem, extension) = name.rsplit_once('.')?;
        // `.bash` is a hidden file without an extension.
        if stem.is_empty() {
            return None;
        }
        if let Some(language) = LOOKUP.extensions.get(extension) {
            return Some(*language);
        }
        // `.C` and `.H` are C++ by custom, and found above; other capitals mean nothing.
        LOOKUP
            .extensions
            .get(extension.to_ascii_lowercase().as_str())
            .copied()
    }

    /// The language by the program that the first line names: `#!/usr/bin/env -S python3 -u`.
    fn by_shebang(head: &[u8]) -> Option<Self> {
        let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
        let line = std::str::from_utf8(line.get(..line.len().min(200))?).ok()?;
        let mut words = line.split_whitespace();
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "env" {
            program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        }
        let program = program.rsplit('/').next()?;
        let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        LOOKUP
            .interpreters
            .get(program)
            .or_else(|| LOOKUP.interpreters.get(bare))
            .copied()
    }

    pub(crate) fn table(self) -> &'static Table {
        TABLES
            .get(usize::from(self.0))
            .copied()
            .unwrap_or(&Table::PLAIN)
    }

    /// The grammar with the table's roles by number of kind.
    pub(crate) fn grammar(self) -> Option<&'static Grammar> {
        static GRAMMARS: LazyLock<Vec<OnceLock<Option<Grammar>>>> =
            LazyLock::new(|| TABLES.iter().map(|_| OnceLock::new()).collect());
        GRAMMARS
            .get(usize::from(self.0))?
            .get_or_init(|| Grammar::new(self.table()))
            .as_ref()
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::all()
            .find(|language| language.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownName {
                what: "language",
                name: name.to_owned(),
                expected: Self::all().map(Self::name).collect::<Vec<_>>().join(", "),
            })
    }
}

/// A grammar made ready for walks.
pub(crate) struct Grammar {
    pub language: tree_sitter::Language,
    roles: Vec<&'static [Role]>,
    /// Kinds of the table that the grammar does not have: a mistake that a test looks for.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests ask for it"))]
    pub unknown_kinds: Vec<&'static str>,
}

impl Grammar {
    fn new(table: &'static Table) -> Option<Self> {
        let language = tree_sitter::Language::new(table.grammar?);
        let mut by_kind: HashMap<&str, Vec<Role>> = HashMap::new();
        for &(kind, role) in table.nodes {
            by_kind.entry(kind).or_default().push(role);
        }
        // Made once for each language of the process, and kept as long as it.
        let by_kind: HashMap<&str, &'static [Role]> = by_kind
            .into_iter()
            .map(|(kind, roles)| (kind, &*roles.leak()))
            .collect();
        let mut known = Vec::new();
        let mut roles: Vec<&'static [Role]> = vec![&[]; language.node_kind_count()];
        for (index, slot) in roles.iter_mut().enumerate() {
            let Ok(id) = u16::try_from(index) else { break };
            if !language.node_kind_is_named(id) {
                continue;
            }
            let Some(kind) = language.node_kind_for_id(id) else {
                continue;
            };
            if let Some((&kind, roles)) = by_kind.get_key_value(kind) {
                *slot = roles;
                known.push(kind);
            }
        }
        let unknown_kinds = by_kind
            .keys()
            .copied()
            .filter(|kind| !known.contains(kind))
            .collect();
        Some(Self {
            language,
            roles,
            unknown_kinds,
        })
    }

    /// What nodes of a kind mean.
    pub fn roles(&self, kind: u16) -> &'static [Role] {
        self.roles.get(usize::from(kind)).copied().unwrap_or(&[])
    }
}
