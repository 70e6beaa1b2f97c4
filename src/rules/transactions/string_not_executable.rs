use crate::rule::Check;
use crate::rules::mend;
use crate::source::Span;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !step.manner.plain_string {
        return;
    }
    let text = before.text(step.statement);
    let call = text.find("execute(").map(|at| at + "execute(".len()).filter(|_| text.ends_with(')'));
    let finding =
        found.at(step.statement, "SQLAlchemy 2 refuses to execute a plain string on a connection: ObjectNotExecutableError");
    let wrapped = call.map(|at| format!("{}sa.text({})", &text[..at], &text[at..]));
    finding.help(match &wrapped {
        Some(call) if !call.contains('\n') => call.clone(),
        _ => "wrap the string in sa.text(…), or use op.execute(…)".to_owned(),
    });
    // One argument only: parameters stay outside of text().
    let argument = call.map(|at| &text[at..text.len() - 1]).filter(|argument| is_one_string(argument));
    let source = &before.script.source;
    if let (Some(at), Some(argument)) = (call, argument)
        && mend::speaks_alembic(source, &["sa.".to_owned()])
    {
        let start = step.statement.start as usize + at;
        let edit = mend::edit(source, Span::new(start, start + argument.len()), format!("sa.text({argument})"));
        finding.fix(mend::safe("wrap the string in sa.text()", vec![edit]));
    }
});

/// A single literal, possibly of several adjacent ones.
fn is_one_string(argument: &str) -> bool {
    let argument = argument.trim().trim_end_matches(',');
    let quote = argument.trim_start_matches(['r', 'f', 'b', 'R', 'F']).chars().next();
    let Some(quote) = quote.filter(|quote| matches!(quote, '"' | '\'')) else { return false };
    argument.ends_with(quote)
        && !argument.contains(&format!("{quote},"))
        && !argument.contains(&format!("{quote} %"))
        && !argument.contains(&format!("{quote}."))
}
