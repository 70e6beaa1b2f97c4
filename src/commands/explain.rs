//! `whimbrel explain`

use whimbrel::{report, rules};

use super::{Exit, Failure};

pub fn run(name: &str) -> Result<Exit, Failure> {
    let Some(rule) = rules::find(name) else {
        let shown = whimbrel::source::printable(name);
        return Err(match rules::nearest(name) {
            Some(near) => format!("there is no rule `{shown}`; did you mean `{near}`?"),
            None => format!("there is no rule `{shown}`; `whimbrel rules` lists them"),
        });
    };
    super::ignore_closed_pipe(report::page::write(rule, &mut std::io::stdout().lock()))?;
    Ok(Exit::Clean)
}
