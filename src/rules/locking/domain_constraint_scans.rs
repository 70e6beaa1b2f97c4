use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AlterDomain { name, .. } = &step.operation else { return };
    let tables: Vec<String> =
        before.effects().scans.keys().filter(|table| before.is_in_use(table)).map(|table| format!("`{table}`")).collect();
    if tables.is_empty() {
        return;
    }
    found
        .at(step.span, format!("writes to {} wait while every value of the domain `{name}` is checked", tables.join(", ")))
        .note("a constraint on a domain takes Share on every table that uses it, for a scan of each")
        .help("add it with NOT VALID for new values; ALTER DOMAIN … VALIDATE CONSTRAINT scans under the same lock, so run it when writes can wait");
});
