use crate::rule::Check;

/// Which ignores hid something is only known when all other rules have spoken.
pub const CHECK: Check = Check::Pipeline;
