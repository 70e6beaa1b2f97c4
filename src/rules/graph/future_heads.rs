use crate::rule::Check;

/// Needs another revision of the repository: the module `since` judges it.
pub const CHECK: Check = Check::Pipeline;
