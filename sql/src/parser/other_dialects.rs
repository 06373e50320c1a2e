//! Vector search as other engines write it, in words that sqlparser does not know.
//!
//! ```text
//! FETCH APPROX FIRST 5 ROWS ONLY WITH TARGET ACCURACY 95    Oracle
//!   =>  FETCH FIRST 5 ROWS ONLY
//! FROM q LEFT JOIN d APPROX NEAREST 3 BY DISTANCE q.v <-> d.v    Spark
//!   =>  FROM q LEFT JOIN LATERAL (SELECT * FROM d ORDER BY (q.v <-> d.v) LIMIT 3) AS d ON true
//! ```
//!
//! Answers are exact, which is good enough for `APPROX` and for any accuracy.

use datafusion::common::{Result, plan_err};
use datafusion::sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// Words behind which a search is nothing but exact or more than good enough.
const EFFORTS: [&str; 3] = ["APPROX", "APPROXIMATE", "EXACT"];

/// What may follow the distance of `NEAREST`.
const CLAUSES: [&str; 18] = [
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "JOIN",
    "LEFT",
    "RIGHT",
    "INNER",
    "FULL",
    "CROSS",
    "NATURAL",
];

/// The tokens with these forms replaced.
///
/// # Errors
/// A join whose table, number or order is missing; an accuracy that is no percentage.
pub(crate) fn translate(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    if !tokens.iter().any(|token| is_one_of(token, &EFFORTS)) {
        return Ok(tokens);
    }
    let is_space = |token: &&TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let mut words: Vec<TokenWithSpan> = tokens.iter().filter(|t| !is_space(t)).cloned().collect();
    let (mut at, mut is_other) = (0, false);
    while at < words.len() {
        if is_fetch(&words, at) {
            take_effort(&mut words, at)?;
            is_other = true;
        } else if is_nearest(&words, at) {
            join_nearest(&mut words, at)?;
            is_other = true;
        }
        at += 1;
    }
    Ok(if is_other { words } else { tokens })
}

fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

fn is_one_of(token: &TokenWithSpan, words: &[&str]) -> bool {
    words.iter().any(|word| is_word(token, word))
}

/// Whether the tokens from a place on are these words.
fn are_words(tokens: &[TokenWithSpan], at: usize, words: &[&str]) -> bool {
    tokens.get(at..).is_some_and(|rest| {
        rest.len() >= words.len() && rest.iter().zip(words).all(|(t, w)| is_word(t, w))
    })
}

/// `FETCH APPROX FIRST`.
fn is_fetch(tokens: &[TokenWithSpan], at: usize) -> bool {
    matches!(tokens.get(at..at + 3), Some([fetch, effort, first])
        if is_word(fetch, "FETCH") && is_one_of(effort, &EFFORTS) && is_one_of(first, &["FIRST", "NEXT"]))
}

/// `APPROX NEAREST`.
fn is_nearest(tokens: &[TokenWithSpan], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([effort, nearest])
        if is_one_of(effort, &EFFORTS) && is_word(nearest, "NEAREST"))
}

/// Takes the effort out of a `FETCH`, and the accuracy behind it.
fn take_effort(tokens: &mut Vec<TokenWithSpan>, fetch: usize) -> Result<()> {
    tokens.remove(fetch + 1);
    let only = (fetch..tokens.len().min(fetch + 6))
        .find(|at| tokens.get(*at).is_some_and(|token| is_word(token, "ONLY")));
    let Some(with) = only.map(|only| only + 1) else {
        return Ok(());
    };
    if !are_words(tokens, with, &["WITH", "TARGET", "ACCURACY"]) {
        return Ok(());
    }
    let accuracy = tokens.get(with + 3).map(|token| token.token.to_string());
    let accuracy = accuracy.unwrap_or_default();
    match accuracy.parse::<f64>() {
        Ok(percent) if (1.0..=100.0).contains(&percent) => {}
        _ => return plan_err!("TARGET ACCURACY is a percentage from 1 to 100, not {accuracy}"),
    }
    let unit = usize::from(are_words(tokens, with + 4, &["PERCENT"]));
    tokens.drain(with..with + 4 + unit);
    Ok(())
}

/// Replaces a join with the nearest rows by a lateral join; `at` is the effort before `NEAREST`.
fn join_nearest(tokens: &mut Vec<TokenWithSpan>, at: usize) -> Result<()> {
    let span = tokens.get(at).map_or(Span::empty(), |token| token.span);
    let Some(join) = join_before(tokens, at) else {
        return plan_err!(
            "NEAREST needs a join before it: FROM a JOIN b APPROX NEAREST 10 BY DISTANCE .."
        );
    };
    let table: Vec<TokenWithSpan> = tokens.get(join + 1..at).unwrap_or_default().to_vec();
    let alias = match table.last().map(|last| &last.token) {
        Some(Token::Word(name)) => Token::Word(name.clone()),
        _ => {
            return plan_err!(
                "the table joined by NEAREST needs an alias: JOIN .. AS b APPROX NEAREST ..{}",
                span.start
            );
        }
    };
    let count = match tokens.get(at + 2).map(|token| &token.token) {
        Some(count @ (Token::Number(..) | Token::Placeholder(_))) => count.clone(),
        _ => return plan_err!("NEAREST takes a number of rows{}", span.start),
    };
    let descending = match tokens.get(at + 3..at + 5) {
        Some([by, what]) if is_word(by, "BY") && is_word(what, "DISTANCE") => false,
        Some([by, what]) if is_word(by, "BY") && is_word(what, "SIMILARITY") => true,
        _ => {
            return plan_err!(
                "NEAREST {count} goes on with BY DISTANCE or BY SIMILARITY{}",
                span.start
            );
        }
    };
    let end = clause_end(tokens, at + 5);
    let key: Vec<TokenWithSpan> = tokens.get(at + 5..end).unwrap_or_default().to_vec();
    if key.is_empty() {
        return plan_err!(
            "NEAREST {count} BY needs an expression to order by{}",
            span.start
        );
    }
    let word = |text: &str| TokenWithSpan::new(Token::make_word(text, None), span);
    let sign = |token: Token| TokenWithSpan::new(token, span);
    let mut lateral = vec![
        word("LATERAL"),
        sign(Token::LParen),
        word("SELECT"),
        sign(Token::Mul),
        word("FROM"),
    ];
    lateral.extend(table);
    lateral.extend([word("ORDER"), word("BY"), sign(Token::LParen)]);
    lateral.extend(key);
    lateral.push(sign(Token::RParen));
    if descending {
        lateral.extend([word("DESC"), word("NULLS"), word("LAST")]);
    }
    lateral.extend([
        word("LIMIT"),
        sign(count),
        sign(Token::RParen),
        word("AS"),
        sign(alias),
        word("ON"),
        word("true"),
    ]);
    tokens.splice(join + 1..end, lateral);
    Ok(())
}

/// The `JOIN` of the table before a place, past the brackets of a subquery.
fn join_before(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().take(at).rev() {
        match token.token {
            Token::RParen => depth += 1,
            Token::LParen => depth = depth.checked_sub(1)?,
            _ if depth == 0 && is_word(token, "JOIN") => return Some(index),
            _ => {}
        }
    }
    None
}

/// Where an expression ends: at a clause, a comma or a bracket that it did not open.
fn clause_end(tokens: &[TokenWithSpan], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        let is_call = tokens.get(index + 1).map(|next| &next.token) == Some(&Token::LParen);
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth == 0 => return index,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma | Token::SemiColon | Token::EOF if depth == 0 => return index,
            _ if depth == 0 && is_one_of(token, &CLAUSES) && !is_call => return index,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::dialect::OgiveDialect;
    use crate::parser::tokens::tokenize;

    fn translated(sql: &str) -> Result<String> {
        let tokens = translate(tokenize(&OgiveDialect::default(), sql).unwrap())?;
        let words = tokens.iter().map(|token| token.token.to_string());
        Ok(words
            .filter(|word| !word.trim().is_empty())
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn words_of_others_become_sql() {
        for (written, expected) in [
            (
                "SELECT approx, exact FROM nearest",
                "SELECT approx , exact FROM nearest",
            ),
            (
                "a FETCH APPROX FIRST 5 ROWS ONLY",
                "a FETCH FIRST 5 ROWS ONLY",
            ),
            (
                "a FETCH EXACT NEXT ROW ONLY WITH TARGET ACCURACY 95 PERCENT)",
                "a FETCH NEXT ROW ONLY )",
            ),
            (
                "FROM q JOIN d APPROX NEAREST 3 BY DISTANCE q.v <-> d.v WHERE a",
                "FROM q JOIN LATERAL ( SELECT * FROM d ORDER BY ( q . v <-> d . v ) LIMIT 3 ) AS d ON true WHERE a",
            ),
            (
                "(FROM q LEFT JOIN (SELECT * FROM a JOIN b ON c) AS \"D\" EXACT NEAREST $1 BY SIMILARITY left(s, 2)), x",
                "( FROM q LEFT JOIN LATERAL ( SELECT * FROM ( SELECT * FROM a JOIN b ON c ) AS \"D\" ORDER BY ( left ( s , 2 ) ) DESC NULLS LAST LIMIT $1 ) AS \"D\" ON true ) , x",
            ),
        ] {
            assert_eq!(translated(written).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (written, expected) in [
            ("FROM d APPROX NEAREST 3 BY DISTANCE x", "needs a join"),
            (
                "JOIN 'a.cvc' APPROX NEAREST 3 BY DISTANCE x",
                "needs an alias",
            ),
            (
                "JOIN d APPROX NEAREST BY DISTANCE x",
                "takes a number of rows",
            ),
            (
                "JOIN d APPROX NEAREST 3 OF x",
                "BY DISTANCE or BY SIMILARITY",
            ),
            ("JOIN d APPROX NEAREST 3 BY DISTANCE", "needs an expression"),
            ("JOIN d APPROX NEAREST", "takes a number of rows"),
            (
                "FETCH APPROX FIRST ROW ONLY WITH TARGET ACCURACY 101",
                "from 1 to 100, not 101",
            ),
            (
                "FETCH APPROX FIRST ROW ONLY WITH TARGET ACCURACY",
                "from 1 to 100",
            ),
        ] {
            let error = translated(written).unwrap_err().to_string();
            assert!(error.contains(expected), "{written}: {error}");
        }
    }
}
