//! Collections, rows and layouts: every problem, where a build stops at the first.

use frieze::pipeline::check::Level::{Error, Warning};

use crate::support::{Bench, list, pick, serious};

#[test]
fn collections_that_cannot_be_read() {
    let bench = Bench::sample();
    bench.configure(
        "[collections.skill]\n\n[collections.elsewhere]\ntable = \"no_schema.at_all\"\n\n\
         [collections.disordered]\ntable = \"skills\"\norder_by = \"rank\"\n\n\
         [collections.wrong]\nquery = \"select 1 / 0 as id\"\n\n\
         [collections.catalogue]\ntable = \"pg_catalog.pg_am\"",
    );
    let report = bench.check();
    assert_eq!(
        serious(&report),
        [
            "collection-missing collections.skill",
            "collection-missing collections.elsewhere",
            "collection-unreadable collections.disordered",
            "collection-unreadable collections.wrong",
        ],
        "{}",
        list(&report)
    );
    let near = pick(&report, "collection-missing", "collections.skill")[0];
    assert!(near.mend.as_ref().unwrap().starts_with("did you mean skills?"), "{near:?}");
    let zero = pick(&report, "collection-unreadable", "collections.wrong")[0];
    assert!(zero.message.contains("division by zero"), "{zero:?}");
}

#[test]
fn layouts_that_cannot_be_read() {
    let bench = Bench::sample();
    bench.site.edit("frieze.toml", "table = \"page_layouts\"", "table = \"page_layout\"");
    let finding = bench.find(Error, "collection-missing", "layouts");
    assert!(finding.mend.unwrap().starts_with("did you mean page_layouts?"));
    assert_eq!(serious(&bench.check()), ["collection-missing layouts"]);

    let bench = Bench::with("alter table page_layouts rename updated_at to changed");
    let report = bench.check();
    let found = pick(&report, "collection-unreadable", "layouts");
    assert!(found[0].message.contains("updated_at"), "{}", list(&report));
}

#[test]
fn columns_that_are_not_there() {
    let bench = Bench::sample();
    bench.configure(
        "[collections.pages]\ntable = \"skills\"\nmarkdown = [\"nam\"]\nupdated = \"changed\"\n\
         page = { path = \"/skills/{slug}/\", template = \"pages/project.html\" }\n\
         group = { by = \"kind\", path = \"/kinds/{key}/\", template = \"pages/group.html\" }\n\n\
         [collections.asked]\nquery = \"select 1 as id\"\nhtml = [\"text\"]\n\n\
         [json.\"/x.json\"]\nall = { collection = \"skills\", omit = [\"secret\"] }",
    );
    let report = bench.check();
    assert_eq!(
        serious(&report),
        [
            "collection-column collections.pages.page.path",
            "collection-column collections.pages.group.by",
            "collection-column json.\"/x.json\".all",
            "collection-column collections.pages.markdown",
            "collection-column collections.pages.updated",
            "collection-column collections.asked.html",
        ],
        "{}",
        list(&report)
    );
    let near = pick(&report, "collection-column", "collections.pages.markdown")[0];
    assert_eq!(near.mend.as_deref(), Some("did you mean \"name\"?"));
}

#[test]
fn slugs_that_collide_or_cannot_be_one() {
    let bench = Bench::with(
        "insert into projects (title, slug) values
            ('Tidebook', 'Über'), ('Other', e'u\\u0308ber'), ('Third', 'ÜBER'),
            ('Bad', 'a/b'), ('Worse', '..'), ('Page', 'page')",
    );
    let report = bench.check();
    let taken: Vec<_> = report.findings.iter().filter(|one| one.code == "path-taken").collect();
    assert_eq!(taken.len(), 2, "{}", list(&report));
    for finding in &taken {
        assert_eq!(finding.level, Error);
        assert!(
            finding.message.matches("the row of projects with slug").count() == 2,
            "{finding:?}"
        );
        assert!(finding.message.contains("but for case or Unicode form"), "{finding:?}");
    }
    let bad = report.findings.iter().filter(|one| one.code == "slug-invalid").count();
    assert_eq!(bad, 2, "{}", list(&report));
}

#[test]
fn groups_that_collide() {
    let bench = Bench::with(
        "insert into projects (title, slug, technologies) values ('x', 'x', '{\"C++\"}'), ('y', 'y', '{\"c plus plus\"}'), ('z', 'z', '{\"!!\"}')",
    );
    let report = bench.check();
    let found: Vec<_> = serious(&report);
    assert_eq!(found.len(), 2, "{}", list(&report));
    assert!(found.contains(&"slug-invalid projects.technologies".to_owned()), "{found:?}");
    assert!(found.contains(&"path-taken /tech/c-plus-plus/".to_owned()), "{found:?}");
}

#[test]
fn layouts_are_told_every_mistake() {
    let bench = Bench::with(
        "update page_layouts set layout_json = '{\"sections\": [
            {\"id\": \"nonsense\"}, {\"id\": \"heading\", \"config\": {\"colour\": 1}}]}' where page_name = 'home';
         insert into page_layouts (page_name, version, is_published, layout_json) values
            ('about', 0, true, '[]'), ('about', -1, false, '[]'), ('a/b', 1, true, '{}'), ('Projects', 1, true,
             '{\"sections\": [{\"id\": \"heading\", \"config\": {\"text\": \"x\"}}]}')",
    );
    let report = bench.check();
    let mut layouts: Vec<_> =
        report.findings.iter().filter(|one| one.code == "layout-invalid").collect();
    layouts.sort_by_key(|one| one.level);
    let errors = layouts.iter().filter(|one| one.level == Error);
    let subjects: Vec<_> = errors.map(|one| one.subject.as_str()).collect();
    let home = subjects.iter().filter(|it| it.starts_with("page \"home\" version")).count();
    assert!(home >= 2, "{}", list(&report));
    assert!(subjects.contains(&"page \"a/b\" version 1"), "{}", list(&report));
    let older: Vec<_> = layouts.iter().filter(|one| one.level == Warning).collect();
    assert_eq!(older.len(), 1, "{}", list(&report));
    assert_eq!(older[0].subject, "page \"about\" version 0");
    assert!(serious(&report).contains(&"path-taken /projects/".to_owned()), "{}", list(&report));
    // The page is there, though it is wrong.
    assert!(pick(&report, "home-missing", "/").is_empty(), "{}", list(&report));
}

#[test]
fn a_site_without_its_front_page_or_with_two() {
    let bench =
        Bench::with("update page_layouts set is_published = false where page_name = 'home'");
    bench.find(Error, "home-missing", "/");
    let bench = Bench::with(
        "alter table page_layouts drop constraint page_layouts_page_name_version_key;
         insert into page_layouts (page_name, version, is_published, layout_json)
         select page_name, version, is_published, layout_json from page_layouts where page_name = 'about' and is_published",
    );
    let report = bench.check();
    let twice = report.findings.iter().filter(|one| one.code == "layout-twice").count();
    assert_eq!(twice, 1, "{}", list(&report));
    assert_eq!(report.errors, 1, "{}", list(&report));
}
