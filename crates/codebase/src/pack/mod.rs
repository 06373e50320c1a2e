//! A checkout as text that fits a model's context window.
//!
//! First a scan gives facts of all files: their ranks, their groups, which repeat others, and about what each takes at each
//! level. Then levels are chosen, or files dealt to chunks, and what was chosen is written, so that its exact costs are
//! known and the room that is left can be given away. At last the output is counted as a whole: that count is the one that is
//! reported, and if it is beyond the budget, less is chosen and it is written again.

mod budget;
mod deal;
mod format;
mod template;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use rayon::prelude::*;

use crate::checkout::{Checkout, Scanned, Wanted};
use crate::compress::{Level, compress, compress_parsed};
use crate::dedup::{Dedup, Sketch};
use crate::error::{Error, Result};
use crate::facts::Parsed;
use crate::graph::Graph;
use crate::language::Language;
use crate::secrets::secret;
use crate::tokens::Tokenizer;

pub use format::Format;
pub use template::Template;

use template::Filled;

/// Which level files are packed at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PackLevel {
    /// A level for each file, so that the most useful content fits the budget; all at `full` where there is none.
    #[default]
    Auto,
    /// The same for all.
    Fixed(Level),
}

impl std::str::FromStr for PackLevel {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        name.parse().map(Self::Fixed).map_err(|error| match error {
            Error::UnknownName {
                what,
                name,
                expected,
            } => Error::UnknownName {
                what,
                name,
                expected: format!("{expected}, auto"),
            },
            other => other,
        })
    }
}

/// How files are dealt to chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunking {
    /// What imports connect stays together.
    Semantic,
    /// In order of paths, each chunk as full as it gets.
    Size,
    /// As few chunks as the budget allows, as equal as they get.
    Balanced,
}

impl std::str::FromStr for Chunking {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "semantic" => Ok(Self::Semantic),
            "size" => Ok(Self::Size),
            "balanced" => Ok(Self::Balanced),
            _ => Err(Error::UnknownName {
                what: "way of chunking",
                name: name.to_owned(),
                expected: "semantic, size, balanced".to_owned(),
            }),
        }
    }
}

/// A file that a query selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// Its path.
    pub path: String,
    /// Its level, where the query says one.
    pub level: Option<Level>,
    /// How useful it is, where the query says so. More is better.
    pub score: Option<f64>,
}

/// A selection as a text that [`selection_from_text`] reads.
#[must_use]
pub fn selection_to_text(selected: &[Selected]) -> String {
    let rows = selected.iter().map(|selected| {
        // JSON has no infinities; NaN is no score.
        let score = selected.score.filter(|score| !score.is_nan());
        let score = score.map(|score| score.clamp(f64::MIN, f64::MAX));
        serde_json::json!([selected.path, selected.level.map(Level::name), score])
    });
    serde_json::Value::from_iter(rows).to_string()
}

/// The selection of a text.
///
/// # Errors
///
/// The text is none of [`selection_to_text`].
pub fn selection_from_text(text: &str) -> Result<Vec<Selected>> {
    let unknown = || Error::UnknownName {
        what: "selection",
        name: text.to_owned(),
        expected: "a list of paths, levels and scores".to_owned(),
    };
    let rows: Vec<(String, Option<String>, Option<f64>)> =
        serde_json::from_str(text).map_err(|_| unknown())?;
    rows.into_iter()
        .map(|(path, level, score)| {
            let level = level.map(|level| level.parse()).transpose()?;
            Ok(Selected { path, level, score })
        })
        .collect()
}

/// How a checkout is packed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PackOptions {
    /// The level of files.
    pub level: PackLevel,
    /// The most tokens of the output, or of each chunk.
    pub budget: Option<u64>,
    /// How files are dealt to chunks; without it the output is one chunk, and files that do not fit are left out.
    pub chunks: Option<Chunking>,
    /// The form of the output.
    pub format: Format,
    /// A form of one's own, in place of it.
    pub template: Option<Template>,
    /// Paths, folders and symbols that matter most.
    pub focus: Vec<String>,
    /// The files to pack; all of them where it is not given.
    pub selection: Option<Vec<Selected>>,
    /// Whether files that look like secrets are packed as well.
    pub secrets: bool,
    /// How alike files have to be, from 0 to 1, to be packed once. Files of the same content always are.
    pub dedup_threshold: Option<f64>,
    /// The title; the name of the checkout's folder where it is not given.
    pub title: Option<String>,
}

/// Why a file is not in the output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The budget has no room for it.
    Budget,
    /// It looks like a secret; what it looks like.
    Secret(String),
    /// Another file stands for it; which, and how alike they are.
    Duplicate(String, f64),
    /// It cannot be read; why.
    Unreadable(String),
}

/// A file that is not in the output.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// A file, or a part of one, in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// Its path.
    pub path: String,
    /// Its language's name.
    pub language: &'static str,
    /// Its level.
    pub level: Level,
    /// Which part of it, from 1, where it did not fit into one chunk.
    pub part: Option<u32>,
    /// Tokens of its own text in the output, with its heading and what parts it from the next.
    pub tokens: u64,
}

/// A chunk of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedChunk {
    /// Its number, from 1.
    pub number: u32,
    /// Its tokens, exactly.
    pub tokens: u64,
    /// Its text.
    pub content: String,
    /// What is in it.
    pub files: Vec<PackedFile>,
}

/// What was packed, beside the chunks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Packed {
    /// How many chunks there are.
    pub chunks: u32,
    /// Tokens of all chunks together.
    pub tokens: u64,
    /// Files in them.
    pub files: u64,
    /// Bytes of those files on disk.
    pub bytes_read: u64,
    /// Bytes of the chunks.
    pub bytes_written: u64,
    /// What is not in them, and why; sorted by path.
    pub left_out: Vec<LeftOut>,
}

/// A file that can be packed.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub path: String,
    pub language: Language,
    pub bytes: u64,
    /// How useful it is.
    pub score: f64,
    /// Levels that may be chosen and what each takes. Until a level has been written this is an estimate.
    pub costs: BTreeMap<Level, u64>,
}

impl Candidate {
    /// The fullest level that may be chosen.
    pub fn fullest(&self) -> Level {
        self.costs
            .keys()
            .next_back()
            .copied()
            .unwrap_or(Level::Full)
    }

    /// What it takes at the fullest level.
    pub fn cost(&self) -> u64 {
        self.costs.values().next_back().copied().unwrap_or(0)
    }

    fn left_out(&self, reason: Reason) -> LeftOut {
        LeftOut {
            path: self.path.clone(),
            reason,
        }
    }
}

/// Packs a checkout, all chunks in memory.
///
/// ```
/// use ogive_codebase::{Checkout, PackOptions, ScanOptions, pack};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # std::fs::write(folder.path().join("a.py"), "def f():\n    return 1\n").unwrap();
/// let checkout = Checkout::open(folder.path(), ScanOptions::default())?;
/// let options = PackOptions { budget: Some(1000), ..PackOptions::default() };
/// let (chunks, packed) = pack(&checkout, &options)?;
/// assert!(chunks[0].tokens <= 1000 && chunks[0].content.contains("def f()"));
/// assert!(packed.left_out.is_empty());
/// # Ok::<(), ogive_codebase::Error>(())
/// ```
///
/// # Errors
///
/// The checkout cannot be scanned, or the budget has no room for the header.
pub fn pack(checkout: &Checkout, options: &PackOptions) -> Result<(Vec<PackedChunk>, Packed)> {
    let mut chunks = Vec::new();
    let packed = pack_each(checkout, options, |chunk| chunks.push(chunk))?;
    Ok((chunks, packed))
}

/// Packs a checkout and hands on each chunk when it is ready; only one is in memory at a time.
///
/// # Errors
///
/// As [`pack`].
pub fn pack_each(
    checkout: &Checkout,
    options: &PackOptions,
    mut take: impl FnMut(PackedChunk),
) -> Result<Packed> {
    let title = options.title.clone().unwrap_or_else(|| checkout.name());
    let writer = Writer {
        checkout,
        options,
        title,
        tokenizer: &checkout.options().encoding,
        texts: Mutex::new(Texts::default()),
    };
    let Survey {
        candidates,
        left_out,
        graph,
    } = survey(&writer)?;
    let (candidates, left_out) = writer.without_secrets(candidates, left_out);
    let all: Vec<(String, u64)> = candidates
        .iter()
        .map(|candidate| (candidate.path.clone(), candidate.bytes))
        .collect();
    let mut packed = Packed::default();
    let mut sum = |chunk: PackedChunk| {
        packed.chunks += 1;
        packed.tokens += chunk.tokens;
        packed.bytes_written += chunk.content.len() as u64;
        take(chunk);
    };
    let mut left_out = match options.chunks {
        None => budget::one(&writer, candidates, left_out, &mut sum)?,
        Some(chunking) => deal::deal(&writer, chunking, candidates, &graph, left_out, &mut sum)?,
    };
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let gone: HashSet<&str> = left_out.iter().map(|left| left.path.as_str()).collect();
    for (path, bytes) in &all {
        if !gone.contains(path.as_str()) {
            packed.files += 1;
            packed.bytes_read += bytes;
        }
    }
    packed.left_out = left_out;
    Ok(packed)
}

/// What a scan says about what can be packed.
struct Survey {
    candidates: Vec<Candidate>,
    left_out: Vec<LeftOut>,
    graph: Graph,
}

fn survey(writer: &Writer<'_>) -> Result<Survey> {
    /// Files whose costs are estimated side by side.
    const ESTIMATED_FILES: usize = 256;
    let (checkout, options) = (writer.checkout, writer.options);
    let selection: Option<HashMap<&str, &Selected>> = options.selection.as_ref().map(|selected| {
        selected
            .iter()
            .map(|selected| (selected.path.trim_start_matches("./"), selected))
            .collect()
    });
    let is_selected = |path: &str| {
        selection
            .as_ref()
            .is_none_or(|selection| selection.contains_key(path))
    };
    // Ranks choose what fits a budget, groups make semantic chunks; nothing else asks.
    let has_graph = match options.chunks {
        None => options.budget.is_some(),
        Some(chunking) => chunking == Chunking::Semantic,
    };
    // What files take is asked where they compete for room; the same packings ask for ranks.
    let wanted = match has_graph {
        true => Wanted::All,
        false => Wanted::Outline,
    };
    let mut graph = Graph::new();
    let mut dedup = Dedup::new(options.dedup_threshold);
    let mut candidates = Vec::new();
    let mut left_out = Vec::new();
    let mut waiting = Vec::new();
    for scanned in checkout.wanting(wanted).scan()? {
        let facts = match scanned {
            Scanned::Failed(error) => {
                if is_selected(&error.path) {
                    left_out.push(LeftOut {
                        path: error.path,
                        reason: Reason::Unreadable(error.message),
                    });
                }
                continue;
            }
            Scanned::File(facts) => facts,
        };
        if has_graph {
            // Files that are not selected rank those that are.
            graph.add(&facts);
        }
        let file = facts.file;
        if !is_selected(&file.path) {
            continue;
        }
        let mut leave_out = |reason| {
            left_out.push(LeftOut {
                path: file.path.clone(),
                reason,
            });
        };
        // A file beyond a limit is data, and would fill a window alone.
        if facts.parsed.is_beyond_limits() {
            let problem = facts.parsed.problems.first();
            leave_out(Reason::Unreadable(problem.map_or_else(
                || "beyond a limit".to_owned(),
                |problem| problem.message.clone(),
            )));
            continue;
        }
        let duplicate = file.hash.is_some_and(|hash| {
            dedup.add(&file.path, hash, || {
                checkout
                    .read(&file.path)
                    .ok()
                    .and_then(|text| Sketch::of(&text))
            })
        });
        if duplicate && let Some(found) = dedup.duplicates().last() {
            leave_out(Reason::Duplicate(found.of.clone(), found.likeness));
            continue;
        }
        let selected = selection
            .as_ref()
            .and_then(|selection| selection.get(file.path.as_str()));
        let levels = match (selected.and_then(|selected| selected.level), options.level) {
            (Some(level), _) | (None, PackLevel::Fixed(level)) => vec![level],
            // All fits at full, however much it is.
            (None, PackLevel::Auto) if options.budget.is_none() || options.chunks.is_some() => {
                vec![Level::Full]
            }
            (None, PackLevel::Auto) => Level::ALL.to_vec(),
        };
        let candidate = Candidate {
            language: file.language.parse().unwrap_or(Language::TEXT),
            score: selected
                .and_then(|selected| selected.score)
                .unwrap_or(f64::NAN),
            path: file.path,
            bytes: file.bytes,
            costs: levels.into_iter().map(|level| (level, 0)).collect(),
        };
        waiting.push((candidate, file.tokens.unwrap_or(0), facts.parsed));
        if waiting.len() == ESTIMATED_FILES {
            candidates.extend(writer.estimated(std::mem::take(&mut waiting), has_graph));
        }
    }
    candidates.extend(writer.estimated(waiting, has_graph));
    let ranks = graph.ranks(&options.focus);
    for candidate in &mut candidates {
        if candidate.score.is_nan() {
            candidate.score = ranks.get(&candidate.path).copied().unwrap_or(0.0);
        }
    }
    Ok(Survey {
        candidates,
        left_out,
        graph,
    })
}

/// Texts that were made and will be needed again, as many as fit, and what each takes in the output.
#[derive(Default)]
struct Texts {
    texts: HashMap<(String, Level), Arc<str>>,
    bytes: usize,
    tokens: HashMap<(String, Level), u64>,
}

/// Writes chunks.
pub(crate) struct Writer<'a> {
    pub checkout: &'a Checkout,
    pub options: &'a PackOptions,
    pub title: String,
    pub tokenizer: &'a dyn Tokenizer,
    texts: Mutex<Texts>,
}

impl Writer<'_> {
    /// The text of a file at a level.
    pub fn text(
        &self,
        candidate: &Candidate,
        level: Level,
    ) -> std::result::Result<Arc<str>, Reason> {
        let key = (candidate.path.clone(), level);
        if let Some(text) = self.texts.lock().texts.get(&key) {
            return Ok(Arc::clone(text));
        }
        let text = self
            .checkout
            .read(&candidate.path)
            .map_err(|error| Reason::Unreadable(error.message))?;
        let text: Arc<str> = compress(&candidate.path, &text, candidate.language, level).into();
        self.keep(candidate, level, Arc::clone(&text));
        Ok(text)
    }

    /// Keeps a text for later, if there is room.
    fn keep(&self, candidate: &Candidate, level: Level, text: Arc<str>) {
        /// Bytes of texts that are kept.
        const KEPT_BYTES_MAX: usize = 64 << 20;
        let mut texts = self.texts.lock();
        if texts.bytes + text.len() <= KEPT_BYTES_MAX {
            texts.bytes += text.len();
            texts.texts.insert((candidate.path.clone(), level), text);
        }
    }

    /// The file as it is in the output.
    pub fn block(
        &self,
        candidate: &Candidate,
        level: Level,
        part: Option<u32>,
        text: &str,
    ) -> (PackedFile, String) {
        let (path, language) = (&candidate.path, candidate.language);
        let block = match self.options.template {
            // It has headings of its own.
            Some(_) => text.to_owned(),
            None => self.options.format.block(path, language, level, part, text),
        };
        let count = || {
            self.tokenizer
                .count(&format!("{block}{}", self.options.format.between(1)))
        };
        let tokens = match part {
            // A part is one of many ways of cutting.
            Some(_) => count(),
            None => {
                let key = (candidate.path.clone(), level);
                let known = self.texts.lock().tokens.get(&key).copied();
                known.unwrap_or_else(|| {
                    let tokens = count();
                    self.texts.lock().tokens.insert(key, tokens);
                    tokens
                })
            }
        };
        let file = PackedFile {
            path: candidate.path.clone(),
            language: language.name(),
            level,
            part,
            tokens,
        };
        (file, block)
    }

    /// Candidates with what they will take at their levels, from their facts: about as much as they say for `full`, else
    /// exactly. Where nobody asks what they take, only their texts are made.
    fn estimated(&self, files: Vec<(Candidate, u64, Parsed)>, is_asked: bool) -> Vec<Candidate> {
        files
            .into_par_iter()
            .map(|(mut candidate, tokens, parsed)| {
                let levels: Vec<Level> = candidate.costs.keys().copied().collect();
                for level in levels {
                    let cost = self.estimate(&candidate, level, tokens, &parsed, is_asked);
                    candidate.costs.insert(level, cost);
                }
                candidate
            })
            .collect()
    }

    fn estimate(
        &self,
        candidate: &Candidate,
        level: Level,
        tokens: u64,
        parsed: &Parsed,
        is_asked: bool,
    ) -> u64 {
        let (path, language) = (&candidate.path, candidate.language);
        let Some(text) = compress_parsed(path, language, parsed, level) else {
            let heading = self.options.format.block(path, language, level, None, "");
            return match is_asked {
                true => self.tokenizer.count(&heading) + 1 + tokens,
                false => 0,
            };
        };
        let cost = match is_asked {
            true => self.block(candidate, level, None, &text).0.tokens,
            false => 0,
        };
        self.keep(candidate, level, text.into());
        cost
    }

    /// Candidates without those whose content looks like a secret.
    fn without_secrets(
        &self,
        candidates: Vec<Candidate>,
        mut left_out: Vec<LeftOut>,
    ) -> (Vec<Candidate>, Vec<LeftOut>) {
        if self.options.secrets {
            return (candidates, left_out);
        }
        let checked: Vec<std::result::Result<Candidate, LeftOut>> = candidates
            .into_par_iter()
            .map(|candidate| match self.checkout.read(&candidate.path) {
                Err(error) => Err(candidate.left_out(Reason::Unreadable(error.message))),
                Ok(text) => match secret(&candidate.path, &text) {
                    Some(secret) => {
                        Err(candidate.left_out(Reason::Secret(secret.looks_like.to_owned())))
                    }
                    None => Ok(candidate),
                },
            })
            .collect();
        let mut kept = Vec::with_capacity(checked.len());
        for candidate in checked {
            match candidate {
                Ok(candidate) => kept.push(candidate),
                Err(left) => left_out.push(left),
            }
        }
        (kept, left_out)
    }

    /// A chunk of blocks, counted.
    pub fn chunk(
        &self,
        number: Option<u32>,
        blocks: &[(PackedFile, String)],
        left_out: &[LeftOut],
    ) -> Result<PackedChunk> {
        if let Some(template) = &self.options.template {
            let content = template.render(&Filled {
                title: &self.title,
                chunk: number.unwrap_or(1),
                budget: self.options.budget,
                encoding: self.tokenizer.name(),
                blocks,
                left_out,
            })?;
            return Ok(PackedChunk {
                number: number.unwrap_or(1),
                tokens: self.tokenizer.count(&content),
                content,
                files: blocks.iter().map(|(file, _)| file.clone()).collect(),
            });
        }
        let format = self.options.format;
        let mut content = format.header(
            &self.title,
            number,
            blocks.len(),
            self.options.budget,
            self.tokenizer.name(),
            left_out,
        );
        // Blocks were counted with what parts them from the next. Where no token goes across, the sum is the count of the whole.
        let mut parts = true;
        let mut tokens = 0;
        let mut files = Vec::with_capacity(blocks.len());
        if !blocks.is_empty() {
            content.push_str(format.between(0));
            tokens += self.tokenizer.count(&content);
        }
        for (at, (file, block)) in blocks.iter().enumerate() {
            parts = parts && self.tokenizer.parts_at(&content, block);
            content.push_str(block);
            tokens += match at + 1 < blocks.len() {
                true => file.tokens,
                false => self.tokenizer.count(&format!("{block}{}", format.footer())),
            };
            content.push_str(match at + 1 < blocks.len() {
                true => format.between(at + 1),
                false => "",
            });
            files.push(file.clone());
        }
        content.push_str(format.footer());
        if !parts || blocks.is_empty() {
            tokens = self.tokenizer.count(&content);
        }
        Ok(PackedChunk {
            number: number.unwrap_or(1),
            tokens,
            content,
            files,
        })
    }
}
