//! Everything that changes neither columns nor constraints: one line of data a kind.

use super::Model;
use crate::operation::{LockMode, Name};
use crate::schema::{Kind, Table};

use LockMode::{AccessExclusive, AccessShare, RowExclusive, ShareRowExclusive, ShareUpdateExclusive};

/// Whether children and partitions are locked too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Alone,
    Family,
}

use Reach::{Alone, Family};

/// The lock that each kind takes on its table, view or sequence.
const LOCKS: &[(&str, LockMode, Reach)] = &[
    ("set_statistics", ShareUpdateExclusive, Family),
    ("set_column_options", ShareUpdateExclusive, Alone),
    ("set_storage_parameters", ShareUpdateExclusive, Alone),
    ("cluster_on", ShareUpdateExclusive, Alone),
    ("set_without_cluster", ShareUpdateExclusive, Alone),
    ("comment", ShareUpdateExclusive, Alone),
    ("create_statistics", ShareUpdateExclusive, Alone),
    ("create_publication", ShareUpdateExclusive, Alone),
    ("alter_publication", ShareUpdateExclusive, Alone),
    ("alter_publication_drop", ShareUpdateExclusive, Alone),
    ("enable_trigger", ShareRowExclusive, Alone),
    ("disable_trigger", ShareRowExclusive, Alone),
    ("alter_sequence", ShareRowExclusive, Alone),
    ("sequence_persistence", AccessExclusive, Alone),
    ("comment_on_part", AccessShare, Alone),
    ("copy", RowExclusive, Family),
    ("set_storage", AccessExclusive, Family),
    ("set_compression", AccessExclusive, Family),
    ("owner", AccessExclusive, Alone),
    ("replica_identity", AccessExclusive, Alone),
    ("enable_row_security", AccessExclusive, Alone),
    ("disable_row_security", AccessExclusive, Alone),
    ("force_row_security", AccessExclusive, Alone),
    ("no_force_row_security", AccessExclusive, Alone),
    ("set_without_oids", AccessExclusive, Family),
    ("set_with_oids", AccessExclusive, Family),
    ("set_access_method", AccessExclusive, Alone),
    ("set_tablespace", AccessExclusive, Alone),
    ("set_logged", AccessExclusive, Alone),
    ("set_unlogged", AccessExclusive, Alone),
    ("alter_rule", AccessExclusive, Alone),
    ("alter_identity", AccessExclusive, Alone),
    ("drop_identity", AccessExclusive, Alone),
    ("drop_expression", AccessExclusive, Family),
    ("set_expression", AccessExclusive, Family),
    ("of_type", AccessExclusive, Alone),
    ("not_of_type", AccessExclusive, Alone),
    ("alter_constraint", AccessExclusive, Alone),
    ("create_policy", AccessExclusive, Alone),
    ("alter_policy", AccessExclusive, Alone),
    ("drop_policy", AccessExclusive, Alone),
    ("create_rule", AccessExclusive, Alone),
    ("drop_rule", AccessExclusive, Alone),
    ("rename_trigger", AccessExclusive, Alone),
    ("rename_rule", AccessExclusive, Alone),
    ("rename_sequence", AccessExclusive, Alone),
    ("move_sequence", AccessExclusive, Alone),
    ("alter_view", AccessExclusive, Alone),
    ("set_view_options", AccessExclusive, Alone),
];

impl Model<'_> {
    pub(super) fn attribute(&mut self, kind: &str, table: Option<&Name>, name: Option<&str>) {
        match kind {
            "drop_enum_value" => return self.fail("PostgreSQL cannot drop the value of an enum"),
            "set_index_tablespace" => {
                self.effects.index_rebuilds.extend(name.map(str::to_owned));
                return;
            }
            "attach_index" => return self.attach_index(name),
            "move_all_tables" => return self.move_all_tables(),
            "drop_statistics" if self.major >= 12 => return self.drop_statistics(name),
            _ => {}
        }
        let Some(table) = table else { return };
        if matches!(kind, "grant" | "revoke") && self.major >= 18 {
            return self.lock(table, AccessShare);
        }
        if kind == "copy_to" {
            if self.major < 13 {
                return self.scan(table, "it is read in full");
            }
            return self.read(table, AccessShare, true);
        }
        if kind == "drop_policy" && self.policy_is_missing(table, name) {
            return;
        }
        let Some((_, mode, reach)) = LOCKS.iter().find(|(known, ..)| *known == kind) else { return };
        match reach {
            Alone => self.lock(table, *mode),
            Family => self.lock_family(table, *mode),
        }
        self.more_of(kind, table, name);
    }

    /// What a kind does beyond its lock.
    fn more_of(&mut self, kind: &str, table: &Name, name: Option<&str>) {
        let known = self.schema.table(table);
        match kind {
            "owner" => {
                if let Some(known) = known.filter(|_| name != Some("current_user")) {
                    self.lock_sequences(known, AccessExclusive);
                }
            }
            "set_view_options" if known.is_some_and(|known| known.kind == Kind::MaterializedView) => {
                self.effects.locks.insert(super::in_public(table), ShareUpdateExclusive);
            }
            "set_storage_parameters" => {
                if known.is_some_and(|known| known.kind == Kind::PartitionedTable) {
                    return self.fail(format!("the partitioned table `{table}` has no storage parameters"));
                }
                if name.is_some_and(|options| options.contains("user_catalog_table")) {
                    self.lock(table, AccessExclusive);
                }
            }
            "alter_identity" | "drop_identity" => self.identity(kind, table, name),
            "set_logged" | "set_unlogged" => self.change_persistence(kind == "set_unlogged", table),
            "set_with_oids" => self.rewrite_stored(table, "each row gets an oid"),
            "set_tablespace" if name != Some("pg_default") && known.is_none_or(|known| known.has_storage()) => {
                self.move_files(table, known);
            }
            "set_access_method" if !matches!(name, Some("heap" | "default")) => {
                self.rewrite_stored(table, "the rows are stored by another access method")
            }
            "set_expression" => {
                let stored = name.and_then(|name| known?.column(name)?.default.clone());
                let is_virtual = matches!(stored, Some(crate::operation::Default::Generated { stored: Some(false), .. }));
                if !is_virtual {
                    self.rewrite_stored(table, "the generated column is computed anew for each row");
                }
            }
            "drop_expression" => {
                let column = name.and_then(|name| known?.column(name));
                if column.is_some_and(|column| column.generated_from().is_none()) && !self.wording.if_exists {
                    self.fail(format!("`{}` is no generated column", name.unwrap_or_default()));
                }
            }
            "of_type" => {
                if let Some(of) = name.filter(|of| self.schema.has_type(&Name::new(*of))) {
                    self.lock(&Name::new(of), AccessShare);
                }
            }
            "not_of_type" if known.is_some_and(|known| known.created_in.is_some() && known.ties().of_type.is_none()) => {
                self.fail(format!("`{table}` is not a table of a type"));
            }
            "alter_constraint" if self.wording.needs.is_some() => {
                let key = name.and_then(|name| known?.constraint(name));
                let target = key.and_then(|key| self.schema.relation(key.references.as_ref()?.0));
                let Some((key, target)) = key.zip(target) else { return };
                // From then on the rows are checked, as by ADD FOREIGN KEY; the other way, triggers go.
                match key.enforced {
                    true => self.lock(&target.name, AccessExclusive),
                    false => {
                        self.lock(&target.name, ShareRowExclusive);
                        self.scan_stored(table, "the foreign key of each row is checked");
                        self.scan_stored(&target.name, "the foreign key of each row is checked");
                    }
                }
            }
            _ => {}
        }
    }

    /// `ALTER TABLE ALL IN TABLESPACE`: no table is known to be in another one than the default.
    fn move_all_tables(&mut self) {
        let tables: Vec<&Table> = self.schema.tables().filter(|table| !table.is_view()).collect();
        for table in tables {
            self.lock(&table.name, AccessExclusive);
            if table.has_storage() {
                self.move_files(&table.name, Some(table));
            }
        }
    }

    /// The files are copied as they are: no row is read, and the indexes stay where they are.
    fn move_files(&mut self, name: &Name, table: Option<&Table>) {
        self.effects.rewrites.insert(super::in_public(name), "the table is copied to another tablespace".to_owned());
        let indexes = table.map(Table::indexes).unwrap_or_default();
        self.recreated.extend(indexes.into_iter().map(|index| index.name.clone()));
    }

    fn policy_is_missing(&mut self, table: &Name, policy: Option<&str>) -> bool {
        let Some(known) = self.schema.table(table).filter(|known| known.created_in.is_some()) else { return false };
        !known.ties().policies.iter().any(|known| Some(known.as_str()) == policy)
    }

    fn identity(&mut self, kind: &str, table: &Name, column: Option<&str>) {
        let Some((known, found)) = column.and_then(|column| self.known_column(table, column)) else { return };
        let Some(sequence) = &found.sequence else {
            if kind == "alter_identity" || !self.wording.if_exists {
                self.fail(format!("`{}` is no identity column", found.name));
            }
            return;
        };
        let mode = if kind == "drop_identity" { AccessExclusive } else { ShareRowExclusive };
        let sequence = Name::with_schema(known.name.schema.clone(), sequence.as_str());
        self.lock(&sequence, mode);
        if kind == "drop_identity" {
            self.drops(format!("rel S {}", super::in_public(&sequence)));
        }
    }

    /// SET LOGGED and SET UNLOGGED write the table anew, when it is not that already.
    fn change_persistence(&mut self, unlogged: bool, table: &Name) {
        let Some(known) = self.schema.table(table) else {
            return self.rewrite_stored(table, "the table is written anew");
        };
        if known.unlogged == unlogged {
            return;
        }
        let other = match unlogged {
            true => self.schema.references_to(known).map(|(from, _)| from).find(|from| !from.unlogged && from.id != known.id),
            false => self.schema.references_from(known).map(|(_, target)| target).find(|target| target.unlogged),
        };
        if let Some(other) = other {
            return self.fail(format!("a foreign key ties `{table}` to `{}`, which is not changed along", other.name));
        }
        if known.kind == Kind::PartitionedTable {
            if self.major >= 18 {
                self.fail(format!("`{table}` is partitioned: say so of each of its partitions"));
            }
            return;
        }
        let why = if unlogged { "the table is written anew, unlogged" } else { "the table is written anew, and into the log" };
        self.rewrite(table, why);
    }

    /// The partition of the attached index, and its parent.
    fn attach_index(&mut self, part: Option<&str>) {
        let Some((table, _)) = part.and_then(|part| self.schema.index(&Name::new(part))) else { return };
        self.lock(&table.name, AccessShare);
        for parent in self.schema.parents(table) {
            self.lock(&parent.name, AccessShare);
        }
    }

    fn drop_statistics(&mut self, name: Option<&str>) {
        let of = |table: &&crate::schema::Table| table.ties().statistics.iter().any(|known| Some(known.as_str()) == name);
        let Some(table) = self.schema.tables().find(of) else { return };
        self.lock(&table.name, ShareUpdateExclusive);
    }
}
