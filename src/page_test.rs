//! Runs the examples of a rule's page: Bad yields this rule and no other, Good yields nothing at all.

use std::path::Path;

use crate::config::{ConfigFile, Level, Overrides, Settings};
use crate::finding::Finding;
use crate::page::Section;
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
    for section in bad_sections(&sections) {
        fixes_mend(rule, section);
    }
    for section in good {
        let found = lint(rule, section);
        let texts: Vec<String> = found.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect();
        assert!(texts.is_empty(), "{name}: `{}` finds {texts:#?}", section.title);
    }
}

fn bad_sections<'s, 'p>(sections: &'s [Section<'p>]) -> Vec<&'s Section<'p>> {
    sections.iter().filter(|section| section.title.starts_with("Bad")).collect()
}

/// Applied fixes leave files that can be read, and none of the findings that they were for.
fn fixes_mend(rule: &Rule, section: &Section<'_>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = lint_in(folder.path(), rule, section);
    let fixable = found.iter().filter(|finding| finding.fix.is_some()).count();
    let mending = crate::fix::mend(&found, true).expect("readable files");
    if fixable == 0 {
        assert!(mending.files.is_empty());
        return;
    }
    assert!(mending.fixed > 0, "{}: no fix leaves a file that can be read", rule.name);
    for mended in &mending.files {
        std::fs::write(&mended.file, &mended.after).expect("a file");
    }
    let left: Vec<Finding> = judge(folder.path(), rule, section);
    let same = left.iter().filter(|finding| finding.rule == rule.name).count();
    assert!(
        same + mending.fixed <= found.len(),
        "{}: fixed, and still found: {:#?}",
        rule.name,
        left.iter().map(|finding| &finding.message).collect::<Vec<_>>()
    );
    assert!(left.iter().all(|finding| finding.rule != "unreadable_file"), "{}: the fixed file cannot be read", rule.name);
}

fn lint(rule: &Rule, section: &Section<'_>) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    lint_in(folder.path(), rule, section)
}

fn lint_in(folder: &Path, rule: &Rule, section: &Section<'_>) -> Vec<Finding> {
    assert!(!section.files.is_empty(), "{}: `{}` has no files", rule.name, section.title);
    if needs_repository(section) {
        in_repository(folder, section);
        return judge(folder, rule, section);
    }
    section.files.iter().for_each(|file| write(folder, file.path, file.text));
    judge(folder, rule, section)
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Files under `main/` are committed before the branch leaves it, those under `theirs/` on main after that; the others
/// are the branch's.
fn needs_repository(section: &Section<'_>) -> bool {
    section.files.iter().any(|file| file.path.starts_with("main/"))
}

fn in_repository(folder: &Path, section: &Section<'_>) {
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=page", "-c", "user.email=page@example.org", "-c", "commit.gpgsign=false"];
        let run =
            std::process::Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).output().expect("Git runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    let commit = |prefix: &str| {
        for file in &section.files {
            if let Some(path) = file.path.strip_prefix(prefix) {
                write(folder, path, file.text);
            }
        }
        git(&["add", "-A"]);
        git(&["commit", "-q", "--allow-empty", "-m", "step"]);
    };
    git(&["init", "-q", "-b", "main"]);
    commit("main/");
    git(&["branch", "work"]);
    commit("theirs/");
    git(&["checkout", "-q", "work"]);
    for file in section.files.iter().filter(|file| !file.path.starts_with("main/") && !file.path.starts_with("theirs/")) {
        write(folder, file.path, file.text);
    }
}

fn judge(folder: &Path, rule: &Rule, section: &Section<'_>) -> Vec<Finding> {
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
    let paths = [folder.to_owned()];
    let outcome = match needs_repository(section) {
        true => crate::check_since(&paths, &settings, "main", &|| ()),
        false => check(&paths, &settings, &|| ()),
    };
    outcome.expect("a run").findings
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
