//! Many chunks, each within the budget: which files go where.

use std::collections::{HashMap, VecDeque};

use super::{Candidate, Chunking, LeftOut, PackedChunk, PackedFile, Writer};
use crate::chunk::cut;
use crate::compress::Level;
use crate::error::{Error, Result};
use crate::parse::parse_source;

/// The budget of a chunk where none is given: the window of most models.
const BUDGET_DEFAULT: u64 = 128_000;

/// Writes the chunks, and says what is in none of them.
pub(super) fn deal(
    writer: &Writer<'_>,
    chunking: Chunking,
    candidates: &[Candidate],
    groups: &[Vec<String>],
    left_out: Vec<LeftOut>,
    take: &mut dyn FnMut(PackedChunk),
) -> Result<Vec<LeftOut>> {
    let budget = writer.options.budget.unwrap_or(BUDGET_DEFAULT);
    let mut left_out = left_out;
    left_out.extend(
        candidates
            .iter()
            .filter_map(|candidate| writer.refusal(candidate)),
    );
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let header = writer.chunk(Some(1000), Vec::new(), &left_out).tokens;
    // A chunk needs room for more than its header.
    let room = budget.saturating_sub(header);
    if room < budget / 8 || room < 16 {
        return Err(Error::BudgetTooSmall {
            budget,
            needed: header.max(16) * 8 / 7 + 16,
        });
    }
    let priced: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| !candidate.costs.is_empty())
        .collect();
    let dealt = match chunking {
        Chunking::Size => filled(priced.iter().map(|candidate| vec![*candidate]), room),
        Chunking::Balanced => balanced(&priced, room),
        Chunking::Semantic => {
            let by_path: HashMap<&str, &Candidate> = priced
                .iter()
                .map(|candidate| (candidate.path.as_str(), *candidate))
                .collect();
            let groups = groups.iter().map(|group| {
                group
                    .iter()
                    .filter_map(|path| by_path.get(path.as_str()).copied())
                    .collect()
            });
            filled(groups, room)
        }
    };
    let mut number = 0;
    let none: &[LeftOut] = &[];
    for chunk in dealt {
        let mut blocks: VecDeque<(PackedFile, String)> = VecDeque::new();
        for candidate in chunk {
            blocks.extend(pieces(writer, candidate, room)?);
        }
        // What the whole takes is known when it is written; what is too much goes on to the next chunk.
        while !blocks.is_empty() {
            let mut kept = blocks.len();
            let mut estimate: u64 = 0;
            for (at, (file, _)) in blocks.iter().enumerate() {
                estimate += file.tokens + 1;
                if estimate > room {
                    kept = at.max(1);
                    break;
                }
            }
            loop {
                let said = if number == 0 { &left_out } else { none };
                let written: Vec<_> = blocks.iter().take(kept).cloned().collect();
                let packed = writer.chunk(Some(number + 1), written, said);
                if packed.tokens <= budget {
                    number += 1;
                    blocks.drain(..kept);
                    take(packed);
                    break;
                }
                if kept == 1 {
                    return Err(Error::BudgetTooSmall {
                        budget,
                        needed: packed.tokens,
                    });
                }
                kept -= 1;
            }
        }
    }
    if number == 0 {
        let packed = writer.chunk(Some(1), Vec::new(), &left_out);
        take(packed);
    }
    Ok(left_out)
}

fn level_of(candidate: &Candidate) -> Level {
    candidate
        .costs
        .keys()
        .next_back()
        .copied()
        .unwrap_or(Level::Full)
}

fn cost_of(candidate: &Candidate) -> u64 {
    candidate.costs.values().next_back().copied().unwrap_or(0)
}

/// Groups one after another, a chunk as full as it gets. A group that fits a chunk is in one.
fn filled<'c>(
    groups: impl Iterator<Item = Vec<&'c Candidate>>,
    room: u64,
) -> Vec<Vec<&'c Candidate>> {
    let mut chunks: Vec<Vec<&Candidate>> = Vec::new();
    let mut used = 0;
    for group in groups {
        let whole: u64 = group.iter().map(|candidate| cost_of(candidate)).sum();
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
            let cost = cost_of(candidate);
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
    order.sort_by(|a, b| {
        cost_of(b)
            .cmp(&cost_of(a))
            .then_with(|| a.path.cmp(&b.path))
    });
    let total: u64 = order.iter().map(|candidate| cost_of(candidate)).sum();
    let mut count = usize::try_from(total.div_ceil(room).max(1)).unwrap_or(1);
    loop {
        let mut chunks: Vec<(u64, Vec<&Candidate>)> = vec![(0, Vec::new()); count];
        for candidate in &order {
            let least = chunks
                .iter_mut()
                .min_by_key(|(sum, chunk)| (*sum, chunk.len()));
            if let Some((sum, chunk)) = least {
                *sum += cost_of(candidate);
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
) -> Result<Vec<(PackedFile, String)>> {
    let level = level_of(candidate);
    // A file that went away since it was counted is simply not there.
    let Ok(text) = writer.text(candidate, level) else {
        return Ok(Vec::new());
    };
    let made = |part: Option<u32>, text: &str| {
        let block = writer.block(candidate, level, part, text);
        let file = PackedFile {
            path: candidate.path.clone(),
            level,
            part,
            tokens: writer.tokenizer.count(&block),
        };
        (file, block)
    };
    let whole = made(None, &text);
    if whole.0.tokens < room {
        return Ok(vec![whole]);
    }
    let parsed = parse_source(&text, candidate.language);
    // What is counted is the piece in its heading, escaped as the format has it.
    let ranges = cut(&text, &parsed, room.saturating_sub(1), &|piece| {
        writer
            .tokenizer
            .count(&writer.block(candidate, level, Some(1000), piece))
    });
    Ok((1u32..)
        .zip(ranges)
        .map(|(part, range)| made(Some(part), text.get(range).unwrap_or("")))
        .collect())
}
