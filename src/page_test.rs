//! Runs the examples of a rule's page: Bad yields this rule and no other, Good yields nothing at all.

use crate::config::{ConfigFile, Level, Overrides, Settings};
use crate::finding::Finding;
use crate::page::{File, Section};
use crate::rule::Rule;
use crate::{check, rules};

pub fn run(name: &str) {
    let rule = rules::find(name).expect("the rule is in the list");
    let sections = rule.page.sections();
    let titled = |title: &str| sections.iter().filter(|section| section.title.starts_with(title)).collect::<Vec<_>>();
    let (bad, good) = (titled("Bad"), titled("Good"));
    assert!(!bad.is_empty() && !good.is_empty(), "rules/{}/{name}.md needs `## Bad` and `## Good`", rule.group);
    for section in bad {
        let found = lint(rule, section);
        assert!(!found.is_empty(), "{name}: `{}` finds nothing", section.title);
        for finding in &found {
            assert_eq!(finding.rule, name, "{name}: `{}` also finds: {}", section.title, finding.message);
            assert!(!finding.source.slice(finding.span).trim().is_empty(), "{name}: the span is empty: {}", finding.message);
        }
    }
    for section in good {
        let found = lint(rule, section);
        let texts: Vec<String> = found.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect();
        assert!(texts.is_empty(), "{name}: `{}` finds {texts:#?}", section.title);
    }
}

fn lint(rule: &Rule, section: &Section<'_>) -> Vec<Finding> {
    assert!(!section.files.is_empty(), "{}: `{}` has no files", rule.name, section.title);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for File { path, text } in &section.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    // A page speaks of its first engine; one that speaks of all is run on PostgreSQL.
    // A `dialect` fence says otherwise, in the words of `--dialect`.
    let dialect = rule.page.dialects.first().copied().unwrap_or(crate::operation::Dialect::PostgreSql);
    let forced = section.blocks.iter().find(|(info, _)| *info == "dialect").map(|(_, text)| text.trim());
    let dialects = match forced {
        Some(list) => list.split(',').map(|name| name.trim().parse().expect("a dialect")).collect(),
        None => vec![dialect],
    };
    let mut file = ConfigFile::default();
    if !rule.page.on_by_default {
        file.severity.insert(rule.name.to_owned(), Level::Warning);
    }
    let overrides = Overrides { dialects, ..Overrides::default() };
    let settings = Settings::resolve(&file, None, &overrides).expect("settings");
    check(&[folder.path().to_owned()], &settings, &|| ()).expect("a run").findings
}

#[test]
fn pages_on_disk_equal_the_list() {
    let mut on_disk: Vec<String> = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"))
        .map(|entry| {
            let group = entry.path().parent().and_then(|folder| folder.file_name()).expect("a group");
            format!("{}/{}", group.to_string_lossy(), entry.path().file_stem().expect("a name").to_string_lossy())
        })
        .collect();
    let mut listed: Vec<String> = rules::all().iter().map(|rule| format!("{}/{}", rule.group, rule.name)).collect();
    on_disk.sort();
    listed.sort();
    assert_eq!(on_disk, listed);
}

#[test]
fn every_page_says_what_and_why() {
    for rule in rules::all() {
        let page = &rule.page;
        assert!(page.summary.ends_with('.'), "{}: the first line is a sentence", rule.name);
        assert!(!page.since.is_empty(), "{}: since which version?", rule.name);
        assert!(page.body().starts_with(&format!("# {}\n", rule.name)), "{}: the title is the name", rule.name);
        assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}: snake_case", rule.name);
    }
}
