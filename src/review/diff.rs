//! Which lines a pull request shows: forges take remarks on those alone.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The lines of the new texts that a difference shows, by file.
#[derive(Debug, Default)]
pub struct Lines {
    top: PathBuf,
    files: BTreeMap<String, File>,
}

/// One changed file.
#[derive(Debug, Default)]
pub struct File {
    /// From the top of the repository, with forward slashes.
    pub path: String,
    shown: Vec<RangeInclusive<usize>>,
}

impl File {
    /// Whether all of these lines are shown, in one piece.
    pub fn holds(&self, lines: &RangeInclusive<usize>) -> bool {
        self.shown.iter().any(|shown| shown.contains(lines.start()) && shown.contains(lines.end()))
    }
}

impl Lines {
    /// Reads what `git diff` prints below `top`, with names as they are (`core.quotePath=false`, `--no-prefix`).
    pub fn read(top: &Path, diff: &str) -> Self {
        let mut lines = Lines { top: top.to_owned(), files: BTreeMap::new() };
        let mut current: Option<&mut File> = None;
        for line in diff.lines() {
            if let Some(path) = line.strip_prefix("+++ ") {
                // Names with white space are followed by a tab.
                let path = path.trim_end_matches('\t');
                let file = lines.files.entry(path.to_owned()).or_default();
                path.clone_into(&mut file.path);
                current = Some(file);
            } else if let (Some(file), Some(hunk)) = (current.as_deref_mut(), line.strip_prefix("@@ -")) {
                file.shown.extend(new_lines(hunk));
            }
        }
        lines
    }

    /// The changed file behind a path as findings have it.
    pub fn file(&self, path: &str) -> Option<&File> {
        let absolute = std::path::absolute(path).ok()?;
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        let below = absolute.strip_prefix(&self.top).ok()?;
        self.files.get(&below.to_string_lossy().replace('\\', "/"))
    }
}

/// `12,3 +14,5 @@`: the lines 14 to 18.
fn new_lines(hunk: &str) -> Option<RangeInclusive<usize>> {
    let (_, new) = hunk.split_once(" +")?;
    let (new, _) = new.split_once(" @@")?;
    let (start, count) = new.split_once(',').unwrap_or((new, "1"));
    let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
    (count > 0).then(|| start..=start + count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_tell_the_new_lines() {
        let diff = "diff --git a.sql a.sql\n--- a.sql\n+++ a.sql\n@@ -1,2 +1,4 @@ x\n a\n+b\n@@ -9 +11,0 @@\n-z\n\
                    diff --git b c\n--- /dev/null\n+++ mit Raum.sql\t\n@@ -0,0 +1 @@\n+x\n";
        let top = std::env::temp_dir().canonicalize().unwrap();
        let lines = Lines::read(&top, diff);
        let file = lines.file(&top.join("a.sql").to_string_lossy()).unwrap();
        assert!(file.holds(&(1..=4)) && !file.holds(&(4..=5)) && !file.holds(&(11..=11)));
        assert!(lines.file(&top.join("mit Raum.sql").to_string_lossy()).unwrap().holds(&(1..=1)));
        assert!(lines.file(&top.join("other.sql").to_string_lossy()).is_none());
    }
}
