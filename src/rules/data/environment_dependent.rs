use crate::rule::Check;
use crate::source::Span;

/// What gives another answer tomorrow, or on another machine.
const READS: &[(&str, &str)] = &[
    ("os.environ", "an environment variable"),
    ("os.getenv(", "an environment variable"),
    ("datetime.now(", "the clock"),
    ("datetime.utcnow(", "the clock"),
    ("datetime.today(", "the clock"),
    ("date.today(", "the clock"),
];

pub const CHECK: Check = Check::File(|source, found| {
    if !source.path().ends_with(".py") {
        return;
    }
    for (words, what) in READS {
        let Some(at) = memchr::memmem::find(source.text().as_bytes(), words.as_bytes()) else { continue };
        let line = source.text()[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = &source.text()[line..at];
        // Not in a comment or a string; what the metadata reads is unreadable_metadata's.
        let in_string = before.matches('"').count() % 2 == 1 || before.matches('\'').count() % 2 == 1;
        let is_metadata = before.starts_with("revision") || before.starts_with("down_revision");
        let is_part = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if in_string || is_metadata || is_part || before.contains('#') {
            continue;
        }
        found
            .at(
                Span::new(at, at + words.trim_end_matches('(').len()),
                format!("the migration reads {what}: it does not do the same everywhere and every time"),
            )
            .help("write the value down, or take it from the database: CURRENT_TIMESTAMP");
        return;
    }
});
