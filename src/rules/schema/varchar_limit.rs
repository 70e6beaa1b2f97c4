use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.column.data_type.as_ref().is_some_and(|kind| kind.name == "varchar" && !kind.modifiers.is_empty()) {
        found
            .at(new.at, format!("`{new}` has a limit that is part of its type: changing it later may rewrite the table"))
            .help("use text, and a CHECK on its length where there has to be a limit");
    }
});
