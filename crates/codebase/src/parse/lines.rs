//! Lines of code, of comments, and blank ones.

use std::ops::Range;

use crate::facts::Lines;

/// Counts lines. A line with anything outside of comments is code; a line with only white space is blank, inside comments
/// and strings too. Documentation strings are code: they are there when the program runs.
pub(super) fn count(text: &str, comments: &[Range<usize>]) -> Lines {
    let mut lines = Lines::default();
    let mut comments = comments.iter().peekable();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        lines.total += 1;
        let mut blank = true;
        let mut code = false;
        let mut at = start;
        for part in line.split_inclusive(|c: char| c.is_whitespace()) {
            let word = part.trim_end();
            if !word.is_empty() {
                blank = false;
                while comments.peek().is_some_and(|comment| comment.end <= at) {
                    comments.next();
                }
                let inside = comments
                    .peek()
                    .is_some_and(|comment| comment.start <= at && at < comment.end);
                if !inside {
                    code = true;
                    break;
                }
                // A comment may end in the middle of a word: `*/x`.
                if comments
                    .peek()
                    .is_some_and(|comment| comment.end < at + word.len())
                {
                    code = true;
                    break;
                }
            }
            at += part.len();
        }
        if blank {
            lines.blanks += 1;
        } else if code {
            lines.code += 1;
        } else {
            lines.comments += 1;
        }
        start = end;
    }
    lines
}
