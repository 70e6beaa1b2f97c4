//! What a rule found: where, what happens, and what to do about it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::{Source, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Severity {
    Note,
    Warning,
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Severity::Error),
            "warning" => Ok(Severity::Warning),
            "note" => Ok(Severity::Note),
            other => Err(format!("`{other}` is no severity: expected error, warning or note")),
        }
    }
}

/// Which way a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Up,
    Down,
}

/// A further place that belongs to a finding, such as the other of two heads.
#[derive(Clone, Debug)]
pub struct Label {
    pub source: Arc<Source>,
    pub span: Span,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's name, as in ignore comments and configuration.
    pub rule: &'static str,
    pub group: &'static str,
    pub severity: Severity,
    /// One sentence: what happens, to which object, to whom.
    pub message: String,
    /// The evidence, and what other rules would have added.
    pub notes: Vec<String>,
    /// Text that can be pasted.
    pub help: Option<String>,
    pub source: Arc<Source>,
    pub span: Span,
    /// The whole statement or call around `span`; an ignore comment above it counts.
    pub statement: Span,
    pub labels: Vec<Label>,
    /// The revision or version, where the finding belongs to one.
    pub revision: Option<String>,
    pub direction: Option<Direction>,
    /// The root of the environment.
    pub environment: String,
    pub fix: Option<Fix>,
}

/// A change of files that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Nothing but the finding changes; others want a look.
    pub safe: bool,
    pub description: String,
    pub edits: Vec<Edit>,
}

/// Replaces the bytes of `span` in `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub file: String,
    pub span: Span,
    pub text: String,
}

/// A name for each finding that stays the same while other lines move: its rule, its file, its statement without the
/// white space, and which one of several alike it is. Sixteen hexadecimal digits.
pub fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let one = |finding: &Finding| {
        let words: Vec<&str> = finding.source.slice(finding.statement).split_whitespace().collect();
        let direction = finding.direction.map_or("", |direction| if direction == Direction::Up { "up" } else { "down" });
        let parts = [finding.rule, finding.source.path(), direction, &words.join(" ")];
        let base = parts.iter().fold(FNV_OFFSET, |hash, part| fnv(fnv(hash, part.as_bytes()), &[0]));
        let count = seen.entry(base).or_default();
        *count += 1;
        format!("{:016x}", fnv(base, &count.to_le_bytes()))
    };
    findings.iter().map(one).collect()
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every machine and in every release, which Rust's own hashers do not promise.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Finding {
    /// Orders by place, then rule, so that output is the same on every run.
    pub fn sort_key(&self) -> (&str, Span, &'static str, &str) {
        (self.source.path(), self.span, self.rule, &self.message)
    }
}
