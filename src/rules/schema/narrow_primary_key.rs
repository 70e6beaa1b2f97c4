use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.is_key && (new.is_of_type("integer") || new.is_of_type("smallint")) {
        found
            .at(new.at, format!("`{new}` runs out at 2,147,483,647 or before: then no row can be added"))
            .help("use bigint from the start; changing it later rewrites the table and all that points to it");
    }
});
