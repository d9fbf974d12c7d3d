//! A site's own migrations beside the built-in ones.

use std::path::Path;

use frieze::db::migrate::{Migrations, up};
use frieze::error::Result;
use sqlx::PgConnection;
use tempfile::TempDir;

use crate::{config, postgres};

struct Site(TempDir);

impl Site {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("migrations")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join("migrations").join(name), text).unwrap();
        }
        Self(dir)
    }

    fn migrations(&self, kits: &[&str]) -> Result<Migrations> {
        Migrations::collect(&config::config(self.0.path(), kits))
    }

    fn refused(&self) -> String {
        self.migrations(&[]).unwrap_err().report()
    }
}

async fn fresh() -> PgConnection {
    postgres::connect(&postgres::database().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_after_the_built_in_ones_whatever_their_number() {
    let site = Site::new(&[
        ("002_b.up.sql", "insert into public.a values (1); grant select on public.a to anon;"),
        ("002_b.down.sql", "delete from public.a;"),
        ("001_a.up.sql", "create table public.a (n int);"),
        ("001_a.down.sql", "drop table public.a;"),
    ]);
    let mut connection = fresh().await;
    let applied = up(&mut connection, &site.migrations(&[]).unwrap()).await.unwrap();
    let names: Vec<_> = applied.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names[names.len() - 2..], ["001_a", "002_b"]);
    assert!(names[0].ends_with("_foundation"), "{names:?}");
    let portfolio: bool = sqlx::query_scalar("select to_regclass('projects') is not null")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!portfolio, "a kit that is not configured was applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_file_and_line_and_changes_nothing() {
    let site = Site::new(&[(
        "1_bad.up.sql",
        "create table public.half (n int);\n\ncreate table public.other (\n    n intt\n);",
    )]);
    let mut connection = fresh().await;
    let error = up(&mut connection, &site.migrations(&[]).unwrap()).await.unwrap_err().report();
    assert!(error.contains("the migration 1_bad:4 failed"), "{error}");
    assert!(error.contains("type \"intt\" does not exist"), "{error}");
    let half: bool = sqlx::query_scalar("select to_regclass('half') is not null")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!half, "half a migration stayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_needs_an_extension_the_server_lacks_is_skipped() {
    let site = Site::new(&[
        ("1_maps.up.sql", "-- needs: postgis_nowhere\ncreate extension postgis_nowhere;"),
        ("2_after.up.sql", "create table public.after (n int);"),
    ]);
    let mut connection = fresh().await;
    let applied = up(&mut connection, &site.migrations(&[]).unwrap()).await.unwrap();
    let (name, why) = &applied.skipped[0];
    assert_eq!(name, "1_maps");
    assert!(why.contains("postgis_nowhere"), "{why}");
    assert_eq!(applied.steps.last().unwrap().name, "2_after");
}

#[test]
fn a_copy_of_a_built_in_file_is_fine_until_it_differs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let name = "20260101000100_foundation.up.sql";
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let windows = text.replace('\n', "\r\n");
    let site = Site::new(&[(name, &windows)]);
    let built_in = config::built_in().all().count();
    assert_eq!(site.migrations(&[]).unwrap().all().count(), built_in);

    let site = Site::new(&[(name, &format!("{text}\ndrop table public.site_admins;"))]);
    let error = site.refused();
    assert!(error.contains("differs from the built-in migration of that name"), "{error}");
}

#[test]
fn names_and_numbers_are_checked() {
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[("first.up.sql", "")], "first.up.sql does not begin with a number"),
        (&[("1_a.up.sql", ""), ("1_b.up.sql", "")], "1_a and 1_b have the same number"),
        (&[("1_a.down.sql", "")], "1_a.down.sql has no 1_a.up.sql beside it"),
        (&[("1_a.up.sql", ""), ("1_b.down.sql", "")], "1_b.down.sql has no 1_b.up.sql beside it"),
        (&[("20260101000100_mine.up.sql", "")], "has the number of the built-in"),
    ];
    for (files, expected) in cases {
        let error = Site::new(files).refused();
        assert!(error.contains(expected), "{error}");
        assert_eq!(Site::new(files).migrations(&[]).unwrap_err().kind().exit_code(), 3);
    }
    let site = Site::new(&[]);
    let error = site.migrations(&["portfolo"]).unwrap_err().report();
    assert!(
        error.contains("there is no kit \"portfolo\"")
            && error.contains("did you mean \"portfolio\"?"),
        "{error}"
    );
}
