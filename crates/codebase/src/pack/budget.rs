//! One output within a budget: which files at which levels.

use rayon::prelude::*;

use super::{Candidate, LeftOut, PackedChunk, PackedFile, Reason, Writer};
use crate::compress::Level;
use crate::error::{Error, Result};

/// Writes the one chunk, and says what is not in it.
pub(super) fn one(
    writer: &Writer<'_>,
    mut candidates: Vec<Candidate>,
    left_out: Vec<LeftOut>,
    take: &mut dyn FnMut(PackedChunk),
) -> Result<Vec<LeftOut>> {
    /// How often exact costs may lead to another choice.
    const CHOICES_MAX: u32 = 6;
    let budget = writer.options.budget.unwrap_or(u64::MAX);
    // What the files may take together. The header is counted with the whole, so this comes down until all fits.
    let mut target = budget;
    let mut choices = 0;
    loop {
        let levels = choose(&candidates, target);
        let (blocks, all_left_out) = write(writer, &candidates, &levels, &left_out);
        // What was written has exact costs now; where estimates were off, others may fit, or may not.
        let mut exact = true;
        let mut written = blocks.iter().peekable();
        for candidate in &mut candidates {
            if let Some((file, _)) = written.next_if(|(file, _)| file.path == candidate.path) {
                let cost = file.tokens;
                exact &= candidate.costs.insert(file.level, cost) == Some(cost);
            }
        }
        choices += 1;
        if !exact && choices < CHOICES_MAX && budget < u64::MAX {
            continue;
        }
        let chunk = writer.chunk(None, &blocks, &all_left_out)?;
        if chunk.tokens <= budget {
            take(chunk);
            return Ok(all_left_out);
        }
        if blocks.is_empty() {
            return Err(Error::BudgetTooSmall {
                budget,
                needed: chunk.tokens,
            });
        }
        let over = chunk.tokens - budget;
        let spent: u64 = blocks.iter().map(|(file, _)| file.tokens).sum();
        target = target.min(spent).saturating_sub(over.max(1));
    }
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
        .map(Candidate::cost)
        .fold(0, u64::saturating_add);
    if everything <= target {
        return candidates.iter().map(|c| Some(c.fullest())).collect();
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
                1 => Some(candidate.fullest()),
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

/// The blocks at those levels, and what is left out.
fn write(
    writer: &Writer<'_>,
    candidates: &[Candidate],
    levels: &[Option<Level>],
    left_out: &[LeftOut],
) -> (Vec<(PackedFile, String)>, Vec<LeftOut>) {
    let written: Vec<_> = candidates
        .par_iter()
        .zip(levels)
        .map(|(candidate, level)| {
            let level = level.ok_or_else(|| candidate.left_out(Reason::Budget))?;
            let text = writer
                .text(candidate, level)
                .map_err(|reason| candidate.left_out(reason))?;
            Ok::<_, LeftOut>(writer.block(candidate, level, None, &text))
        })
        .collect();
    let mut left_out = left_out.to_vec();
    let mut blocks = Vec::with_capacity(written.len());
    for block in written {
        match block {
            Ok(block) => blocks.push(block),
            Err(left) => left_out.push(left),
        }
    }
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    (blocks, left_out)
}
