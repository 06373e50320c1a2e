//! How the files of a checkout hang together: imports as edges, importance by references, groups.

mod rank;
mod resolve;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use compact_str::CompactString;

use crate::checkout::FileFacts;
use crate::facts::Import;

pub use resolve::Resolver;

/// An import that leads to a file of the checkout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The importing file.
    pub from: String,
    /// The imported file.
    pub to: String,
    /// The module as written.
    pub module: String,
    /// The line of the import, from 1.
    pub line: u32,
}

/// What the graph keeps of a file: far less than its facts.
struct Node {
    path: String,
    language: String,
    imports: Vec<Import>,
    /// Modules that exports pass on, and their lines.
    passed_on: Vec<(String, u32)>,
    /// Names that it defines.
    defines: Vec<u32>,
    /// Names that it uses, and how often.
    uses: Vec<(u32, u32)>,
}

/// The graph of a checkout. It is filled file by file, then asked.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    names: HashMap<CompactString, u32>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Graph")
            .field("files", &self.nodes.len())
            .field("names", &self.names.len())
            .finish()
    }
}

impl Graph {
    /// A graph of no files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.insert(CompactString::new(name), number);
        number
    }

    /// Adds a file.
    pub fn add(&mut self, facts: &FileFacts) {
        let parsed = &facts.parsed;
        let mut defines: Vec<u32> = parsed
            .symbols
            .iter()
            .filter(|symbol| symbol.kind != crate::facts::SymbolKind::Section)
            .map(|symbol| self.name(&symbol.name))
            .collect();
        defines.sort_unstable();
        defines.dedup();
        let mut uses: HashMap<u32, u32> = HashMap::new();
        for reference in &parsed.references {
            *uses.entry(self.name(&reference.name)).or_default() += 1;
        }
        let mut uses: Vec<(u32, u32)> = uses.into_iter().collect();
        uses.sort_unstable();
        self.nodes.push(Node {
            path: facts.file.path.clone(),
            language: facts.file.language.clone(),
            imports: parsed.imports.clone(),
            passed_on: parsed
                .exports
                .iter()
                .filter_map(|export| Some((export.module.clone()?, export.line)))
                .collect(),
            defines,
            uses,
        });
    }

    /// The paths of the files, in the order in which they were added.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.path.as_str())
    }

    /// Imports that lead to files, sorted.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        let resolver = Resolver::new(self.paths());
        let mut edges = Vec::new();
        for node in &self.nodes {
            let passed_on = node.passed_on.iter().map(|(module, line)| Import {
                module: module.clone(),
                name: None,
                alias: None,
                line: *line,
            });
            for import in node.imports.iter().cloned().chain(passed_on) {
                for to in resolver.resolve(&node.path, &node.language, &import) {
                    if to != node.path {
                        edges.push(Edge {
                            from: node.path.clone(),
                            to,
                            module: import.module.clone(),
                            line: import.line,
                        });
                    }
                }
            }
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// Groups of files that imports connect, directly or not: each sorted, and sorted by their first paths.
    #[must_use]
    pub fn components(&self, edges: &[Edge]) -> Vec<Vec<String>> {
        let index: HashMap<&str, usize> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.path.as_str(), index))
            .collect();
        // A forest of sets: each file points towards the first of its set.
        let mut towards: Vec<usize> = (0..self.nodes.len()).collect();
        let first_of = |towards: &mut Vec<usize>, mut at: usize| {
            while let Some(&next) = towards.get(at)
                && next != at
            {
                let after = towards.get(next).copied().unwrap_or(next);
                if let Some(slot) = towards.get_mut(at) {
                    *slot = after;
                }
                at = next;
            }
            at
        };
        for edge in edges {
            if let (Some(&from), Some(&to)) =
                (index.get(edge.from.as_str()), index.get(edge.to.as_str()))
            {
                let (a, b) = (first_of(&mut towards, from), first_of(&mut towards, to));
                if let Some(slot) = towards.get_mut(a.max(b)) {
                    *slot = a.min(b);
                }
            }
        }
        let mut groups: HashMap<usize, Vec<String>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let first = first_of(&mut towards, at);
            groups.entry(first).or_default().push(node.path.clone());
        }
        let mut groups: Vec<Vec<String>> = groups.into_values().collect();
        for group in &mut groups {
            group.sort_unstable();
        }
        groups.sort_unstable();
        groups
    }

    /// The rank of each file, by path: PageRank over references, which sums to 1. Files that many others use names of, and
    /// are themselves used, rank high. `focus` names paths, folders or symbols that the rank starts from; none of them
    /// means all alike.
    #[must_use]
    pub fn ranks(&self, focus: &[String]) -> HashMap<String, f64> {
        let ranks = rank::rank(&self.links(), &self.start(focus));
        self.nodes
            .iter()
            .map(|node| node.path.clone())
            .zip(ranks)
            .collect()
    }

    /// Which files use names of which, and how much: for each file the files it leans on.
    fn links(&self) -> Vec<Vec<(usize, f64)>> {
        /// A name that more files than this define says nothing about any of them: `new`, `main`, `__init__`.
        const DEFINERS_MAX: usize = 12;
        let mut definers: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for name in &node.defines {
                definers.entry(*name).or_default().push(at);
            }
        }
        definers.retain(|_, files| files.len() <= DEFINERS_MAX);
        self.nodes
            .iter()
            .enumerate()
            .map(|(at, node)| {
                let mut links: HashMap<usize, f64> = HashMap::new();
                for (name, count) in &node.uses {
                    let Some(files) = definers.get(name) else {
                        continue;
                    };
                    if files.contains(&at) {
                        // Its own name, most likely.
                        continue;
                    }
                    let weight = f64::from(*count).sqrt() / files.len() as f64;
                    for to in files {
                        *links.entry(*to).or_default() += weight;
                    }
                }
                let mut links: Vec<(usize, f64)> = links.into_iter().collect();
                links.sort_unstable_by_key(|(to, _)| *to);
                links
            })
            .collect()
    }

    /// How much each file is started from.
    fn start(&self, focus: &[String]) -> Vec<f64> {
        let mut start: Vec<f64> = self
            .nodes
            .iter()
            .map(|node| {
                let hit = focus.iter().any(|wanted| {
                    let wanted = wanted.trim_start_matches("./").trim_end_matches('/');
                    let symbol = wanted.rsplit('.').next().unwrap_or(wanted);
                    node.path == wanted
                        || node
                            .path
                            .strip_prefix(wanted)
                            .is_some_and(|rest| rest.starts_with('/'))
                        || self
                            .names
                            .get(symbol)
                            .is_some_and(|name| node.defines.binary_search(name).is_ok())
                });
                if hit { 1.0 } else { 0.0 }
            })
            .collect();
        if start.iter().all(|share| *share == 0.0) {
            start.fill(1.0);
        }
        start
    }
}
