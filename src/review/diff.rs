//! Which lines a pull request shows: forges take remarks on those alone.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
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
    /// The same before the change, where it was there under that or another name.
    pub old_path: Option<String>,
    shown: Vec<RangeInclusive<usize>>,
    /// Lines that did not change, with their number before the change.
    unchanged: BTreeMap<usize, usize>,
}

impl File {
    /// Whether all of these lines are shown, in one piece.
    pub fn holds(&self, lines: &RangeInclusive<usize>) -> bool {
        self.shown.iter().any(|shown| shown.contains(lines.start()) && shown.contains(lines.end()))
    }

    /// The number that an unchanged line had before; None for a new one.
    pub fn old_line(&self, line: usize) -> Option<usize> {
        self.unchanged.get(&line).copied()
    }
}

impl Lines {
    /// Reads what `git diff` prints below `top`, with names as they are (`core.quotePath=false`, `--no-prefix`).
    pub fn read(top: &Path, diff: &str) -> Self {
        let mut lines = Lines { top: top.to_owned(), files: BTreeMap::new() };
        let mut current: Option<&mut File> = None;
        let mut old_path = None;
        // What is left of the hunk: lines before the change, and after it.
        let (mut old, mut new) = (0..0, 0..0);
        for line in diff.lines() {
            if old.is_empty() && new.is_empty() {
                if let Some(path) = line.strip_prefix("--- ") {
                    old_path = Some(unquoted(path)).filter(|path| path != "/dev/null");
                } else if let Some(path) = line.strip_prefix("+++ ") {
                    let path = unquoted(path);
                    let file = lines.files.entry(path.clone()).or_default();
                    (file.path, file.old_path) = (path, old_path.take());
                    current = Some(file);
                } else if let (Some(file), Some(hunk)) = (current.as_deref_mut(), line.strip_prefix("@@ -"))
                    && let Some((before, after)) = hunk_lines(hunk)
                {
                    if !after.is_empty() {
                        file.shown.push(after.start..=after.end - 1);
                    }
                    (old, new) = (before, after);
                }
                continue;
            }
            match (line.as_bytes().first(), current.as_deref_mut()) {
                (Some(b'-'), _) => old.start += 1,
                (Some(b'+'), _) => new.start += 1,
                (Some(b'\\'), _) | (_, None) => {}
                (_, Some(file)) => {
                    file.unchanged.insert(new.start, old.start);
                    (old.start, new.start) = (old.start + 1, new.start + 1);
                }
            }
        }
        lines
    }

    /// The changed file behind a path as findings have it.
    pub fn file(&self, path: &str) -> Option<&File> {
        let absolute = crate::project::git::absolute(path);
        let below = absolute.strip_prefix(&self.top).ok()?;
        self.files.get(&below.to_string_lossy().replace('\\', "/"))
    }
}

/// A name as Git prints it: followed by a tab where it has white space, in quotes where it has some of its own.
fn unquoted(path: &str) -> String {
    let path = path.trim_end_matches('\t');
    match path.strip_prefix('"').and_then(|path| path.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => path.to_owned(),
    }
}

/// `12,3 +14,5 @@`: the lines 12 to 14 before, and 14 to 18 after.
fn hunk_lines(hunk: &str) -> Option<(Range<usize>, Range<usize>)> {
    let (old, new) = hunk.split_once(" +")?;
    let (new, _) = new.split_once(" @@")?;
    let range = |part: &str| {
        let (start, count) = part.split_once(',').unwrap_or((part, "1"));
        let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
        Some(start..start + count)
    };
    Some((range(old)?, range(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_tell_the_new_lines() {
        let diff = "diff --git a.sql a.sql\n--- old.sql\n+++ a.sql\n@@ -1,2 +1,4 @@ x\n a\n+b\n+++ b.sql\n b\n@@ -9 +11,0 @@\n-z\n\
                    diff --git b c\n--- /dev/null\n+++ mit Raum.sql\t\n@@ -0,0 +1 @@\n+x\n";
        let top = std::env::temp_dir().canonicalize().unwrap();
        let lines = Lines::read(&top, diff);
        let file = lines.file(&top.join("a.sql").to_string_lossy()).unwrap();
        let numbers = [1, 2, 4].map(|line| file.old_line(line));
        assert_eq!((file.old_path.as_deref(), numbers), (Some("old.sql"), [Some(1), None, Some(2)]));
        assert!(file.holds(&(1..=4)) && !file.holds(&(4..=5)) && !file.holds(&(11..=11)));
        assert!(lines.file(&top.join("mit Raum.sql").to_string_lossy()).unwrap().holds(&(1..=1)));
        assert!(lines.file(&top.join("other.sql").to_string_lossy()).is_none());
    }
}
