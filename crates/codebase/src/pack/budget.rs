//! One output within a budget: which files at which levels.

use super::{Candidate, LeftOut, PackedChunk, PackedFile, Reason, Writer};
use crate::compress::Level;
use crate::error::{Error, Result};

/// Writes the one chunk, and says what is not in it.
pub(super) fn one(
    writer: &Writer<'_>,
    candidates: &[Candidate],
    left_out: Vec<LeftOut>,
    take: &mut dyn FnMut(PackedChunk),
) -> Result<Vec<LeftOut>> {
    let refused: Vec<LeftOut> = candidates
        .iter()
        .filter_map(|candidate| writer.refusal(candidate))
        .collect();
    let mut left_out = left_out;
    left_out.extend(refused);
    let Some(budget) = writer.options.budget else {
        let levels: Vec<Option<Level>> = candidates.iter().map(fullest).collect();
        let (chunk, left_out) = write(writer, candidates, &levels, &left_out);
        take(chunk);
        return Ok(left_out);
    };
    // What the files may take together. The header is counted with the whole, so this comes down until all fits.
    let mut target = budget;
    loop {
        let levels = choose(candidates, target);
        let (chunk, all_left_out) = write(writer, candidates, &levels, &left_out);
        if chunk.tokens <= budget {
            take(chunk);
            return Ok(all_left_out);
        }
        if levels.iter().all(Option::is_none) {
            return Err(Error::BudgetTooSmall {
                budget,
                needed: chunk.tokens,
            });
        }
        let over = chunk.tokens - budget;
        let spent: u64 = candidates
            .iter()
            .zip(&levels)
            .filter_map(|(candidate, level)| cost(candidate, (*level)?))
            .sum();
        target = target.min(spent).saturating_sub(over.max(1));
    }
}

fn fullest(candidate: &Candidate) -> Option<Level> {
    candidate.costs.keys().next_back().copied()
}

fn cost(candidate: &Candidate, level: Level) -> Option<u64> {
    candidate.costs.get(&level).copied()
}

/// Levels that together take at most `target`.
///
/// If all fits at its fullest, that is it. Else the most useful files are raised first, in rounds: a third of the room goes to
/// summaries, so that the reader knows what there is; up to a half to signatures; the rest to whole files. What is left then
/// goes to the next levels that fit.
fn choose(candidates: &[Candidate], target: u64) -> Vec<Option<Level>> {
    let everything: u64 = candidates
        .iter()
        .filter_map(|candidate| cost(candidate, fullest(candidate)?))
        .sum();
    if everything <= target {
        return candidates.iter().map(fullest).collect();
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| match (candidates.get(*a), candidates.get(*b)) {
        (Some(a), Some(b)) => b
            .score
            .total_cmp(&a.score)
            .then_with(|| a.path.cmp(&b.path)),
        _ => std::cmp::Ordering::Equal,
    });
    let mut levels: Vec<Option<Level>> = vec![None; candidates.len()];
    let mut spent = 0;
    let rounds = [
        (Level::Summary, target / 3),
        (Level::Signature, target / 2),
        (Level::Full, target),
        (Level::Structural, target),
        (Level::Signature, target),
        (Level::Summary, target),
    ];
    for (level, room) in rounds {
        for &at in &order {
            let (Some(candidate), Some(slot)) = (candidates.get(at), levels.get_mut(at)) else {
                continue;
            };
            // A file whose level is given has only that.
            let level = match candidate.costs.len() {
                1 => fullest(candidate),
                _ => candidate.costs.contains_key(&level).then_some(level),
            };
            let Some(level) = level else { continue };
            if slot.is_some_and(|now| now >= level) {
                continue;
            }
            let now = slot.and_then(|now| cost(candidate, now)).unwrap_or(0);
            let Some(then) = cost(candidate, level) else {
                continue;
            };
            if spent - now + then <= room {
                spent = spent - now + then;
                *slot = Some(level);
            }
        }
    }
    // A fuller level that takes no more is better.
    for (candidate, slot) in candidates.iter().zip(&mut levels) {
        if let Some(level) = *slot
            && let Some(now) = cost(candidate, level)
        {
            let better = candidate
                .costs
                .iter()
                .rev()
                .find(|(_, cost)| **cost <= now)
                .map(|(level, _)| *level);
            *slot = better.max(*slot);
        }
    }
    levels
}

/// The chunk at those levels.
fn write(
    writer: &Writer<'_>,
    candidates: &[Candidate],
    levels: &[Option<Level>],
    left_out: &[LeftOut],
) -> (PackedChunk, Vec<LeftOut>) {
    use rayon::prelude::*;
    let mut left_out = left_out.to_vec();
    let blocks: Vec<_> = candidates
        .par_iter()
        .zip(levels)
        .filter(|(candidate, _)| !candidate.costs.is_empty())
        .map(|(candidate, level)| -> std::result::Result<_, LeftOut> {
            let left = |reason| LeftOut {
                path: candidate.path.clone(),
                reason,
            };
            let level = level.ok_or_else(|| left(Reason::Budget))?;
            let text = writer.text(candidate, level).map_err(left)?;
            let block = writer.block(candidate, level, None, &text);
            let file = PackedFile {
                path: candidate.path.clone(),
                level,
                part: None,
                tokens: writer.tokenizer.count(&block),
            };
            Ok((file, block))
        })
        .collect::<Vec<_>>();
    let mut kept = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Ok(block) => kept.push(block),
            Err(left) => left_out.push(left),
        }
    }
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    (writer.chunk(None, kept, &left_out), left_out)
}
