//! What a rule found: where, what happens, and what to do about it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::{Source, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl Finding {
    /// Orders by place, then rule, so that output is the same on every run.
    pub fn sort_key(&self) -> (&str, Span, &'static str, &str) {
        (self.source.path(), self.span, self.rule, &self.message)
    }
}
