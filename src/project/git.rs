//! What Git says of a project's files: which are new since a revision, which were changed, what that revision holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a file stands against the common ancestor with a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Modified,
    Deleted,
    RenamedFrom(PathBuf),
}

/// A repository seen from a revision.
#[derive(Debug)]
pub struct Since {
    /// The top of the work tree.
    pub top: PathBuf,
    pub revision: String,
    /// The commit that this branch and the revision have in common.
    pub base: String,
    /// By absolute path.
    pub changes: BTreeMap<PathBuf, Change>,
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output =
        Command::new("git").arg("-C").arg(folder).args(arguments).output().map_err(|error| format!("git: {}", error.kind()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// A path as Git has it, which says where a link leads to.
pub fn absolute(path: &str) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    path.canonicalize().unwrap_or(path)
}

/// The top of the work tree around a folder.
///
/// # Errors
/// There is none.
pub fn top(folder: &Path) -> Result<PathBuf, String> {
    let top =
        git(folder, &["rev-parse", "--show-toplevel"]).map_err(|reason| format!("--since needs a Git repository: {reason}"))?;
    Ok(PathBuf::from(top.trim_end()))
}

impl Since {
    /// Asks Git, from `folder` on.
    ///
    /// # Errors
    /// No repository, no such revision, or a clone too shallow to know what is new, with what to fetch.
    pub fn new(folder: &Path, revision: &str) -> Result<Self, String> {
        let top = top(folder)?;
        let commit = format!("{revision}^{{commit}}");
        if revision.starts_with('-') || git(&top, &["rev-parse", "--verify", "--quiet", &commit]).is_err() {
            return Err(format!(
                "Git knows no revision `{revision}`; in CI, fetch it first: git fetch --depth=100 origin {revision}"
            ));
        }
        let base = git(&top, &["merge-base", &commit, "HEAD"]).map_err(|_| {
            format!("this clone is too shallow to know what is new since `{revision}`: git fetch --unshallow, or fetch-depth: 0 in actions/checkout")
        })?;
        let base = base.trim_end().to_owned();
        let mut changes = BTreeMap::new();
        let listed = git(&top, &["diff", "--name-status", "-M", "-z", &base, "--"])?;
        let mut parts = listed.split('\0');
        while let (Some(status), Some(path)) = (parts.next().filter(|status| !status.is_empty()), parts.next()) {
            let change = match status.as_bytes().first() {
                Some(b'A') => Change::Added,
                Some(b'D') => Change::Deleted,
                Some(b'R' | b'C') => {
                    let Some(to) = parts.next() else { break };
                    changes.insert(top.join(to), Change::RenamedFrom(top.join(path)));
                    continue;
                }
                _ => Change::Modified,
            };
            changes.insert(top.join(path), change);
        }
        for path in git(&top, &["ls-files", "--others", "--exclude-standard", "-z"])?.split('\0').filter(|path| !path.is_empty())
        {
            changes.insert(top.join(path), Change::Added);
        }
        Ok(Since { top, revision: revision.to_owned(), base, changes })
    }

    /// What changed since the common ancestor, with the lines around it that forges show too.
    ///
    /// # Errors
    /// What Git says.
    pub fn diff(&self) -> Result<String, String> {
        let plain = ["-c", "core.quotePath=false", "diff", "--no-color", "--no-ext-diff", "--no-prefix", "-M", "-U3"];
        git(&self.top, &[&plain[..], &[&self.base, "--"]].concat())
    }

    /// The revision as a message names it: a branch as it is, the hash of a commit as short as Git shows it.
    pub fn name(&self) -> &str {
        let is_hash = self.revision.len() >= 40 && self.revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { &self.revision[..10] } else { &self.revision }
    }

    /// The files below a folder as the revision itself has them, with their texts.
    pub fn files_of_revision(&self, folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
        self.files_at(&self.revision, folder, ending)
    }

    /// The names of the files below a folder at the common ancestor.
    pub fn names_at_base(&self, folder: &Path) -> Vec<PathBuf> {
        self.names(&self.base, folder)
    }

    fn names(&self, commit: &str, folder: &Path) -> Vec<PathBuf> {
        let Ok(below) = folder.strip_prefix(&self.top) else { return Vec::new() };
        let below = below.to_string_lossy();
        let listed =
            git(&self.top, &["ls-tree", "-r", "--name-only", "-z", commit, "--", if below.is_empty() { "." } else { &below }]);
        listed.unwrap_or_default().split('\0').filter(|path| !path.is_empty()).map(|path| self.top.join(path)).collect()
    }

    fn files_at(&self, commit: &str, folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
        let names = self.names(commit, folder).into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
        let read = |path: PathBuf| {
            let inside = path.strip_prefix(&self.top).ok()?.to_string_lossy().into_owned();
            Some((path, git(&self.top, &["show", &format!("{commit}:{inside}")]).ok()?))
        };
        names.filter_map(read).collect()
    }
}
