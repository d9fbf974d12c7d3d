//! What an export does not do, and how it says so.

use frieze::error::Kind;
use pretty_assertions::assert_eq;

use crate::postgres;
use crate::site::Run;
use crate::support::Place;

const FILES: &str = "[[skills]]\nname = \"A\"\ncategory = \"AI\"\n";

async fn place() -> Place {
    let place = Place::small("").await;
    place.site.edit("frieze.toml", "kits = []", "kits = [\"portfolio\"]");
    let run = place.site.run(&["db", "migrate"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_would_lack_rows_is_refused() {
    let mut place = place().await;
    place
        .run(
            "insert into testimonials (author_name, content) values ('Hidden', 'x');
        create role clerk login; grant select on all tables in schema public to clerk",
        )
        .await;
    let url = place.site.database_url.clone().unwrap().replace("postgres@", "clerk@");
    let mut clerk = postgres::connect(&url).await;
    std::mem::swap(&mut clerk, &mut place.conn);
    let error = place.export_to(place.site.root.join("content"), false).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Database);
    let report = error.report();
    assert!(report.contains("row-level security"), "{report}");
    assert!(report.contains("connect as the table's owner"), "{report}");
    assert!(!place.site.root.join("content").exists());
    // Whoever may pass the policies has everything.
    postgres::run(&mut clerk, "alter role clerk bypassrls").await;
    let report = place.export().await;
    assert_eq!(report.tables["testimonials"], 1);
    assert!(place.file("testimonials.toml").contains("Hidden"));
    postgres::run(&mut clerk, "drop owned by clerk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_everything_is_known() {
    let mut place = place().await;
    place.run("insert into profile (name) values ('P'); insert into skills (name, category) values ('S', 'AI')").await;
    place.site.write("content/skills.toml", "[[skills]]\nnam = \"A\"\n");
    let error = place.export_to(place.site.root.join("content"), false).await.unwrap_err();
    assert!(error.report().contains("skills.toml:2: skills has no column nam"), "{error:?}");
    place.site.write("content/skills.toml", "[[skills]]\nname = \"A\"\nproficiency = \"much\"\n");
    let (skill, id) = ("[[skills]]\nid = ", "\"00000000-0000-4000-8000-000000000001\"\n");
    place.site.edit("content/skills.toml", "[[skills]]\n", &format!("{skill}{id}"));
    place.run("update skills set id = '00000000-0000-4000-8000-000000000001'").await;
    let error = place.export_to(place.site.root.join("content"), false).await.unwrap_err();
    assert!(
        error.report().contains("skills.toml:4: proficiency = \"much\" is not of the type integer"),
        "{error:?}"
    );
    assert_eq!(place.content().len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_outside_of_the_folder() {
    let mut place = place().await;
    place.run("insert into projects (title, slug) values ('P', 'p'); insert into profile (name) values ('P')").await;
    let config = std::fs::read_to_string(place.site.root.join("frieze.toml")).unwrap();
    place.site.write(
        "frieze.toml",
        format!("{config}[collections.projects]\nmarkdown = [\"description\"]\n"),
    );
    let elsewhere = place.site.root.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::create_dir_all(place.site.root.join("content")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.site.root.join("content/projects")).unwrap();
    let error = place.export_to(place.site.root.join("content"), false).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Output);
    assert!(
        error.to_string().ends_with("content/projects/p.md leads out of the folder"),
        "{error}"
    );
    assert!(std::fs::read_dir(&elsewhere).unwrap().next().is_none());
    assert!(!place.site.root.join("content/profile.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_it_does_and_what_it_would_do() {
    let mut place = place().await;
    place.site.write("content/skills.toml", FILES);
    place.run("insert into profile (name) values ('P')").await;
    let run = place.site.run(&["db", "export", "--dry-run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("Would export 1 row from 127.0.0.1:"), "{}", run.stdout);
    assert!(run.stdout.contains(": 1 written, 0 changed, 0 removed, 1 unchanged\n  written profile.toml\n  only in the file skills.toml:1: a row of skills, left as it is\n"), "{}", run.stdout);
    assert_eq!(place.content().len(), 1);
    let run = place.site.run(&["db", "export", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["written"], serde_json::json!(["profile.toml"]));
    assert_eq!(
        report["only_in_files"],
        serde_json::json!([{"table": "skills", "file": "skills.toml", "line": 1}])
    );
    assert_eq!(report["tables"]["profile"], 1);
    let page = include_str!("../../docs/command-line.md");
    let (_, section) = page.split_once("## `frieze db export`").unwrap();
    for key in report.as_object().unwrap().keys() {
        assert!(section.split("\n## ").next().unwrap().contains(&format!("`{key}`")), "{key}");
    }
    assert_eq!(place.content().len(), 2);
    let other = place.site.root.join("backup");
    let run = place.site.run(&["db", "export", "--output", other.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        std::fs::read_to_string(other.join("profile.toml")).unwrap(),
        place.file("profile.toml")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_names_rows_that_are_newer_and_overwrites_them_by_force() {
    let mut place = place().await;
    place.site.write("content/skills.toml", FILES);
    place
        .run("insert into skills (name, category, updated_at) values ('A', 'Other', '2024-01-01')")
        .await;
    let id = "update skills set id = '00000000-0000-4000-8000-000000000001'";
    place.run(id).await;
    place.site.edit(
        "content/skills.toml",
        "name",
        "id = \"00000000-0000-4000-8000-000000000001\"\nname",
    );
    let run = place.site.run(&["db", "seed"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("skills: 0 inserted, 0 updated, 0 deleted, 0 unchanged, 1 skipped\nSkipped 1 row newer in the database than in the file:\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains(
            "content/skills.toml:1: skills {\"id\":\"00000000-0000-4000-8000-000000000001\"}: "
        ),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains(" in the database, no time in the file\n"), "{}", run.stdout);
    let run = place.site.run(&["db", "seed", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["tables"]["skills"]["skipped"], 1);
    assert_eq!(report["conflicts"][0]["table"], "skills");
    assert_eq!(report["conflicts"][0]["line"], 1);
    let page = include_str!("../../docs/command-line.md");
    let (_, section) = page.split_once("## `frieze db seed`").unwrap();
    let conflict = report["conflicts"][0].as_object().unwrap();
    let table = report["tables"]["skills"].as_object().unwrap();
    for key in conflict.keys().chain(table.keys()).chain(report.as_object().unwrap().keys()) {
        assert!(section.split("\n## ").next().unwrap().contains(&format!("`{key}`")), "{key}");
    }
    assert_eq!(place.value("select category from skills").await, "Other");
    let run = place.site.run(&["db", "seed", "--force"]);
    assert!(
        run.stdout.contains("skills: 0 inserted, 1 updated, 0 deleted, 0 unchanged\n"),
        "{}",
        run.stdout
    );
    assert_eq!(place.value("select category from skills").await, "AI");
}

/// A transaction pooler gives each transaction whichever connection is free: nothing may be left
/// on one.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_leaves_nothing_on_the_connection() {
    let mut place = place().await;
    place.run("insert into profile (name) values ('P')").await;
    let settings = "select string_agg(name || setting, ',' order by name) from pg_settings where name in \
        ('TimeZone', 'DateStyle', 'IntervalStyle', 'row_security', 'transaction_read_only', 'lc_monetary', 'bytea_output')";
    let before = place.value(settings).await;
    let prepared = "select string_agg(statement, '; ') from pg_prepared_statements where statement !~ 'pg_settings|pg_prepared'";
    let statements = place.value(prepared).await;
    place.export().await;
    assert_eq!(place.value(settings).await, before);
    assert_eq!(place.value(prepared).await, statements);
}

/// Its address forgotten, an export would put what the last build made over every edit since.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_is_not_exported_over_its_own_source() {
    let mut place = place().await;
    place.site.write("content/skills.toml", FILES);
    place.site.database_url = None;
    let content = place.site.root.join("content");
    let same = content.join("../content");
    for output in [None, Some(content), Some(same)] {
        let mut command = place.site.command(&["db", "export", "--json"]);
        command.current_dir(&place.site.root);
        let run = Run::of(
            command
                .args(output.iter().flat_map(|it| ["-o".as_ref(), it.as_os_str()]))
                .output()
                .unwrap(),
        );
        assert_eq!(run.code, i32::from(Kind::Config.exit_code()), "{}", run.stderr);
        assert!(
            run.stderr.contains("an export would only put older rows over it"),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("set DATABASE_URL to the database to export"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("--output"), "{}", run.stderr);
    }
    assert_eq!(place.file("skills.toml"), FILES);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_names_rows_that_were_edited_in_their_file() {
    let mut place = place().await;
    let two = format!("{FILES}\n[[skills]]\nname = \"B\"\ncategory = \"AI\"\n");
    place.site.write("content/skills.toml", &two);
    assert_eq!(place.site.run(&["db", "seed"]).code, 0);
    let edited = two.replace("\"AI\"", "\"Other\"");
    place.site.write("content/skills.toml", &edited);
    place.run("update skills set proficiency = 1 where name = 'B'").await;
    let run = place.site.run(&["db", "export"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\n  edited in the file skills.toml:1, not seeded yet: a row of skills, left as it is\n  edited in the file skills.toml:5 and in the database: a row of skills, left as it is\n`frieze db seed` "), "{}", run.stdout);
    assert!(run.stdout.contains("`frieze db export --force`"), "{}", run.stdout);
    let run = place.site.run(&["db", "export", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let row = |line| serde_json::json!([{"table": "skills", "file": "skills.toml", "line": line}]);
    assert_eq!((&report["not_seeded"], &report["conflicts"]), (&row(1), &row(5)));
    assert_eq!(place.file("skills.toml"), edited);
    let run = place.site.run(&["db", "export", "--force"]);
    assert!(!run.stdout.contains("left as it is"), "{}", run.stdout);
    assert!(!place.file("skills.toml").contains("Other"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_by_way_of_one_that_nobody_else_has() {
    use std::os::unix::fs::PermissionsExt;
    let mut place = place().await;
    place.site.write("content/skills.toml", FILES);
    place.push().await;
    place.run("update skills set proficiency = 1; insert into profile (name) values ('P')").await;
    let at = |name: &str| place.site.root.join(name);
    std::fs::set_permissions(at("content/skills.toml"), PermissionsExt::from_mode(0o640)).unwrap();
    place.site.write("elsewhere", "Theirs");
    std::os::unix::fs::symlink(at("elsewhere"), at("content/skills.toml.new")).unwrap();
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
    place.site.write("plain", "");
    let plain = mode("plain");
    let dir = at("content");
    let names = || {
        let entries = std::fs::read_dir(&dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let (skills, profile) = ("content/skills.toml", "content/profile.toml");
    let run = place.site.run(&["db", "export"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!((mode(skills), mode(profile)), (0o640, plain));
    assert_eq!(std::fs::read_to_string(at("elsewhere")).unwrap(), "Theirs");
    assert_eq!(names(), [".exported", "profile.toml", "skills.toml", "skills.toml.new"]);
    // Nothing stays behind where it fails.
    std::fs::remove_file(at(profile)).unwrap();
    std::fs::create_dir(at(profile)).unwrap();
    let run = place.site.run(&["db", "export"]);
    assert_eq!(run.code, i32::from(Kind::Output.exit_code()), "{}", run.stderr);
    assert_eq!(names(), [".exported", "profile.toml", "skills.toml", "skills.toml.new"]);
}
