//! PostgreSQL 10 to 18. What is said here was measured on those majors.

use super::Effects;
use crate::operation::{Operation, ReindexTarget};

pub fn effects(operation: &Operation, major: u32) -> Effects {
    Effects { refuses_transaction: refuses_transaction(operation, major) }
}

/// The statements that raise SQLSTATE 25001 in a transaction block. PostgreSQL checks this before it looks
/// up names and before `IF [NOT] EXISTS`.
fn refuses_transaction(operation: &Operation, major: u32) -> bool {
    match operation {
        Operation::CreateIndex(index) => index.concurrently,
        Operation::DropIndex { concurrently, .. } | Operation::DetachPartition { concurrently, .. } => *concurrently,
        Operation::Reindex { target, concurrently, .. } => {
            *concurrently || matches!(target, ReindexTarget::Schema | ReindexTarget::Database | ReindexTarget::System)
        }
        // From 12 on only the use of the new value has to wait for the commit.
        Operation::AddEnumValue { .. } => major < 12,
        Operation::Other { kind, .. } => {
            matches!(*kind, "vacuum" | "create_database" | "drop_database" | "create_tablespace" | "create_subscription")
        }
        _ => false,
    }
}
