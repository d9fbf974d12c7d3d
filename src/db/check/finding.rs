//! A finding: something that is not as it should be, how bad it is, and how to mend it.

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A build fails, or something is open that must not be.
    Error,
    /// Works today, but somebody should look.
    Warning,
    /// Worth knowing.
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A name that stays the same, for scripts.
    pub code: &'static str,
    /// What it is about: a table, a role, a page.
    pub subject: String,
    pub message: String,
    /// What to do, in words.
    pub mend: Option<String>,
    /// The statements that mend it, where SQL does.
    pub sql: Option<String>,
}

impl Finding {
    pub fn error(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, subject, message)
    }

    pub fn warning(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, subject, message)
    }

    pub fn note(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Note, code, subject, message)
    }

    pub fn new(
        level: Level,
        code: Code,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (subject, message) = (subject.into(), message.into());
        Self { level, code: code.name(), subject, message, mend: None, sql: None }
    }

    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    #[must_use]
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.sql = Some(sql.into());
        self
    }
}

macro_rules! codes {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// Every kind of finding, with the name that scripts see.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

codes! {
    RoleMissing = "role-missing",
    RoleNotGranted = "role-not-granted",
    RoleAboveRules = "role-above-rules",
    RoleOwnsTable = "role-owns-table",
    NotMigrated = "not-migrated",
    MigrationPending = "migration-pending",
    MigrationChanged = "migration-changed",
    MigrationUnknown = "migration-unknown",
    MigrationSkipped = "migration-skipped",
    MigrationsUnreadable = "migrations-unreadable",
    TableMissing = "table-missing",
    ColumnMissing = "column-missing",
    ColumnType = "column-type",
    IndexMissing = "index-missing",
    IndexInvalid = "index-invalid",
    TriggerMissing = "trigger-missing",
    CollectionMissing = "collection-missing",
    CollectionUnreadable = "collection-unreadable",
    CollectionColumn = "collection-column",
    SchemaClosed = "schema-closed",
    GrantMissing = "grant-missing",
    RlsOff = "rls-off",
    PolicyMissing = "policy-missing",
    EngineOpen = "engine-open",
    DraftsVisible = "drafts-visible",
    TableOpen = "table-open",
    ReadableToo = "readable-too",
    Writable = "writable",
    WritableByPolicy = "writable-by-policy",
    TruncateGranted = "truncate-granted",
    ViewPassesPolicies = "view-passes-policies",
    WithoutPolicies = "without-policies",
    DefinerFunctions = "definer-functions",
    DefaultGrants = "default-grants",
    LayoutInvalid = "layout-invalid",
    LayoutTwice = "layout-twice",
    HomeMissing = "home-missing",
    SlugInvalid = "slug-invalid",
    PathTaken = "path-taken",
    DatabaseRoom = "database-room",
    StorageRoom = "storage-room",
    ReadRoom = "read-room",
    TransferRoom = "transfer-room",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_told_apart_and_written_in_one_way() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        }
    }
}
