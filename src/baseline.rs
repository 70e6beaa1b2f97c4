//! Findings that are known, so that an old project can begin: hidden, counted, and told when they are gone.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, fingerprints};

/// The file of `whimbrel baseline`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// By fingerprint, which edits elsewhere do not change.
    findings: BTreeMap<String, Entry>,
}

/// For people who read the file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    rule: String,
    file: String,
}

impl Baseline {
    pub fn of(findings: &[Finding]) -> Self {
        let entry = |finding: &Finding| Entry { rule: finding.rule.to_owned(), file: finding.source.path().to_owned() };
        let findings = fingerprints(findings).into_iter().zip(findings.iter().map(entry)).collect();
        Baseline { version: 1, findings }
    }

    /// # Errors
    /// The file and what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {}", path.display(), error.kind()))?;
        let baseline: Baseline = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        match baseline.version {
            1 => Ok(baseline),
            other => Err(format!("{}: version {other} of a baseline is not known", path.display())),
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes the known findings out; gives how many they were, and how many entries no longer hide anything.
    pub fn hide(&self, findings: &mut Vec<Finding>) -> (usize, usize) {
        let prints = fingerprints(findings);
        let mut known = prints.iter().map(|print| self.findings.contains_key(print));
        let before = findings.len();
        findings.retain(|_| !known.next().unwrap_or(false));
        let hidden = before - findings.len();
        (hidden, self.findings.len().saturating_sub(hidden))
    }
}
