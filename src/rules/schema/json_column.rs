use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.is_of_type("json") {
        found
            .at(new.at, format!("`{new}` keeps its text as it is: no operator compares it, and no index reads it"))
            .help("use jsonb");
    }
});
