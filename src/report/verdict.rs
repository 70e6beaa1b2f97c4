//! What the plan says of each file, for reports that show findings and plan together.

use std::collections::BTreeMap;

use crate::Outcome;
use crate::config::Settings;
use crate::operation::Dialect;
use crate::plan::{EnvironmentPlan, MigrationPlan, Which, plans};

/// Every plan of an outcome.
pub struct Verdicts<'o>(Vec<EnvironmentPlan<'o>>);

impl<'o> Verdicts<'o> {
    pub fn new(outcome: &'o Outcome, settings: &Settings) -> Self {
        let planned = outcome.environments.iter().filter_map(|environment| plans(environment, settings, Which::Both, None).ok());
        Verdicts(planned.flatten().collect())
    }

    /// The plans by file: each database of each direction in it.
    pub fn by_file(&self) -> BTreeMap<&str, Vec<(Option<Dialect>, &MigrationPlan<'o>)>> {
        let mut out: BTreeMap<&str, Vec<(Option<Dialect>, &MigrationPlan<'o>)>> = BTreeMap::new();
        for plan in &self.0 {
            for migration in &plan.migrations {
                out.entry(migration.script.source.path()).or_default().push((plan.engine.dialect, migration));
            }
        }
        out
    }
}

/// The worst of the verdicts of one file.
pub fn worst<'p, 'o>(plans: &[(Option<Dialect>, &'p MigrationPlan<'o>)]) -> Option<&'p MigrationPlan<'o>> {
    plans.iter().map(|(_, plan)| *plan).max_by_key(|plan| plan.verdict.weight())
}
