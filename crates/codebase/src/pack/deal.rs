//! Many chunks, each within the budget: which files go where.

use std::collections::{HashMap, VecDeque};

use rayon::prelude::*;

use super::{Candidate, Chunking, LeftOut, PackedChunk, PackedFile, Writer};
use crate::chunk::cut;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::parse::parse_source;

/// The budget of a chunk where none is given: the window of most models.
const BUDGET_DEFAULT: u64 = 128_000;

/// Writes the chunks, and says what is in none of them.
pub(super) fn deal(
    writer: &Writer<'_>,
    chunking: Chunking,
    candidates: Vec<Candidate>,
    graph: &Graph,
    mut left_out: Vec<LeftOut>,
    take: &mut dyn FnMut(PackedChunk),
) -> Result<Vec<LeftOut>> {
    let budget = writer.options.budget.unwrap_or(BUDGET_DEFAULT);
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let header = writer.chunk(Some(1000), &[], &left_out)?.tokens;
    // A chunk needs room for more than its header.
    let room = budget.saturating_sub(header);
    if room < budget / 8 || room < 16 {
        return Err(Error::BudgetTooSmall {
            budget,
            needed: header.max(16) * 8 / 7 + 16,
        });
    }
    let mut table = Dealer {
        writer,
        budget,
        room,
        number: 0,
        said: &left_out,
        waiting: VecDeque::new(),
        gone: Vec::new(),
        take,
    };
    match chunking {
        Chunking::Size => {
            // Exact sizes come as the files are written, so they need not be known before.
            for batch in candidates.chunks(BATCH_FILES) {
                table.add(batch.iter())?;
            }
        }
        Chunking::Balanced => {
            let priced = priced(writer, candidates);
            let all: Vec<&Candidate> = priced.iter().collect();
            for chunk in balanced(&all, room) {
                table.add(chunk)?;
                table.close()?;
            }
        }
        Chunking::Semantic => {
            let priced = priced(writer, candidates);
            let by_path: HashMap<&str, &Candidate> = priced
                .iter()
                .map(|candidate| (candidate.path.as_str(), candidate))
                .collect();
            let groups = graph.components(&graph.edges());
            let groups = groups.iter().map(|group| {
                group
                    .iter()
                    .filter_map(|path| by_path.get(path.as_str()).copied())
                    .collect()
            });
            for chunk in filled(groups, room) {
                table.add(chunk)?;
                table.close()?;
            }
        }
    }
    table.close()?;
    if table.number == 0 {
        table.write(0)?;
    }
    let gone = table.gone;
    left_out.extend(gone);
    Ok(left_out)
}

/// Files that are written side by side.
const BATCH_FILES: usize = 64;

/// Candidates with exact costs.
fn priced(writer: &Writer<'_>, candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates
        .into_par_iter()
        .map(|mut candidate| {
            let level = candidate.fullest();
            if let Ok(text) = writer.text(&candidate, level) {
                let (file, _) = writer.block(&candidate, level, None, &text);
                candidate.costs.insert(level, file.tokens);
            }
            candidate
        })
        .collect()
}

/// Takes files and hands on chunks.
struct Dealer<'a> {
    writer: &'a Writer<'a>,
    budget: u64,
    room: u64,
    /// Chunks that were handed on.
    number: u32,
    /// What the first header says.
    said: &'a [LeftOut],
    /// Blocks that are in no chunk yet.
    waiting: VecDeque<(PackedFile, String)>,
    /// Files that went away in the meantime.
    gone: Vec<LeftOut>,
    take: &'a mut dyn FnMut(PackedChunk),
}

impl Dealer<'_> {
    /// Takes files; hands on chunks that are full.
    fn add<'c>(&mut self, files: impl IntoIterator<Item = &'c Candidate>) -> Result<()> {
        let files: Vec<&Candidate> = files.into_iter().collect();
        let (writer, room) = (self.writer, self.room);
        for batch in files.chunks(BATCH_FILES) {
            let written: Vec<_> = batch
                .par_iter()
                .map(|candidate| pieces(writer, candidate, room))
                .collect();
            for pieces in written {
                match pieces {
                    Ok(pieces) => self.waiting.extend(pieces),
                    Err(left) => self.gone.push(left),
                }
            }
            while let Some(full) = self.full() {
                self.write(full)?;
            }
        }
        Ok(())
    }

    /// Hands on all that waits.
    fn close(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            let count = self.full().unwrap_or(self.waiting.len());
            self.write(count)?;
        }
        Ok(())
    }

    /// How many blocks fill a chunk; none if all that wait have room.
    fn full(&self) -> Option<usize> {
        let mut sum = 0;
        for (at, (file, _)) in self.waiting.iter().enumerate() {
            sum += file.tokens;
            if sum > self.room {
                return Some(at.max(1));
            }
        }
        None
    }

    /// Hands on a chunk of at most `count` blocks. What the whole takes is known when it is written; what is too much waits.
    fn write(&mut self, count: usize) -> Result<()> {
        let none: &[LeftOut] = &[];
        let said = if self.number == 0 { self.said } else { none };
        let mut count = count;
        loop {
            let blocks = self.waiting.make_contiguous();
            let blocks = blocks.get(..count).unwrap_or(&[]);
            let chunk = self.writer.chunk(Some(self.number + 1), blocks, said)?;
            if chunk.tokens <= self.budget {
                self.number += 1;
                self.waiting.drain(..count);
                (self.take)(chunk);
                return Ok(());
            }
            if count <= 1 {
                return Err(Error::BudgetTooSmall {
                    budget: self.budget,
                    needed: chunk.tokens,
                });
            }
            count -= 1;
        }
    }
}

/// Groups one after another, a chunk as full as it gets. A group that fits a chunk is in one.
fn filled<'c>(
    groups: impl Iterator<Item = Vec<&'c Candidate>>,
    room: u64,
) -> Vec<Vec<&'c Candidate>> {
    let mut chunks: Vec<Vec<&Candidate>> = Vec::new();
    let mut used = 0;
    for group in groups {
        let whole: u64 = group.iter().map(|candidate| candidate.cost()).sum();
        if whole <= room {
            match chunks.last_mut() {
                Some(chunk) if used + whole <= room => {
                    chunk.extend(group);
                    used += whole;
                }
                _ => {
                    used = whole;
                    chunks.push(group);
                }
            }
            continue;
        }
        // Too large for one chunk: split in order of paths, and never mixed with what is next.
        let mut part = Vec::new();
        let mut sum = 0;
        for candidate in group {
            let cost = candidate.cost();
            if !part.is_empty() && sum + cost > room {
                chunks.push(std::mem::take(&mut part));
                sum = 0;
            }
            part.push(candidate);
            sum += cost;
        }
        used = sum;
        chunks.push(part);
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// As few chunks as the sum allows, the largest file first, each to the chunk with the least in it.
pub(super) fn balanced<'c>(candidates: &[&'c Candidate], room: u64) -> Vec<Vec<&'c Candidate>> {
    let mut order: Vec<&Candidate> = candidates.to_vec();
    order.sort_by(|a, b| b.cost().cmp(&a.cost()).then_with(|| a.path.cmp(&b.path)));
    let total: u64 = order.iter().map(|candidate| candidate.cost()).sum();
    let mut count = usize::try_from(total.div_ceil(room).max(1)).unwrap_or(1);
    loop {
        let mut chunks: Vec<(u64, Vec<&Candidate>)> = vec![(0, Vec::new()); count];
        for candidate in &order {
            let least = chunks
                .iter_mut()
                .min_by_key(|(sum, chunk)| (*sum, chunk.len()));
            if let Some((sum, chunk)) = least {
                *sum += candidate.cost();
                chunk.push(candidate);
            }
        }
        // A file too large for any chunk is cut later, and says nothing about the others.
        let fits = chunks
            .iter()
            .all(|(sum, chunk)| *sum <= room || chunk.len() == 1);
        if fits || count > order.len() {
            let mut chunks: Vec<Vec<&Candidate>> = chunks
                .into_iter()
                .map(|(_, mut chunk)| {
                    chunk.sort_by(|a, b| a.path.cmp(&b.path));
                    chunk
                })
                .filter(|chunk| !chunk.is_empty())
                .collect();
            chunks.sort_by(|a, b| {
                let first = |chunk: &[&Candidate]| chunk.first().map(|c| c.path.clone());
                first(a).cmp(&first(b))
            });
            return chunks;
        }
        count += 1;
    }
}

/// A file as blocks that fit a chunk: most often one.
fn pieces(
    writer: &Writer<'_>,
    candidate: &Candidate,
    room: u64,
) -> std::result::Result<Vec<(PackedFile, String)>, LeftOut> {
    let level = candidate.fullest();
    let text = writer
        .text(candidate, level)
        .map_err(|reason| candidate.left_out(reason))?;
    let whole = writer.block(candidate, level, None, &text);
    if whole.0.tokens < room {
        return Ok(vec![whole]);
    }
    let parsed = parse_source(&text, candidate.language);
    // What is counted is the piece in its heading, escaped as the format has it.
    let ranges = cut(&text, &parsed, room.saturating_sub(1), &|piece| {
        writer.block(candidate, level, Some(1000), piece).0.tokens
    });
    Ok((1u32..)
        .zip(ranges)
        .map(|(part, range)| {
            let piece = text.get(range).unwrap_or("");
            writer.block(candidate, level, Some(part), piece)
        })
        .collect())
}
