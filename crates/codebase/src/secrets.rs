//! Files that look like secrets, so that they are not handed on by mistake.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Why a file looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it looks like, in words: `a private key`.
    pub looks_like: &'static str,
    /// The line, from 1; none where the file's name says it.
    pub line: Option<u32>,
}

/// Names of files that hold secrets.
const NAMES: &[(&str, &str)] = &[
    (".env", "settings with passwords"),
    (".netrc", "a list of passwords"),
    ("_netrc", "a list of passwords"),
    (".pgpass", "a list of passwords"),
    (".htpasswd", "a list of passwords"),
    (".git-credentials", "a list of passwords"),
    (".npmrc", "settings with a token"),
    (".pypirc", "settings with a token"),
    (".dockercfg", "settings with a token"),
    ("credentials", "credentials"),
    ("credentials.json", "credentials"),
    ("client_secret.json", "credentials"),
    ("service-account.json", "credentials"),
    ("secrets.json", "credentials"),
    ("secrets.yaml", "credentials"),
    ("secrets.yml", "credentials"),
    ("secrets.toml", "credentials"),
    ("id_rsa", "a private key"),
    ("id_dsa", "a private key"),
    ("id_ecdsa", "a private key"),
    ("id_ed25519", "a private key"),
    ("terraform.tfstate", "a state with credentials"),
];

/// Endings of names of files that hold secrets.
const ENDINGS: &[(&str, &str)] = &[
    (".pem", "a key or certificate"),
    (".key", "a private key"),
    (".p12", "a key store"),
    (".pfx", "a key store"),
    (".jks", "a key store"),
    (".keystore", "a key store"),
    (".kdbx", "a list of passwords"),
    (".ovpn", "settings with a key"),
];

/// What secrets look like inside of files. Each has a shape of its own: words such as `password = ` are in every test.
const CONTENTS: &[(&str, &str)] = &[
    (
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*\n",
        "a private key",
    ),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an access key of AWS"),
    (
        r#"(?i)aws_secret_access_key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b"#,
        "a secret key of AWS",
    ),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", "a token of GitHub"),
    (r"\bgithub_pat_[A-Za-z0-9_]{60,}\b", "a token of GitHub"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}\b", "a token of GitLab"),
    (r"\bxox[abprs]-[A-Za-z0-9-]{20,}\b", "a token of Slack"),
    (r"\bsk_live_[A-Za-z0-9]{20,}\b", "a key of Stripe"),
    (
        r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{40,}\b",
        "a key of a model's API",
    ),
    (r"\bAIza[0-9A-Za-z_-]{35}\b", "a key of Google"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "a token of npm"),
    (
        r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
        "a token of PyPI",
    ),
    (
        r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\b",
        "a signed token",
    ),
    (
        r"\b[a-z][a-z0-9+]{2,12}://[^\s:/@'\x22<>${}]{1,60}:[^\s:/@'\x22<>${}*]{8,80}@[a-z0-9-]+\.[a-z0-9.-]+",
        "a URL with a password",
    ),
];

/// The patterns together, and each alone. They are over bytes and ASCII: words in Unicode take engines that are ten times slower.
static PATTERNS: LazyLock<Option<(RegexSet, Vec<Regex>)>> = LazyLock::new(|| {
    let set = RegexSetBuilder::new(CONTENTS.iter().map(|(pattern, _)| pattern))
        .unicode(false)
        .build()
        .ok()?;
    let each = CONTENTS
        .iter()
        .map(|(pattern, _)| RegexBuilder::new(pattern).unicode(false).build().ok())
        .collect::<Option<Vec<Regex>>>()?;
    Some((set, each))
});

/// Whether a file looks like a secret by its name.
#[must_use]
pub fn secret_by_name(path: &str) -> Option<Secret> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let named = |looks_like| Secret {
        looks_like,
        line: None,
    };
    // `.env.production` holds what `.env` does; `.env.example` is there to be read.
    if let Some(rest) = name.strip_prefix(".env.") {
        let example = ["example", "sample", "template", "dist", "defaults"];
        return (!example.contains(&rest)).then(|| named("settings with passwords"));
    }
    NAMES
        .iter()
        .find(|(secret, _)| *secret == name)
        .or_else(|| ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)))
        .map(|(_, looks_like)| named(looks_like))
}

/// Whether a file looks like a secret, by its name or by what is in it.
#[must_use]
pub fn secret(path: &str, content: &str) -> Option<Secret> {
    if let Some(secret) = secret_by_name(path) {
        return Some(secret);
    }
    let bytes = content.as_bytes();
    let (set, each) = PATTERNS.as_ref()?;
    set.matches(bytes).iter().find_map(|number| {
        let found = each
            .get(number)?
            .find_iter(bytes)
            .find(|found| !is_example(found.as_bytes()))?;
        let lines = bytes.get(..found.start())?.iter().filter(|&&b| b == b'\n');
        Some(Secret {
            looks_like: CONTENTS.get(number)?.1,
            line: u32::try_from(lines.count() + 1).ok(),
        })
    })
}

/// Whether a URL with a password is of the kind that documentation and tests have.
fn is_example(found: &[u8]) -> bool {
    const EXAMPLES: &[&str] = &[
        "example",
        "password",
        ":passwd",
        ":pass@",
        "localhost",
        "username",
    ];
    let text = String::from_utf8_lossy(found).to_ascii_lowercase();
    text.contains("://") && EXAMPLES.iter().any(|example| text.contains(example))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_regular_expressions() {
        assert!(PATTERNS.is_some());
    }

    #[test]
    fn secrets_are_seen() {
        let check = |path: &str, content: &str, expected: Option<(&str, Option<u32>)>| {
            let found = secret(path, content);
            let found = found.as_ref().map(|found| (found.looks_like, found.line));
            assert_eq!(found, expected, "{path}: {content}");
        };
        check("a/.env", "", Some(("settings with passwords", None)));
        check("a/.env.local", "", Some(("settings with passwords", None)));
        check("a/.env.example", "", None);
        check("deploy/server.KEY", "", Some(("a private key", None)));
        let key = concat!("x\n-----BEGIN RSA ", "PRIVATE KEY-----\nMII");
        check("a.txt", key, Some(("a private key", Some(2))));
        let aws = concat!("id = 'AKIA", "IOSFODNN7EXAMPLE'");
        check("a.py", aws, Some(("an access key of AWS", Some(1))));
        let url = concat!("postgres://admin:", "hunter2hunter2@db.internal.net/x");
        check("a.py", url, Some(("a URL with a password", Some(1))));
        check("a.py", "postgres://user:password@localhost/x", None);
        check("a.py", "postgres://{user}:{password}@db.example.com", None);
        check("a.py", "https://user:hunter2hunter2@example.com/", None);
        check("a.py", "password = 'hunter2'", None);
    }
}
