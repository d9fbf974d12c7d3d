//! Which tables the built-in migrations make, read off the migrations themselves.

use super::files::{ENGINE, Migrations, Origin};

/// How every built-in migration begins a table.
const BEGIN: &str = "create table if not exists public.";

impl Migrations {
    /// The tables of the configured kits.
    pub fn kit_tables(&self) -> Vec<&str> {
        let kit = |origin: &Origin| matches!(origin, Origin::BuiltIn(kit) if kit != ENGINE);
        let entries = self.active().filter(|entry| kit(&entry.origin));
        entries.flat_map(|entry| made(entry.up.sql.as_str())).collect()
    }

    /// The engine's own tables.
    pub fn engine_tables(&self) -> Vec<&str> {
        let engine = |origin: &Origin| matches!(origin, Origin::BuiltIn(kit) if kit == ENGINE);
        let entries = self.all().filter(|entry| engine(&entry.origin));
        entries.flat_map(|entry| made(entry.up.sql.as_str())).collect()
    }
}

fn made(sql: &str) -> impl Iterator<Item = &str> {
    let names = sql.lines().filter_map(|line| line.strip_prefix(BEGIN)?.split([' ', '(']).next());
    names.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_off_the_migrations() {
        let known = |kits: &[&str]| {
            let kits: Vec<String> = kits.iter().map(|kit| (*kit).to_owned()).collect();
            Migrations::from_parts(&kits, std::path::Path::new("nowhere")).unwrap()
        };
        let portfolio = [
            "profile",
            "skills",
            "projects",
            "experience",
            "solutions",
            "testimonials",
            "page_layouts",
        ];
        assert_eq!(known(&["portfolio"]).kit_tables(), portfolio);
        assert!(known(&[]).kit_tables().is_empty());
        let known = known(&[]);
        let engine = known.engine_tables();
        assert_eq!(engine.len(), 12);
        for name in ["seed_state", "site_admins", "task_queue", "content_embeddings"] {
            assert!(engine.contains(&name), "{name}");
        }
    }
}
