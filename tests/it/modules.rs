//! The files of a crate and what they import from each other, read off the source.
//!
//! A path is followed through re-exports to the file that has the item. What stands after `#[cfg(test)]`, in `tests.rs` and in
//! folders called `tests` is left out: tests may look at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules of a crate by path, `""` for the root.
#[derive(Debug, Default)]
pub struct Modules {
    /// What each module's file says.
    texts: BTreeMap<String, String>,
    /// Names that a module takes from elsewhere, and the paths that they have there.
    names: BTreeMap<String, BTreeMap<String, String>>,
}

impl Modules {
    /// Reads the sources below `src`.
    pub fn read(src: &Path) -> Self {
        let mut modules = Self::default();
        modules.add(src, "");
        let paths: Vec<String> = modules.texts.keys().cloned().collect();
        for module in paths {
            let mut names = BTreeMap::new();
            for (path, name) in uses(&modules.texts[&module]) {
                if let Some(path) = modules.absolute(&module, &path) {
                    names.insert(name, path);
                }
            }
            modules.names.insert(module, names);
        }
        modules
    }

    fn add(&mut self, folder: &Path, module: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_string();
            if stem == "tests" {
                continue;
            }
            let child = match module {
                "" => stem.clone(),
                _ => format!("{module}::{stem}"),
            };
            if path.is_dir() {
                self.add(&path, &child);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = match stem.as_str() {
                    "mod" | "lib" => module.to_string(),
                    _ => child,
                };
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let code: Vec<&str> = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .collect();
                self.texts.insert(name, code.join("\n"));
            }
        }
    }

    /// A path as it stands in a module, from the root of the crate; `None` for one into another crate.
    fn absolute(&self, module: &str, path: &str) -> Option<String> {
        let mut parts: Vec<&str> = path.split("::").collect();
        let mut from: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
        match parts[0] {
            "crate" => {
                from.clear();
                parts.remove(0);
            }
            "self" => {
                parts.remove(0);
            }
            "super" => {
                while parts.first() == Some(&"super") {
                    parts.remove(0);
                    from.pop();
                }
            }
            first => {
                let child = match module {
                    "" => first.to_string(),
                    _ => format!("{module}::{first}"),
                };
                if !self.texts.contains_key(&child) {
                    return None;
                }
            }
        }
        from.extend(parts);
        Some(from.join("::"))
    }

    /// The module whose file has the item of a path.
    fn home(&self, path: &str, depth: usize) -> String {
        let mut module = String::new();
        for part in path.split("::") {
            let child = match module.as_str() {
                "" => part.to_string(),
                _ => format!("{module}::{part}"),
            };
            if self.texts.contains_key(&child) {
                module = child;
                continue;
            }
            let elsewhere = self.names.get(&module).and_then(|names| names.get(part));
            return match elsewhere {
                Some(path) if depth < 8 => self.home(path, depth + 1),
                _ => module,
            };
        }
        module
    }

    /// What each file imports from others of the crate.
    pub fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut imports = BTreeMap::new();
        for (module, text) in &self.texts {
            let mut used = BTreeSet::new();
            // What a module only passes on is an import of who takes it.
            let private = uses_of(text, false)
                .into_iter()
                .map(|(path, _)| path)
                .chain(inline_paths(text));
            for path in private {
                if let Some(path) = self.absolute(module, &path) {
                    let home = self.home(&path, 0);
                    if home != *module {
                        used.insert(home);
                    }
                }
            }
            imports.insert(module.clone(), used);
        }
        imports
    }
}

/// The files of each circle of imports.
pub fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = imports
        .keys()
        .map(|module| {
            let mut reached = BTreeSet::new();
            let mut open: Vec<&String> = vec![module];
            while let Some(next) = open.pop() {
                for used in imports.get(next).into_iter().flatten() {
                    if reached.insert(used) {
                        open.push(used);
                    }
                }
            }
            (module, reached)
        })
        .collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (module, reaches) in &reached {
        let circle: Vec<String> = reaches
            .iter()
            .filter(|other| {
                reached
                    .get(*other)
                    .is_some_and(|back| back.contains(module))
            })
            .map(|other| other.to_string())
            .collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// The paths that a file's `use` items bring in, each with the name it has there.
fn uses(text: &str) -> Vec<(String, String)> {
    let mut all = uses_of(text, true);
    all.extend(uses_of(text, false));
    all
}

/// Those that are passed on (`pub use`), or those that are not.
fn uses_of(text: &str, passed_on: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = 0;
    while let Some(start) = rest.find("use ") {
        let line = text[..before + start].rsplit('\n').next().unwrap().trim();
        let item = &rest[start + 4..];
        let end = item.find(';').unwrap_or(item.len());
        let is_item = line.is_empty() || line.starts_with("pub");
        if is_item && line.starts_with("pub") == passed_on {
            let tree: String = item[..end].split_whitespace().collect::<Vec<_>>().join(" ");
            expand("", &tree, &mut found);
        }
        before += start + 4;
        rest = &text[before..];
    }
    found
}

fn expand(prefix: &str, tree: &str, found: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix = format!("{prefix}{}", &tree[..open]);
        let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let (mut depth, mut start) = (0, 0);
        for (index, letter) in inner.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&prefix, &inner[start..index], found);
                    start = index + 1;
                }
                _ => {}
            }
        }
        expand(&prefix, &inner[start..], found);
        return;
    }
    if tree.is_empty() || tree.ends_with('*') {
        return;
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (path, name),
        None => (tree, tree.rsplit("::").next().unwrap()),
    };
    let path = format!("{prefix}{path}");
    match path.strip_suffix("::self") {
        Some(module) => found.push((
            module.to_string(),
            module.rsplit("::").next().unwrap().to_string(),
        )),
        None => found.push((path, name.to_string())),
    }
}

/// Paths outside of `use` items.
fn inline_paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let line = text[..at].rsplit('\n').next().unwrap();
            if line.trim_start().starts_with("use ") || line.contains("pub") {
                continue;
            }
            let path: String = text[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect();
            found.push(path.trim_end_matches(':').to_string());
        }
    }
    found
}
