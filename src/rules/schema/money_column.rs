use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if new.is_of_type("money") {
        found
            .at(
                new.at,
                format!("`{new}` is money: its currency is a setting of the server, and it has two decimals at most by that"),
            )
            .help("use numeric, and a column for the currency");
    }
});
