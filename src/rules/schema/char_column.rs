use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.is_of_type("char") {
        found.at(new.at, format!("`{new}` is padded with blanks to its length")).help("use text or varchar");
    }
});
