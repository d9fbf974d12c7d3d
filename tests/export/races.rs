//! Seeding while somebody edits.

use frieze::db::seed::{Content, Mode, Report, sync};
use pretty_assertions::assert_eq;

use crate::postgres;
use crate::support::Place;

/// Seeds an edited file while another session is in the middle of an edit, which ends once the
/// seed waits for it.
async fn seeded_during(place: &mut Place, edit: &str) -> Report {
    let url = place.site.database_url.clone().unwrap();
    let mut editor = postgres::connect(&url).await;
    postgres::run(&mut editor, &format!("begin; {edit}")).await;
    place.site.edit("content/projects/lectern.md", "summary = \"", "summary = \"Seeded ");
    let config = place.config();
    let content = Content::read(&config.build.content, &config).unwrap();
    let mut conn = postgres::connect(&url).await;
    let seeding = tokio::spawn(async move { sync(&mut conn, &content, Mode::Push).await.unwrap() });
    let waits = "select count(*)::text from pg_stat_activity \
        where wait_event_type = 'Lock' and datname = current_database()";
    while place.value(waits).await == "0" {
        assert!(!seeding.is_finished(), "the seed did not wait for the editor");
        tokio::task::yield_now().await;
    }
    postgres::run(&mut editor, "commit").await;
    seeding.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_between_comparing_and_writing_is_not_lost() {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    let edit = "update projects set summary = 'Edited' where slug = 'lectern'";
    let report = seeded_during(&mut place, edit).await;
    assert_eq!((report.total().updated, report.total().skipped), (0, 1));
    assert_eq!(place.value("select summary from projects where slug = 'lectern'").await, "Edited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_vanishes_meanwhile_is_inserted() {
    let mut place = Place::copy_of(".").await;
    place.push().await;
    let report = seeded_during(&mut place, "delete from projects where slug = 'lectern'").await;
    assert_eq!((report.total().inserted, report.total().skipped), (1, 0));
}
