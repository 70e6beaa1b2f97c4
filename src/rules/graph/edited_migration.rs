use crate::project::journal::Kind;
use crate::rule::Check;
use crate::rules::discord;

/// Against another revision of the repository the module `since` judges it; here, against the tool's own list of files.
pub const CHECK: Check = Check::Environment(|environment, found| discord::say(environment, Kind::Changed, found));
