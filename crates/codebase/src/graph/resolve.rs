//! Imports to files.
//!
//! Nothing is run and no configuration is read: an import leads to a file where the names say so. What leads out of the
//! checkout, or to more than one place, leads nowhere.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::facts::Import;
use crate::language::Language;
use crate::languages::Resolve;

/// Finds the files that imports mean.
#[derive(Debug)]
pub struct Resolver {
    files: HashSet<String>,
    /// Files by their names without extension.
    by_stem: HashMap<String, Vec<String>>,
    /// Files by the folders they are in.
    by_folder: HashMap<String, Vec<String>>,
}

impl Resolver {
    /// A resolver among files.
    pub fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let files: BTreeSet<String> = paths.map(str::to_owned).collect();
        let mut by_stem: HashMap<String, Vec<String>> = HashMap::new();
        let mut by_folder: HashMap<String, Vec<String>> = HashMap::new();
        for path in &files {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let stem = name.split('.').next().unwrap_or(name);
            by_stem
                .entry(stem.to_owned())
                .or_default()
                .push(path.clone());
            by_folder
                .entry(folder.to_owned())
                .or_default()
                .push(path.clone());
        }
        Self {
            files: files.into_iter().collect(),
            by_stem,
            by_folder,
        }
    }

    /// The files that an import of a file means; most often one or none.
    #[must_use]
    pub fn resolve(&self, from: &str, language: &str, import: &Import) -> Vec<String> {
        let Ok(language) = language.parse::<Language>() else {
            return Vec::new();
        };
        let one = |path: Option<String>| path.into_iter().collect();
        match language.table().resolve {
            Resolve::None => Vec::new(),
            Resolve::Relative => one(self.beside(from, &import.module)),
            Resolve::Python => one(self.python(from, import)),
            Resolve::Script => one(self.script(from, &import.module)),
            Resolve::Rust => one(self.rust(from, import)),
            Resolve::Go => self.go(&import.module),
            Resolve::Package(extensions) => self.package(import, extensions),
            Resolve::Include => one(self.include(from, &import.module)),
            Resolve::Load(extensions) => one(self.load(from, &import.module, extensions)),
            Resolve::Php => one(self.php(from, &import.module)),
        }
    }

    fn known(&self, path: String) -> Option<String> {
        self.files.contains(&path).then_some(path)
    }

    /// A path written in a file: from its own folder, or from the root of the checkout.
    fn beside(&self, from: &str, module: &str) -> Option<String> {
        let module = module.split(['?', '#']).next()?;
        joined(folder(from), module)
            .and_then(|path| self.known(path))
            .or_else(|| self.known(module.trim_start_matches('/').to_owned()))
    }

    fn python(&self, from: &str, import: &Import) -> Option<String> {
        let dots = import.module.bytes().take_while(|b| *b == b'.').count();
        let rest = import.module.get(dots..)?.replace('.', "/");
        let name = import.name.as_deref().filter(|name| *name != "*");
        let at = |base: &str| -> Option<String> {
            let module = join(base, &rest);
            // `from package import module` means the module before the package.
            if let Some(name) = name
                && let Some(found) = self.python_module(&join(&module, name))
            {
                return Some(found);
            }
            self.python_module(&module)
        };
        if dots > 0 {
            let mut base = folder(from);
            for _ in 1..dots {
                if base.is_empty() {
                    return None;
                }
                base = folder(base);
            }
            return at(base);
        }
        if rest.is_empty() {
            return None;
        }
        // The folder of a package is found from the checkout's root, from a source folder, or from a folder around.
        for base in ["", "src", "lib", "python"] {
            if let Some(found) = at(base) {
                return Some(found);
            }
        }
        let mut base = folder(from);
        while !base.is_empty() {
            if let Some(found) = at(base).filter(|found| found != from) {
                return Some(found);
            }
            base = folder(base);
        }
        None
    }

    fn python_module(&self, module: &str) -> Option<String> {
        [
            format!("{module}.py"),
            join(module, "__init__.py"),
            format!("{module}.pyi"),
            join(module, "__init__.pyi"),
        ]
        .into_iter()
        .find_map(|path| self.known(path))
    }

    fn script(&self, from: &str, module: &str) -> Option<String> {
        let relative = module.starts_with('.');
        let bases = if relative {
            vec![joined(folder(from), module)?]
        } else {
            // `@/a` and `~/a` are the source folder by custom.
            let inner = module
                .strip_prefix("@/")
                .or_else(|| module.strip_prefix("~/"))
                .unwrap_or(module);
            vec![join("src", inner), inner.trim_start_matches('/').to_owned()]
        };
        bases.into_iter().find_map(|base| self.script_file(&base))
    }

    fn script_file(&self, base: &str) -> Option<String> {
        const ENDINGS: &[&str] = &[
            "",
            ".ts",
            ".tsx",
            ".d.ts",
            ".js",
            ".jsx",
            ".mjs",
            ".cjs",
            ".mts",
            ".cts",
            ".json",
            "/index.ts",
            "/index.tsx",
            "/index.d.ts",
            "/index.js",
            "/index.jsx",
            "/index.mjs",
        ];
        if let Some(found) = ENDINGS
            .iter()
            .find_map(|ending| self.known(format!("{base}{ending}")))
        {
            return Some(found);
        }
        // TypeScript imports its files by the names that they will have.
        let written = [
            (".js", ".ts"),
            (".js", ".tsx"),
            (".mjs", ".mts"),
            (".cjs", ".cts"),
            (".jsx", ".tsx"),
        ];
        written.into_iter().find_map(|(as_written, on_disk)| {
            let stem = base.strip_suffix(as_written)?;
            self.known(format!("{stem}{on_disk}"))
        })
    }

    fn rust(&self, from: &str, import: &Import) -> Option<String> {
        let mut parts: Vec<&str> = import
            .module
            .split("::")
            .filter(|p| !p.is_empty())
            .collect();
        let name = import.name.as_deref().filter(|name| *name != "*");
        parts.extend(name);
        let file = from.rsplit('/').next().unwrap_or(from);
        let own = match file {
            "mod.rs" | "lib.rs" | "main.rs" => folder(from).to_owned(),
            _ => from.strip_suffix(".rs").unwrap_or(from).to_owned(),
        };
        let (first, mut rest) = parts.split_first()?;
        match *first {
            "self" => self.rust_module(&own, rest),
            "super" => {
                let mut base = folder(&own).to_owned();
                while let Some((&"super", after)) = rest.split_first() {
                    base = folder(&base).to_owned();
                    rest = after;
                }
                self.rust_module(&base, rest)
                    .or_else(|| self.rust_root(&base))
            }
            "crate" => {
                let base = self.crate_root(from)?;
                self.rust_module(&base, rest)
                    .or_else(|| self.rust_root(&base))
            }
            name => {
                // A module beside, or another crate of the workspace.
                if let Some(found) = self.rust_module(&own, &parts) {
                    return Some(found);
                }
                let mut candidates = self
                    .by_stem
                    .get("lib")?
                    .iter()
                    .filter(|path| path.ends_with("/src/lib.rs"))
                    .filter(|path| {
                        let krate = path.strip_suffix("/src/lib.rs").unwrap_or("");
                        let folder = krate.rsplit('/').next().unwrap_or(krate);
                        folder.replace('-', "_") == name
                            // Folders often leave the project's name out.
                            || name.ends_with(&format!("_{}", folder.replace('-', "_")))
                    });
                let lib = candidates.next()?;
                if candidates.next().is_some() {
                    return None;
                }
                let base = lib.strip_suffix("/lib.rs").unwrap_or("");
                self.rust_module(base, rest).or_else(|| Some(lib.clone()))
            }
        }
    }

    /// The file of the longest start of a path of modules.
    fn rust_module(&self, base: &str, parts: &[&str]) -> Option<String> {
        (1..=parts.len()).rev().find_map(|length| {
            let module = join(base, &parts.get(..length)?.join("/"));
            self.known(format!("{module}.rs"))
                .or_else(|| self.known(join(&module, "mod.rs")))
        })
    }

    /// The file of a folder of modules itself.
    fn rust_root(&self, base: &str) -> Option<String> {
        ["lib.rs", "main.rs", "mod.rs"]
            .into_iter()
            .find_map(|file| self.known(join(base, file)))
            .or_else(|| self.known(format!("{base}.rs")))
    }

    fn crate_root(&self, from: &str) -> Option<String> {
        let mut base = folder(from);
        loop {
            if self.files.contains(&join(base, "lib.rs"))
                || self.files.contains(&join(base, "main.rs"))
            {
                return Some(base.to_owned());
            }
            if base.is_empty() {
                return None;
            }
            base = folder(base);
        }
    }

    /// The files of a package: those of the folder whose path is the longest end of the import's.
    fn go(&self, module: &str) -> Vec<String> {
        let parts: Vec<&str> = module.split('/').collect();
        // A path without a host is the standard library's, or the checkout's own module by its bare name.
        for start in 0..parts.len() {
            let path = parts.get(start..).unwrap_or(&[]).join("/");
            if start == 0
                && !parts.first().is_some_and(|host| host.contains('.'))
                && parts.len() == 1
            {
                return Vec::new();
            }
            if let Some(files) = self.by_folder.get(&path) {
                return files
                    .iter()
                    .filter(|file| file.ends_with(".go") && !file.ends_with("_test.go"))
                    .cloned()
                    .collect();
            }
        }
        Vec::new()
    }

    fn package(&self, import: &Import, extensions: &[&str]) -> Vec<String> {
        /// A wildcard over more files than this is no edge to any of them.
        const FILES_MAX: usize = 100;
        let is_wanted = |path: &str| {
            extensions
                .iter()
                .any(|extension| path.rsplit_once('.').is_some_and(|(_, e)| e == *extension))
        };
        if import.name.as_deref() == Some("*") {
            let package = import.module.replace('.', "/");
            let mut files: Vec<String> = self
                .by_folder
                .iter()
                .filter(|(folder, _)| is_below(folder, &package))
                .flat_map(|(_, files)| files.iter().filter(|file| is_wanted(file)).cloned())
                .collect();
            files.sort_unstable();
            if files.is_empty() || files.len() > FILES_MAX {
                files.clear();
            }
            return files;
        }
        let mut path = import.module.replace('.', "/");
        let named = import.name.as_deref().unwrap_or("");
        if !named.is_empty() && !path.ends_with(&format!("/{named}")) {
            path = join(&path, named);
        }
        // Members of a class are imported by longer paths than its file has.
        for _ in 0..2 {
            let stem = path.rsplit('/').next().unwrap_or(&path);
            let found = self.by_stem.get(stem).and_then(|files| {
                files.iter().find(|file| {
                    let bare = file
                        .rsplit_once('.')
                        .map_or(file.as_str(), |(bare, _)| bare);
                    is_wanted(file) && is_below(bare, &path)
                })
            });
            if let Some(found) = found {
                return vec![found.clone()];
            }
            path = folder(&path).to_owned();
        }
        Vec::new()
    }

    fn include(&self, from: &str, module: &str) -> Option<String> {
        if let Some(found) = joined(folder(from), module).and_then(|path| self.known(path)) {
            return Some(found);
        }
        let name = module.rsplit('/').next()?;
        let stem = name.split('.').next()?;
        let mut candidates = self
            .by_stem
            .get(stem)?
            .iter()
            .filter(|path| is_below(path, module));
        let first = candidates.next()?;
        candidates.next().is_none().then(|| first.clone())
    }

    fn load(&self, from: &str, module: &str, extensions: &[&str]) -> Option<String> {
        let bare = extensions
            .iter()
            .find_map(|e| module.strip_suffix(&format!(".{e}")))
            .unwrap_or(module);
        if bare.starts_with('.') {
            let base = joined(folder(from), bare)?;
            return extensions
                .iter()
                .find_map(|extension| self.known(format!("{base}.{extension}")));
        }
        let path = if bare.contains('/') {
            bare.to_owned()
        } else {
            bare.replace('.', "/")
        };
        let stem = path.rsplit('/').next()?;
        let below = |wanted: &str, stem: &str| {
            self.by_stem.get(stem)?.iter().find(|file| {
                extensions.iter().any(|extension| {
                    file.strip_suffix(&format!(".{extension}"))
                        .is_some_and(|bare| is_below(bare, wanted))
                })
            })
        };
        below(&path, stem)
            .or_else(|| below(&join(&path, "init"), "init"))
            .cloned()
    }

    fn php(&self, from: &str, module: &str) -> Option<String> {
        if module.contains('/') || module.ends_with(".php") {
            return self.beside(from, module);
        }
        let parts: Vec<&str> = module.split('\\').filter(|part| !part.is_empty()).collect();
        let stem = parts.last()?;
        let files = self.by_stem.get(*stem)?;
        // The start of a namespace is mapped to a folder; its end is the path.
        (0..parts.len()).find_map(|start| {
            let path = format!("{}.php", parts.get(start..)?.join("/"));
            let mut found = files.iter().filter(|file| is_below(file, &path));
            let first = found.next()?;
            found.next().is_none().then(|| first.clone())
        })
    }
}

/// Whether `path` is `end`, or ends with it after a slash.
fn is_below(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The folder of a path; none is the root.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(base: &str, rest: &str) -> String {
    match (base, rest) {
        ("", rest) => rest.to_owned(),
        (base, "") => base.to_owned(),
        (base, rest) => format!("{base}/{rest}"),
    }
}

/// `base` and a path with `.` and `..` in it; none where it leads out of the checkout.
fn joined(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
