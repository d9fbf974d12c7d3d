//! A relation as the database describes it, and what the reading role may do with it.

use serde::Deserialize;

/// Schemas that Supabase looks after itself.
const MANAGED: &[&str] = &[
    "_analytics",
    "_realtime",
    "auth",
    "cron",
    "extensions",
    "graphql",
    "graphql_public",
    "net",
    "pgbouncer",
    "pgmq",
    "pgsodium",
    "pgsodium_masks",
    "realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
];

/// A table, view, materialized view or foreign table.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Relation {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    /// The name SQL uses: with its schema, quoted as needed.
    pub sql: String,
    /// Postgres's letter for its kind.
    kind: String,
    /// Whether its name alone finds it.
    pub is_visible: bool,
    pub is_partition: bool,
    is_extension: bool,
    /// Whether a view asks with the reader's rights instead of its owner's.
    pub is_invoker: bool,
    /// Whether row-level security is on.
    pub rls: bool,
    /// Whether its policies do not hold for the reader, who has its owner's rights.
    pub is_owned: bool,
    pub usage: bool,
    pub select: bool,
    pub select_some: bool,
    insert: bool,
    update: bool,
    delete: bool,
    pub truncate: bool,
    /// The roles through which the reader has rights, as SQL names them.
    pub grantees: Vec<String>,
    /// What a view passes on to its table, as Postgres's bits.
    updatable: i32,
    pub columns: Vec<Column>,
    pub indexes: Vec<Index>,
    pub triggers: Vec<String>,
    pub policies: Vec<Policy>,
    /// What a view's query names.
    pub reads: Vec<i64>,
}

#[derive(Debug, Deserialize)]
pub struct Column {
    pub name: String,
    /// The name, quoted as needed.
    pub sql: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub readable: bool,
}

#[derive(Debug, Deserialize)]
pub struct Index {
    pub sql: String,
    pub definition: String,
    pub is_valid: bool,
}

#[derive(Debug, Deserialize)]
pub struct Policy {
    pub name: String,
    command: String,
    is_permissive: bool,
    /// Whether it is for the reader.
    applies: bool,
}

/// What can be done to a relation's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Select,
    Insert,
    Update,
    Delete,
}

impl Action {
    pub const WRITES: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Postgres's letter in `pg_policy`.
    const fn letter(self) -> &'static str {
        match self {
            Self::Select => "r",
            Self::Insert => "a",
            Self::Update => "w",
            Self::Delete => "d",
        }
    }

    /// Postgres's bit in `pg_relation_is_updatable`.
    const fn bit(self) -> i32 {
        match self {
            Self::Select => 0,
            Self::Insert => 1 << 3,
            Self::Update => 1 << 2,
            Self::Delete => 1 << 4,
        }
    }
}

impl Relation {
    /// Whether it holds rows itself, so that it can have policies.
    pub fn is_table(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p")
    }

    pub fn is_view(&self) -> bool {
        self.kind == "v"
    }

    pub fn is_materialized(&self) -> bool {
        self.kind == "m"
    }

    pub fn is_foreign(&self) -> bool {
        self.kind == "f"
    }

    /// Whether somebody other than the site's owner looks after it.
    pub fn is_managed(&self) -> bool {
        self.is_extension || MANAGED.contains(&self.schema.as_str())
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the reader has the right, whatever the policies say.
    pub fn grants(&self, action: Action) -> bool {
        self.usage
            && match action {
                Action::Select => self.select_some,
                Action::Insert => self.insert,
                Action::Update => self.update,
                Action::Delete => self.delete,
            }
    }

    /// Whether a policy of row-level security lets the reader do it to some row.
    pub fn has_policy(&self, action: Action) -> bool {
        let mut policies = self.policies.iter().filter(|one| one.is_permissive && one.applies);
        policies.any(|one| one.command == "*" || one.command == action.letter())
    }

    /// Whether it has policies that hold for somebody.
    pub fn is_guardable(&self) -> bool {
        self.is_table() && self.rls
    }

    /// Whether policies have a say in what the reader does.
    pub fn is_guarded(&self) -> bool {
        self.is_guardable() && !self.is_owned
    }

    /// Whether rights and policies together let the reader do it to some row.
    pub fn lets(&self, action: Action) -> bool {
        if !self.grants(action) || (self.is_guarded() && !self.has_policy(action)) {
            return false;
        }
        // A view writes with its owner's rights; one that does not is held by its table's rules.
        action == Action::Select
            || !self.is_view()
            || (!self.is_invoker && self.updatable & action.bit() != 0)
    }

    /// The name that `frieze.toml` would use.
    pub fn short_name(&self) -> String {
        if self.is_visible { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }

    /// A name for a new policy.
    pub fn policy_name(&self, what: &str) -> String {
        let mut name = format!("{}_{what}", self.name);
        while self.policies.iter().any(|policy| policy.name == name) {
            name.push_str("_site");
        }
        crate::db::names::quoted(&name)
    }

    /// Takes rights on it from the reader, wherever they come from.
    pub fn revoke(&self, what: &str, reader: &str) -> String {
        let mut from = self.grantees.clone();
        if from.is_empty() {
            from.push(reader.to_owned());
        }
        format!("revoke {what} on {} from {};", self.sql, from.join(", "))
    }
}
