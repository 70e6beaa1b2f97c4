use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.is_of_type("timestamp") {
        found
            .at(new.at, format!("`{new}` keeps a time without its zone: what it means depends on who reads it"))
            .help("use timestamp with time zone; it takes no more room");
    }
});
