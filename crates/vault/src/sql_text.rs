//! Pieces of SQL text: names quoted, and the arguments of `CREATE VIRTUAL TABLE` taken apart.

/// A name in SQL, quoted.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The module and the arguments of a `CREATE VIRTUAL TABLE .. USING module(arguments)`, each argument as it is written.
pub(crate) fn virtual_table(sql: &str) -> Option<(String, Vec<String>)> {
    let mut rest = sql;
    // The name of the table may hold anything, `using` included, so what is quoted is passed over.
    loop {
        let token = next_token(rest)?;
        rest = rest.get(token.offset + token.text.len()..)?;
        if token.text.eq_ignore_ascii_case("using") {
            break;
        }
    }
    let module = next_token(rest)?;
    rest = rest.get(module.offset + module.text.len()..)?;
    let name = unquoted(module.text).to_ascii_lowercase();
    let Some(open) = rest.find('(') else {
        return Some((name, Vec::new()));
    };
    let close = rest.rfind(')')?;
    let inner = rest.get(open + 1..close)?;
    let mut arguments = vec![String::new()];
    let mut depth = 0_usize;
    let mut rest = inner;
    while let Some(token) = next_token(rest) {
        let end = token.offset + token.text.len();
        let piece = rest.get(..end)?;
        match token.text {
            "," if depth == 0 => arguments.push(String::new()),
            text => {
                match text {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                arguments.last_mut()?.push_str(piece);
            }
        }
        rest = rest.get(end..)?;
    }
    let arguments = arguments
        .iter()
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect();
    Some((name, arguments))
}

/// The words and signs of an argument.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(token) = next_token(rest) {
        tokens.push(token.text);
        rest = rest
            .get(token.offset + token.text.len()..)
            .unwrap_or_default();
    }
    tokens
}

/// A name without the quotes around it.
pub(crate) fn unquoted(token: &str) -> String {
    let mut chars = token.chars();
    let (Some(first), Some(last)) = (chars.next(), chars.next_back()) else {
        return token.to_owned();
    };
    let inner = chars.as_str();
    match (first, last) {
        ('"', '"') | ('`', '`') | ('\'', '\'') => {
            inner.replace(&format!("{first}{first}"), &first.to_string())
        }
        ('[', ']') => inner.to_owned(),
        _ => token.to_owned(),
    }
}

struct Token<'a> {
    offset: usize,
    text: &'a str,
}

fn next_token(text: &str) -> Option<Token<'_>> {
    let mut chars = text.char_indices().peekable();
    let (offset, first) = loop {
        let (offset, c) = chars.next()?;
        let rest = text.get(offset..)?;
        if rest.starts_with("--") {
            while chars.next_if(|(_, c)| *c != '\n').is_some() {}
        } else if rest.starts_with("/*") {
            let end = offset + rest.find("*/").map_or(rest.len(), |end| end + 2);
            while chars.next_if(|(offset, _)| *offset < end).is_some() {}
        } else if !c.is_whitespace() {
            break (offset, c);
        }
    };
    let rest = text.get(offset..)?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let length = match first {
        '"' | '\'' | '`' => quoted_length(rest, first),
        '[' => match rest.find(']') {
            // `float[4]` has its bracket after a word: that one is a sign.
            Some(end) if !rest.get(1..end)?.bytes().all(|b| b.is_ascii_digit()) => end + 1,
            _ => 1,
        },
        c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        c => c.len_utf8(),
    };
    Some(Token {
        offset,
        text: rest.get(..length)?,
    })
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((offset, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return offset + c.len_utf8();
        }
    }
    text.len()
}
