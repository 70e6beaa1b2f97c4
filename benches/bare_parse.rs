//! Only reads and parses the files below a folder, in parallel: the floor that compare.sh holds `check` against.

use rayon::prelude::*;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use whimbrel::operation::Dialect;
use whimbrel::source::Source;

/// As in `src/main.rs`, so that only the work differs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let files: Vec<_> = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).map(|entry| entry.into_path()).collect();
    let parsed: usize = whimbrel::with_deep_stack(|| files.par_iter().map(|path| parse(path)).sum());
    println!("{parsed} statements");
}

/// The number of statements that a file holds.
fn parse(path: &std::path::Path) -> usize {
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let Ok(text) = std::fs::read_to_string(path) else { return 0 };
    match extension.as_str() {
        "sql" => {
            let split = whimbrel::sql::split::split(&text, Some(Dialect::PostgreSql));
            split
                .statements
                .into_iter()
                .filter(|range| Parser::parse_sql(&PostgreSqlDialect {}, &text[range.clone()]).is_ok())
                .count()
        }
        "py" => whimbrel::alembic::python::parse(&Source::new("", text)).map_or(0, |module| module.len()),
        _ => 0,
    }
}
