//! Columns that say when a row was touched, and nothing of what it says. Where they matter to no
//! page, a change of these alone is no change: to triggers, to the receiver, and to hashes of content.

mod whole;

use std::collections::BTreeSet;

use super::Theme;
use crate::config::{Collection, Config, From};
use crate::error::Result;
use crate::fs;

const MADE: &str = "created_at";
const TOUCHED: &str = "updated_at";

/// What a site uses of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Every collection uses these: a template names them, or shows whatever columns there are.
    everywhere: Vec<&'static str>,
}

impl Touched {
    pub fn of(config: &Config) -> Result<Self> {
        let mut everywhere = Vec::new();
        // None of the built-in templates names one.
        for file in fs::files_below(&config.build.templates)? {
            let text = fs::read_text(&config.build.templates.join(file))?;
            everywhere.extend(named_in_template(&text));
        }
        Ok(Self::named(everywhere.into_iter()))
    }

    /// The same of a theme in memory.
    pub fn in_theme(theme: &Theme) -> Self {
        let texts = theme.templates.values().map(|template| template.text.as_str());
        Self::named(texts.flat_map(named_in_template))
    }

    fn named(columns: impl Iterator<Item = &'static str>) -> Self {
        let columns: BTreeSet<_> = columns.collect();
        Self { everywhere: columns.into_iter().collect() }
    }

    /// The columns of a collection that nothing shows. Their part in the order of its rows is left
    /// out of account.
    pub fn unseen(&self, config: &Config, collection: &Collection) -> Vec<&'static str> {
        let is_seen =
            |column| self.everywhere.contains(&column) || is_seen(config, collection, column);
        [MADE, TOUCHED].into_iter().filter(|column| !is_seen(column)).collect()
    }

    /// The columns whose change alone changes nothing anywhere: nothing shows them, and nothing is
    /// ordered by them.
    pub fn idle(&self, config: &Config) -> Vec<&'static str> {
        let is_used = |column: &str| {
            config.collections.values().any(|collection| {
                let order = collection.order_by.as_deref().unwrap_or_default();
                order.contains(column) || !self.unseen(config, collection).contains(&column)
            })
        };
        [MADE, TOUCHED].into_iter().filter(|column| !is_used(column)).collect()
    }
}

/// A template that shows rows whole shows any column. `page.updated` is taken from `updated_at` where
/// no other column is named.
fn named_in_template(text: &str) -> impl Iterator<Item = &'static str> {
    let shows_all = whole::shows_whole_rows(text);
    let made = (shows_all || text.contains(MADE)).then_some(MADE);
    let touched = (shows_all || text.contains("updated")).then_some(TOUCHED);
    made.into_iter().chain(touched)
}

fn is_seen(config: &Config, collection: &Collection, column: &str) -> bool {
    let Collection { from, title, description, updated, page, groups, feed, .. } = collection;
    let query = match from {
        From::Query { sql, .. } => Some(sql.as_str()),
        From::Table(_) => None,
    };
    let names = [title, description, updated].into_iter().flatten().map(String::as_str);
    let names = names.chain(groups.iter().map(|group| group.by.as_str()));
    let names = names.chain(collection.markdown.iter().map(String::as_str));
    let names = names.chain(collection.html.iter().map(String::as_str));
    let names = names.chain(collection.images.iter().map(String::as_str));
    // Entries of feeds say when they were published: where no column does, when they were made.
    query.is_some_and(|query| query.contains(column))
        || names.into_iter().any(|name| name == column)
        || page.as_ref().is_some_and(|page| page.path.columns().any(|name| name == column))
        || feed.as_ref().is_some_and(|feed| {
            column == MADE
                || [&feed.published, &feed.content].into_iter().flatten().any(|it| it == column)
        })
        || is_data(config, collection, column)
}

/// Whether a JSON file shows the column, or sorts by it.
fn is_data(config: &Config, collection: &Collection, column: &str) -> bool {
    let mut fields = config.json.iter().flat_map(|file| &file.fields);
    fields.any(|field| {
        field.collection == collection.name
            && (!field.omit.iter().any(|name| name == column)
                || field.order_by.iter().any(|order| order.column == column))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[site]\ntitle = \"T\"\nbase_url = \"https://t.example\"\n";

    fn config(toml: &str) -> (tempfile::TempDir, Config) {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("frieze.toml"), format!("{HEAD}{toml}")).unwrap();
        let config = Config::load(root.path(), &crate::config::Overrides::default(), &|_| None);
        (root, config.unwrap())
    }

    fn found(toml: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let (_root, config) = config(toml);
        let touched = Touched::of(&config).unwrap();
        (touched.unseen(&config, &config.collections["posts"]), touched.idle(&config))
    }

    #[test]
    fn every_key_that_names_a_column_counts() {
        let both = vec![MADE, TOUCHED];
        assert_eq!(found("[collections.posts]\n"), (both.clone(), both.clone()));
        let order = found("[collections.posts]\norder_by = \"created_at desc\"\n");
        assert_eq!(order, (both, vec![TOUCHED]), "rows are hashed in their order");
        for (toml, left) in [
            ("query = \"select id, created_at as day from posts\"", TOUCHED),
            ("updated = \"updated_at\"", MADE),
            ("title = \"created_at\"", TOUCHED),
            ("page = { path = \"/{created_at}/\", template = \"x.html\" }", TOUCHED),
            (
                "group = { by = \"created_at\", path = \"/d/{key}/\", template = \"x.html\" }",
                TOUCHED,
            ),
            (
                "feed = { path = \"/atom.xml\" }\npage = { path = \"/{slug}/\", template = \"x\" }",
                TOUCHED,
            ),
        ] {
            assert_eq!(
                found(&format!("[collections.posts]\n{toml}\n")),
                (vec![left], vec![left]),
                "{toml}"
            );
        }
    }

    #[test]
    fn data_for_clients_counts_as_far_as_it_goes() {
        let json = |field: &str| {
            found(&format!("[collections.posts]\n[json.\"/all.json\"]\nposts = {{ collection = \"posts\"{field} }}\n")).0
        };
        assert_eq!(json(""), Vec::<&str>::new());
        assert_eq!(json(", omit = [\"created_at\", \"updated_at\"]"), [MADE, TOUCHED]);
        let sorted = ", order_by = \"updated_at\", omit = [\"created_at\", \"updated_at\"]";
        assert_eq!(json(sorted), [MADE]);
    }

    #[test]
    fn templates_count_where_they_name_a_column_or_show_all_of_them() {
        let named = |text| named_in_template(text).collect::<Vec<_>>();
        assert_eq!(named("{{ row.title }}"), Vec::<&str>::new());
        assert_eq!(named("{{ row.created_at | date }}"), [MADE]);
        assert_eq!(named("{{ page.updated }}"), [TOUCHED]);
        assert_eq!(named("{{ row | json }}"), [MADE, TOUCHED]);
        assert_eq!(named("{%- for name, value in row %}{% endfor %}"), [MADE, TOUCHED]);
        assert_eq!(named("{% for post in posts %}{{ f(a, b) }}{% endfor %}"), Vec::<&str>::new());
        let (root, config) = config("[collections.posts]\n");
        std::fs::create_dir_all(root.path().join("templates/pages")).unwrap();
        let text = "{{ row.updated_at }}";
        std::fs::write(root.path().join("templates/pages/post.html"), text).unwrap();
        let touched = Touched::of(&config).unwrap();
        assert_eq!(touched.idle(&config), [MADE]);
    }

    #[test]
    fn no_built_in_template_uses_one() {
        let (_root, config) = config("");
        for (name, template) in Theme::load(&config).unwrap().templates {
            assert_eq!(named_in_template(&template.text).count(), 0, "{name}");
        }
    }
}
