//! Where Alembic keeps its scripts: `alembic.ini` and `[tool.alembic]` in `pyproject.toml`.
//!
//! The reading follows Python's ConfigParser and Alembic's `Config`: sections inherit from `[DEFAULT]`,
//! `%(here)s` and other keys are interpolated, `path_separator` or the older `version_path_separator`
//! splits lists. Unlike ConfigParser it drops inline comments, which Alembic's own old template has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;

/// One `script_location`, as a section of a file gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub file: PathBuf,
    /// `alembic`, another section of the ini file, or `tool.alembic`.
    pub section: String,
    /// As written, after interpolation.
    pub script_location: String,
    /// Empty when it is left to `versions` below the script location.
    pub version_locations: Vec<String>,
    pub recursive: bool,
    pub url: Option<String>,
}

/// Every section of an ini file that locates scripts.
///
/// # Errors
/// What is wrong with the file's syntax.
pub fn read_ini(file: &Path, text: &str) -> Result<Vec<Config>, String> {
    let mut ini = Ini::new_cs();
    ini.set_default_section("DEFAULT");
    ini.set_multiline(true);
    ini.set_inline_comment_symbols(Some(&[]));
    let sections = ini.read(strip_inline_comments(text))?;
    let lowered = |values: &HashMap<String, Option<String>>| -> HashMap<String, String> {
        values.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone().unwrap_or_default())).collect()
    };
    let defaults = sections.get("DEFAULT").map(lowered).unwrap_or_default();
    let here = here(file);
    let mut out = Vec::new();
    let mut names: Vec<&String> = sections.keys().filter(|name| *name != "DEFAULT").collect();
    names.sort_by_key(|name| (name.as_str() != "alembic", name.as_str()));
    for name in names {
        let own = lowered(&sections[name]);
        let locates = ["script_location", "version_locations"].iter().any(|key| own.contains_key(*key));
        let inherits = defaults.contains_key("script_location") && (name == "alembic" || own.contains_key("sqlalchemy.url"));
        if !locates && !inherits {
            continue;
        }
        let mut values = defaults.clone();
        values.extend(own);
        values.insert("here".to_owned(), here.clone());
        let get = |key: &str| values.get(key).map(|value| interpolate(value, &values, 0));
        let Some(script_location) = get("script_location").filter(|location| !location.trim().is_empty()) else { continue };
        let separator = get("path_separator").or_else(|| get("version_path_separator"));
        let version_locations = get("version_locations").map(|list| split_paths(&list, separator.as_deref()));
        out.push(Config {
            file: file.to_owned(),
            section: name.clone(),
            script_location: script_location.trim().to_owned(),
            version_locations: version_locations.unwrap_or_default(),
            recursive: get("recursive_version_locations").is_some_and(|value| value.trim() == "true"),
            url: get("sqlalchemy.url").map(|url| unquote(url.trim()).to_owned()).filter(|url| !url.is_empty()),
        });
    }
    Ok(out)
}

/// `[tool.alembic]` of a pyproject.toml.
///
/// # Errors
/// What is wrong with the file's syntax.
pub fn read_pyproject(file: &Path, text: &str) -> Result<Option<Config>, String> {
    let document: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let Some(table) = document.get("tool").and_then(|tool| tool.get("alembic")).and_then(toml::Value::as_table) else {
        return Ok(None);
    };
    let values = HashMap::from([("here".to_owned(), here(file))]);
    let text = |value: &toml::Value| value.as_str().map(|value| interpolate(value, &values, 0));
    let Some(script_location) = table.get("script_location").and_then(text) else { return Ok(None) };
    let version_locations = match table.get("version_locations") {
        Some(toml::Value::Array(list)) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    Ok(Some(Config {
        file: file.to_owned(),
        section: "tool.alembic".to_owned(),
        script_location,
        version_locations,
        recursive: table.get("recursive_version_locations").and_then(toml::Value::as_bool).unwrap_or(false),
        url: table.get("sqlalchemy.url").and_then(text),
    }))
}

fn here(file: &Path) -> String {
    file.parent()
        .map(|folder| folder.to_string_lossy().into_owned())
        .filter(|folder| !folder.is_empty())
        .unwrap_or_else(|| ".".to_owned())
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// Drops ` # …` and ` ; …` behind a value; a `#` without a blank before it belongs to the value.
fn strip_inline_comments(text: &str) -> String {
    let strip = |line: &str| {
        // In a list of paths the semicolon may be the separator.
        let is_list = line.trim_start().starts_with("version_locations") || line.trim_start().starts_with("prepend_sys_path");
        let marks: &[&str] = if is_list { &[" #", "\t#"] } else { &[" #", "\t#", " ;", "\t;"] };
        let cut = marks.iter().filter_map(|mark| line.find(mark)).min();
        match cut {
            // A path separator is itself a semicolon.
            Some(at) if !line[..at].trim_end().ends_with(['=', ':']) => line[..at].trim_end().to_owned(),
            _ => line.to_owned(),
        }
    };
    text.trim_start_matches('\u{feff}').lines().map(strip).collect::<Vec<_>>().join("\n")
}

/// Replaces `%(key)s`, and `%%` by `%`, as deep as ConfigParser does.
fn interpolate(text: &str, values: &HashMap<String, String>, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else if let Some((key, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(")s")) {
            match values.get(&key.to_ascii_lowercase()).filter(|_| depth < 10) {
                Some(value) => out.push_str(&interpolate(value, values, depth + 1)),
                None => out.push_str(&format!("%({key})s")),
            }
            rest = after;
        } else {
            out.push('%');
        }
    }
    out.push_str(rest);
    out
}

fn split_paths(list: &str, separator: Option<&str>) -> Vec<String> {
    let parts: Vec<&str> = match separator.map(str::trim) {
        Some("space") => list.split(' ').collect(),
        Some("newline") => list.split('\n').collect(),
        Some("os") => list.split(if cfg!(windows) { ';' } else { ':' }).collect(),
        Some(":") => list.split(':').collect(),
        Some(";") => list.split(';').collect(),
        // Without the setting Alembic splits at commas and blanks.
        _ => list.split([',', ' ', '\n']).collect(),
    };
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Config> {
        read_ini(Path::new("/p/alembic.ini"), text).unwrap()
    }

    #[test]
    fn sections_inherit_and_interpolate() {
        let found = read(
            "[DEFAULT]\nscript_location = %(here)s/common\nroot = %(here)s/x\n\n[alembic]\n\n[users]\nversion_locations = %(root)s/a %(root)s/b\nsqlalchemy.url = postgresql://h/db%%20\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].script_location, "/p/common");
        assert_eq!(found[1].version_locations, ["/p/x/a", "/p/x/b"]);
        assert_eq!(found[1].url.as_deref(), Some("postgresql://h/db%20"));
    }

    #[test]
    fn every_separator_splits() {
        for (setting, list) in [("space", "a b"), (":", "a:b"), (";", "a;b"), ("newline", "a\n  b"), ("os  # comment", "a:b")] {
            let found =
                read(&format!("[alembic]\nscript_location = s\npath_separator = {setting}\nversion_locations = {list}\n"));
            assert_eq!(found[0].version_locations, ["a", "b"], "{setting}");
        }
        assert_eq!(read("[alembic]\nscript_location = s\nversion_locations = a, b c\n")[0].version_locations, ["a", "b", "c"]);
    }

    #[test]
    fn pyproject_has_a_table() {
        let found = read_pyproject(
            Path::new("/p/pyproject.toml"),
            "[tool.alembic]\nscript_location = \"%(here)s/m\"\nversion_locations = [\"a\"]\n",
        );
        assert_eq!(found.unwrap().unwrap().script_location, "/p/m");
    }
}
