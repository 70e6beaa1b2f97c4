use crate::rule::Check;
use crate::rules::mend;
use crate::source::Span;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !step.manner.plain_string || before.environment.has_old_sqlalchemy {
        return;
    }
    let source = &before.script.source;
    // Such places are the driver's; text() knows :name.
    let for_driver = ["%s", "%("].iter().any(|place| source.slice(step.statement).contains(place));
    let literal = literal_around(source.text(), step.statement).filter(|_| !for_driver);
    let finding =
        found.at(step.statement, "SQLAlchemy 2 refuses to execute a plain string on a connection: ObjectNotExecutableError");
    let wrapped = literal.map(|literal| format!("sa.text({})", source.slice(literal)));
    finding.help(match &wrapped {
        _ if for_driver => "hand it to the driver, whose places for values it has: connection.exec_driver_sql(…)".to_owned(),
        Some(call) if !call.contains('\n') => call.clone(),
        _ => "wrap the string in sa.text(…), or use op.execute(…)".to_owned(),
    });
    if let (Some(literal), Some(wrapped)) = (literal, wrapped)
        && mend::speaks_alembic(source, &["sa.".to_owned()])
    {
        finding.fix(mend::safe("wrap the string in sa.text()", vec![mend::edit(source, literal, wrapped)]));
    }
});

/// The literal, or several in a row, that a call's only or first argument is, around the SQL in it.
fn literal_around(text: &str, sql: Span) -> Option<Span> {
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let before = text[..sql.start as usize].trim_end_matches(is_quote);
    let start = before.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let end = text.len() - text[sql.end as usize..].trim_start_matches(is_quote).len();
    // Nothing else may be part of the argument.
    let opens = text[..start].trim_end().ends_with('(');
    let closes = text[end..].trim_start().starts_with([')', ',']);
    let quoted = start < sql.start as usize && end > sql.end as usize;
    (opens && closes && quoted).then(|| Span::new(start, end))
}
