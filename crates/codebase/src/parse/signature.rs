//! Signatures and documentation as plain text.

use std::ops::Range;

/// The definition up to its body, on one line, without `comments`.
pub(super) fn signature(text: &str, head: Range<usize>, comments: &[Range<usize>]) -> String {
    /// Constants can be whole tables; a signature is for reading.
    const SIGNATURE_BYTES_MAX: usize = 2000;
    let mut out = String::new();
    let mut at = head.start;
    for comment in comments {
        if comment.start >= at && comment.end <= head.end {
            push_collapsed(&mut out, text.get(at..comment.start).unwrap_or(""));
            out.push(' ');
            at = comment.end;
        }
        if out.len() > SIGNATURE_BYTES_MAX {
            break;
        }
    }
    let rest = text.get(at..head.end).unwrap_or("");
    push_collapsed(&mut out, cut(rest, SIGNATURE_BYTES_MAX));
    let mut out = collapse(&out);
    loop {
        let trimmed = out.trim_end_matches([' ', ':', '{', '=', ';']);
        let trimmed = trimmed.strip_suffix("=>").unwrap_or(trimmed);
        if trimmed.len() == out.len() {
            break;
        }
        out.truncate(trimmed.len());
    }
    out
}

/// The longest start of `text` that has at most `bytes_max` bytes and cuts no character.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

fn push_collapsed(out: &mut String, text: &str) {
    out.push_str(text);
}

/// All white space as single blanks, none after `(` or `[` or before `)`, `]` and `,`.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let tight = out.is_empty()
            || out.ends_with(['(', '['])
            || word.starts_with([')', ']', ',']) && !out.ends_with(',');
        if !tight && !out.ends_with(' ') {
            out.push(' ');
        }
        // `a,\n)` keeps no comma that only the line break needed.
        if word.starts_with([')', ']']) && out.ends_with(',') {
            out.pop();
        }
        out.push_str(word);
    }
    out
}

/// Documentation without the marks of comments.
pub(super) fn comment_text(comment: &str) -> String {
    let mut lines = Vec::new();
    for line in comment.lines() {
        let mut line = line.trim();
        for mark in [
            "/**", "/*!", "/*", "///", "//!", "//", "---", "--", "##", "#",
        ] {
            if let Some(rest) = line.strip_prefix(mark) {
                line = rest;
                break;
            }
        }
        let line = line.strip_suffix("*/").unwrap_or(line);
        let line = line.strip_suffix("]]").unwrap_or(line);
        let line = line
            .strip_prefix("* ")
            .or_else(|| (line == "*").then_some(""))
            .or_else(|| line.trim_start().strip_prefix("* "))
            .unwrap_or(line);
        lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end());
    }
    trimmed(lines)
}

/// A documentation string without its quotes and common indentation.
pub(super) fn docstring_text(literal: &str) -> String {
    let body = literal.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let body = ["\"\"\"", "'''", "\"", "'"]
        .iter()
        .find_map(|quote| body.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(body);
    let indent = body
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines = body
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            0 => line.trim(),
            _ => line.get(indent..).unwrap_or(line.trim()).trim_end(),
        })
        .collect();
    trimmed(lines)
}

/// Lines joined, without blank ones at either end.
fn trimmed(lines: Vec<&str>) -> String {
    lines.join("\n").trim_matches('\n').trim_end().to_owned()
}
