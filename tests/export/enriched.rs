//! What models wrote: a sync leaves it alone, an export marks it, and the mark comes back.

use pretty_assertions::assert_eq;

use crate::support::{Place, nothing_done, nothing_written};
use frieze::db::seed::Mode;

const COLLECTIONS: &str = "[collections.notes]\nmarkdown = [\"body\"]\n[collections.pages]\n";

const TABLES: &str = "
create table notes (id uuid primary key default gen_random_uuid(), slug text unique not null, title text,
    summary text, body text, tags text[], updated_at timestamptz not null default now());
create table pages (lang text, page text, words text, primary key (lang, page));
create function wrote(of_table text, key jsonb, named text, what jsonb, before jsonb default 'null')
returns void language sql as $$
    insert into enrichments (table_name, row_key, column_name, value, former, task_type, run_id,
        provider, model, created_at)
    values (of_table, key, named, what, before, 'describe', gen_random_uuid(), 'near', 'small',
        '2026-05-06T07:08:09Z')
$$;
";

const NOTE: &str = "+++\ntitle = \"One\"\nslug = \"one\"\nsummary = \"\"\n+++\n";

/// A model has written a summary and a body.
async fn written() -> Place {
    let mut place = Place::small(COLLECTIONS).await;
    place.run(TABLES).await;
    place.site.write("content/notes/one.md", NOTE);
    place.mirror().await;
    write(&mut place).await;
    place
}

async fn write(place: &mut Place) {
    place
        .run(
            "update notes set summary = 'In short.', body = E'At length.\n\nMore.', tags = '{a,b}';
            select wrote('notes', jsonb_build_object('id', id), name, to_jsonb(notes) -> name)
            from notes, unnest(array['summary', 'body', 'tags']) as name",
        )
        .await;
}

const SUMMARY: &str = "select summary from notes";
const LIVE: &str = "select string_agg(column_name, ' ' order by column_name) from enrichments where reverted_at is null";

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_leaves_it_alone_in_every_mode() {
    for mode in [Mode::Mirror, Mode::Push, Mode::Force] {
        let mut place = written().await;
        for _ in 0..2 {
            let report = place.sync(mode).await.unwrap();
            assert_eq!(report.total().enriched, 3, "{mode:?}");
            assert_eq!((report.total().updated, report.total().skipped), (0, 0), "{mode:?}");
            assert_eq!(place.value(SUMMARY).await, "In short.", "{mode:?}");
        }
        // Another field of the row is no reason either.
        place.site.edit("content/notes/one.md", "\"One\"", "\"First\"");
        place.sync(if mode == Mode::Push { Mode::Force } else { mode }).await.unwrap();
        assert_eq!(place.value("select title || summary from notes").await, "FirstIn short.");
        // Nor that the file no longer names what it once left empty.
        place.site.edit("content/notes/one.md", "summary = \"\"\n", "");
        place.sync(Mode::Mirror).await.unwrap();
        assert_eq!(place.value(SUMMARY).await, "In short.", "{mode:?}");
        assert_eq!(place.value(LIVE).await, "body summary tags");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_writes_wins_and_ends_it() {
    for mode in [Mode::Mirror, Mode::Force] {
        let mut place = written().await;
        place.site.edit("content/notes/one.md", "summary = \"\"", "summary = \"Mine.\"");
        let report = place.sync(mode).await.unwrap();
        assert_eq!((report.total().updated, report.total().enriched), (1, 2));
        assert_eq!(place.value(SUMMARY).await, "Mine.");
        assert_eq!(place.value(LIVE).await, "body tags");
        // It is theirs even where it is, letter for letter, what a model wrote.
        place.site.edit("content/notes/one.md", "+++\n", "+++\ntags = [\"a\", \"b\"]\n");
        place.sync(mode).await.unwrap();
        assert!(!place.value(LIVE).await.contains("tags"));
    }
}

/// One that the sync does not write is no reason to end anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_newer_in_the_database_keeps_its_lines() {
    let mut place = written().await;
    place.push().await;
    place.run("update notes set title = 'Theirs', updated_at = now() + interval '1 day'").await;
    place.site.edit("content/notes/one.md", "summary = \"\"", "summary = \"Mine.\"");
    let report = place.push().await;
    assert_eq!(report.total().skipped, 1);
    assert_eq!(place.value(LIVE).await, "body summary tags");
    assert_eq!(place.value(SUMMARY).await, "In short.");
}

/// A value that a person changed in the database is no model's any more.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_still_stands_is_kept() {
    let mut place = written().await;
    place.run("update notes set summary = 'By hand.'").await;
    let report = place.sync(Mode::Mirror).await.unwrap();
    assert_eq!(report.total().enriched, 2);
    assert_eq!(place.value(SUMMARY).await, "", "the files are the source");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_may_have_several_columns() {
    let mut place = Place::small(COLLECTIONS).await;
    place.run(TABLES).await;
    let files = "[[pages]]\nlang = \"en\"\npage = \"a\"\nwords = \"\"\n\n[[pages]]\nlang = \"en\"\npage = \"b\"\nwords = \"\"\n";
    place.site.write("content/pages.toml", files);
    place.mirror().await;
    place
        .run(
            "update pages set words = 'From a model.' where page = 'b';
        select wrote('pages', '{\"page\": \"b\", \"lang\": \"en\"}', 'words', '\"From a model.\"')",
        )
        .await;
    let report = place.mirror().await;
    assert_eq!(report.total().enriched, 1);
    assert_eq!(
        place.value("select string_agg(words, ',' order by page) from pages").await,
        ",From a model."
    );
    place.export().await;
    let file = place.file("pages.toml");
    assert!(file.contains("[pages._enriched]\nwords = {"), "{file}");
    let mut restored = place.restored().await;
    restored.run(TABLES).await;
    restored.mirror().await;
    assert_eq!(restored.value(LIVE).await, "words");
    nothing_written(&restored.export().await);
}

const ADDED: &str = "insert into notes (slug, title) values ('two', 'Two');
    select wrote('notes', jsonb_build_object('id', id), '*', '{\"slug\": \"two\", \"title\": \"Two\"}')
    from notes where slug = 'two'";

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_models_added_stay_and_are_marked_whole() {
    let mut place = written().await;
    place.run(ADDED).await;
    let report = place.mirror().await;
    assert_eq!(report.total().deleted, 0);
    assert_eq!(place.value("select count(*)::text from notes").await, "2");
    place.export().await;
    let file = place.file("notes/two.md");
    assert!(file.contains("[_enriched]\n\"*\" = {"), "{file}");
    assert!(file.contains("columns = [\"slug\", \"title\"]"), "{file}");
    let report = place.mirror().await;
    assert_eq!(report.total().enriched, 5);
    let mut restored = place.restored().await;
    restored.run(TABLES).await;
    restored.mirror().await;
    let whole =
        "select value::text from enrichments where column_name = '*' and reverted_at is null";
    assert_eq!(restored.value(whole).await, r#"{"slug": "two", "title": "Two"}"#);
    restored.site.edit("content/notes/two.md", "\"Two\"", "\"Zwei\"");
    restored.mirror().await;
    assert_eq!(restored.value("select title from notes where slug = 'two'").await, "Zwei");
    let left =
        "select count(*)::text from enrichments where column_name = '*' and reverted_at is null";
    assert_eq!(restored.value(left).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_marks_it_and_the_mark_comes_back() {
    let mut place = written().await;
    let report = place.export().await;
    assert_eq!(report.enriched, 3);
    let file = place.file("notes/one.md");
    assert!(file.contains("summary = \"In short.\"\n"), "{file}");
    assert!(file.contains("+++\n\nAt length.\n\nMore.\n"), "{file}");
    let mark = "summary = { model = \"small\", provider = \"near\", task = \"describe\", at = \"2026-05-06T07:08:09Z\", hash = \"";
    assert!(file.contains(mark), "{file}");
    nothing_written(&place.export().await);
    nothing_done(&place.push().await);
    nothing_written(&place.export().await);
    let mut restored = place.restored().await;
    restored.run(TABLES).await;
    restored.push().await;
    assert_eq!(restored.value(LIVE).await, "body summary tags");
    let line = "select concat_ws(' ', value, former, task_type, provider, model, created_at at time zone 'UTC',
        row_key = (select jsonb_build_object('id', id) from notes)) from enrichments where column_name = 'summary'";
    assert_eq!(
        restored.value(line).await,
        "\"In short.\" null describe near small 2026-05-06 07:08:09 t"
    );
    nothing_written(&restored.export().await);
    nothing_done(&restored.push().await);
    assert_eq!(restored.push().await.total().enriched, 3);
    // What was filled anew since is not undone by an older file.
    restored.run("update notes set summary = 'Anew.'; update enrichments set value = '\"Anew.\"' where column_name = 'summary'").await;
    restored.mirror().await;
    assert_eq!(restored.value(SUMMARY).await, "Anew.");
}

#[tokio::test(flavor = "multi_thread")]
async fn editing_the_text_drops_the_mark() {
    let mut place = written().await;
    place.export().await;
    let mut restored = place.restored().await;
    restored.run(TABLES).await;
    restored.site.edit("content/notes/one.md", "More.", "More, by hand.");
    restored.mirror().await;
    assert_eq!(restored.value(LIVE).await, "summary tags");
    // In a database that knew of it as well, and by removing the mark alone.
    place.site.edit("content/notes/one.md", "More.", "More, by hand.");
    let file = place.file("notes/one.md");
    let line = file.lines().find(|line| line.starts_with("tags = {")).unwrap();
    place.site.edit("content/notes/one.md", &format!("{line}\n"), "");
    place.mirror().await;
    assert_eq!(place.value(LIVE).await, "summary");
    place.export().await;
    let file = place.file("notes/one.md");
    assert!(file.contains("summary = { model") && !file.contains("body = {"), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_makes_no_sense_is_refused() {
    let mut place = written().await;
    place.site.write("content/notes/one.md", "+++\nslug = \"one\"\n_enriched = 1\n+++\n");
    let error = place.sync(Mode::Mirror).await.unwrap_err().report();
    assert!(error.contains("notes/one.md:3: _enriched is not as an export writes it"), "{error}");
}
