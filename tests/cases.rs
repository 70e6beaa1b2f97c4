//! Markdown cases: every `##` is a project, its fences are files, and its `findings` fence says what is found.
//!
//! A line of `findings` is `FILE:LINE:COLUMN RULE words under the span`. A `dialect` fence forces dialects; `detected`
//! in it leaves them to the files.

mod support;

use std::fmt::Write;
use std::path::Path;

use support::{ROOT, check_json, project};
use whimbrel::page::{Section, sections};

fn block<'s>(section: &Section<'s>, name: &str) -> Option<&'s str> {
    section.blocks.iter().find(|(info, _)| *info == name).map(|(_, text)| *text)
}

/// What the binary finds, in the words of a `findings` fence.
fn found(section: &Section<'_>) -> String {
    let files: Vec<(&str, &str)> = section.files.iter().map(|file| (file.path, file.text)).collect();
    let folder = project(&files);
    let dialect = block(section, "dialect").map_or("postgresql", str::trim);
    let forced: &[&str] = if dialect == "detected" { &[] } else { &["--dialect", dialect] };
    let report = check_json(folder.path(), forced);
    let mut out = String::new();
    for finding in report["findings"].as_array().expect("findings") {
        let start = &finding["range"]["start"];
        let file = finding["file"].as_str().expect("a file");
        let text = std::fs::read_to_string(folder.path().join(file)).expect("text");
        let offset = |end: &str| finding["range"][end]["offset"].as_u64().expect("an offset") as usize;
        let words: Vec<&str> = text[offset("start")..offset("end")].split_whitespace().collect();
        let rule = finding["rule"].as_str().expect("a rule");
        writeln!(out, "{file}:{}:{} {rule} {}", start["line"], start["column"], words.join(" ")).expect("a string");
    }
    let opaque = &report["summary"]["opaque_statements"];
    if opaque != 0 {
        writeln!(out, "{opaque} not understood").expect("a string");
    }
    out
}

#[test]
fn cases() {
    let mut failures = String::new();
    let mut count = 0;
    for entry in walkdir::WalkDir::new(Path::new(ROOT).join("tests/cases")).sort_by_file_name() {
        let path = entry.expect("an entry").into_path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        for section in sections(&text) {
            count += 1;
            let expected =
                block(&section, "findings").unwrap_or_else(|| panic!("{}: {} has no findings", path.display(), section.title));
            let found = found(&section);
            if found != expected {
                let name = path.file_name().expect("a name").to_string_lossy();
                writeln!(failures, "{name}: {}\nexpected:\n{expected}found:\n{found}", section.title).expect("a string");
            }
        }
    }
    assert!(count > 15, "the cases are there: {count}");
    assert!(failures.is_empty(), "{failures}");
}
