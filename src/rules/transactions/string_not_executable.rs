use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !step.manner.plain_string {
        return;
    }
    let text = before.text(step.statement);
    let sqlalchemy_text = text.find("execute(").map(|at| format!("{}sa.text({}", &text[..at + 8], &text[at + 8..]));
    found
        .at(step.statement, "SQLAlchemy 2 refuses to execute a plain string on a connection: ObjectNotExecutableError")
        .help(match sqlalchemy_text {
            Some(call) if !call.contains('\n') => format!("{call})"),
            _ => "wrap the string in sa.text(…), or use op.execute(…)".to_owned(),
        });
});
