use std::sync::LazyLock;

use memchr::memmem;

use crate::rule::{Check, Found};
use crate::source::{Source, Span};

pub const CHECK: Check = Check::File(|source, found| {
    let bytes = source.text().as_bytes();
    let holds = |needles: &[memmem::Finder<'_>]| needles.iter().any(|needle| needle.find(bytes).is_some());
    urls(source, found);
    if holds(&TOKEN_STARTS) {
        tokens(source, found);
    }
    if holds(&KEY_PARTS) {
        passwords(source, found);
    }
});

/// What a file with a token holds for certain; most files hold none and are done.
static TOKEN_STARTS: LazyLock<Vec<memmem::Finder<'static>>> =
    LazyLock::new(|| TOKENS.iter().map(|(prefix, ..)| memmem::Finder::new(*prefix)).collect());

/// The same for passwords, in both cases.
static KEY_PARTS: LazyLock<Vec<memmem::Finder<'static>>> = LazyLock::new(|| {
    let parts =
        ["assw", "ASSW", "dentified", "DENTIFIED", "ecret", "ECRET", "pi_key", "PI_KEY", "pikey", "PIKEY", "_token", "_TOKEN"];
    parts.into_iter().map(memmem::Finder::new).collect()
});

/// `scheme://user:password@host`.
fn urls(source: &Source, found: &mut Found<'_>) {
    let text = source.text();
    for at in memchr::memmem::find_iter(text.as_bytes(), b"://") {
        let rest = &text[at + 3..];
        let authority = &rest
            [..rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/' | '`' | '<' | '>')).unwrap_or(rest.len())];
        let Some((credentials, _)) = authority.rsplit_once('@') else { continue };
        let Some((_, password)) = credentials.split_once(':') else { continue };
        if is_secret(password) {
            let start = at + 3 + credentials.len() - password.len();
            report(found, Span::new(start, start + password.len()), "a URL with a password");
        }
    }
}

/// Tokens whose first letters say what they are, with the length that follows at least.
const TOKENS: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "an AWS access key"),
    ("ghp_", 30, "a GitHub token"),
    ("github_pat_", 30, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("AIza", 35, "a Google API key"),
    ("-----BEGIN RSA PRIVATE KEY-----", 0, "a private key"),
    ("-----BEGIN PRIVATE KEY-----", 0, "a private key"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", 0, "a private key"),
    ("-----BEGIN EC PRIVATE KEY-----", 0, "a private key"),
];

fn tokens(source: &Source, found: &mut Found<'_>) {
    let text = source.text();
    for (prefix, length, what) in TOKENS {
        for at in memchr::memmem::find_iter(text.as_bytes(), prefix.as_bytes()) {
            let rest = &text[at + prefix.len()..];
            let tail = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
            let starts_word = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            if starts_word && tail >= *length && !is_sample(&rest[..tail]) {
                report(found, Span::new(at, at + prefix.len() + if *length == 0 { 0 } else { tail }), what);
            }
        }
    }
}

/// `PASSWORD 'x'` and `IDENTIFIED BY 'x'` in SQL; `password = "x"` and `api_key="x"` in Python.
const KEYS: &[&str] =
    &["password", "passwd", "identified by", "secret_key", "api_key", "apikey", "auth_token", "access_token", "secret"];

fn passwords(source: &Source, found: &mut Found<'_>) {
    let text = source.text();
    let lower = text.to_ascii_lowercase();
    let mut last = 0;
    for key in KEYS {
        for at in memchr::memmem::find_iter(lower.as_bytes(), key.as_bytes()) {
            let behind = at + key.len();
            let rest = &text[behind..];
            let between = &rest[..rest.find(['\'', '"']).unwrap_or(rest.len())];
            let in_sql = between.trim().is_empty()
                && !between.is_empty()
                && !between.contains('\n')
                && matches!(*key, "password" | "identified by");
            let assigned = matches!(between.trim(), "=") && !between.contains('\n');
            if !in_sql && !assigned {
                continue;
            }
            let open = behind + between.len();
            let Some(quote) = text[open..].chars().next() else { continue };
            let Some(length) = text[open + 1..].find(quote) else { continue };
            let value = &text[open + 1..open + 1 + length];
            let in_code = !is_comment(text, at);
            if in_code && open >= last && is_secret(value) && !value.contains(char::is_whitespace) {
                last = open + length;
                report(found, Span::new(open + 1, open + 1 + length), "a password");
            }
        }
    }
}

fn is_comment(text: &str, at: usize) -> bool {
    let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
    line.trim_start().starts_with('#') || line.contains("--")
}

/// Whether a value could open something: no placeholder, no parameter, no name of a variable.
fn is_secret(value: &str) -> bool {
    let plain = value.trim().to_ascii_lowercase();
    let placeholders = [
        "pass",
        "password",
        "passwd",
        "pwd",
        "secret",
        "changeme",
        "change_me",
        "change-me",
        "example",
        "postgres",
        "mysql",
        "root",
        "test",
        "admin",
        "user",
        "dummy",
        "placeholder",
        "none",
        "null",
        "token",
        "string",
        "text",
        "varchar",
        "hash",
        "your_password",
        "yourpassword",
        "xxx",
        "***",
        "key",
        "value",
        "default",
        "scrypt",
        "bcrypt",
        "argon2",
    ];
    plain.len() >= 4
        && !placeholders.contains(&plain.as_str())
        && !plain.starts_with(['$', '{', '%', '<', ':', '[', '*'])
        && !plain.contains("${")
        && !plain.contains("{{")
        && !plain.contains('{')
        && !plain.contains("_hash")
        && !plain.chars().all(|c| c == plain.chars().next().unwrap_or(c))
        && !is_column_name(&plain)
}

/// `password_reset_token`: words joined by underscores name a column, not a secret.
fn is_column_name(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && (value.contains("password") || value.contains("secret") || value.contains('_'))
}

fn is_sample(tail: &str) -> bool {
    tail.to_ascii_uppercase().contains("EXAMPLE") || tail.chars().all(|c| tail.starts_with(c))
}

fn report(found: &mut Found<'_>, span: Span, what: &str) {
    found
        .at(span, format!("{what} is written here and stays in the repository's history for good"))
        .note("migrations are never edited once they ran, so it cannot be taken out later either")
        .help("read it from the environment when the migration runs, and change it now: it has been published");
}
