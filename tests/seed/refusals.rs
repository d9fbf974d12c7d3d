//! What bad content gets: file, line and remedy.

use frieze::db::seed::Mode;
use frieze::error::Kind;

use crate::support::Site;

async fn report(file: &str, text: &str) -> String {
    let mut site = Site::new().await;
    site.write(file, text);
    site.refused().await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_tables_and_columns_are_named_with_a_suggestion() {
    let mut site = Site::new().await;
    site.write("thing.toml", "[[thing]]\nname = \"A\"\n");
    assert_eq!(
        site.refused().await,
        "error: content/thing.toml:1: the database has no table thing\n  help: did you mean things?"
    );
    site.remove("thing.toml").write("views.toml", "[[views]]\ntitle = \"A\"\n");
    assert!(
        site.refused()
            .await
            .starts_with("error: content/views.toml:1: views is a view, not a table")
    );
    site.remove("views.toml").write(
        "things.toml",
        "[[things]]\nname = \"A\"\n[[things]]\nname = \"B\"\nlable = \"x\"\n",
    );
    assert_eq!(
        site.refused().await,
        "error: content/things.toml:5: things has no column lable\n  help: did you mean labels?"
    );
    site.write("things.toml", "[[things]]\nname = \"A\"\ndouble = 2\n");
    assert!(
        site.refused()
            .await
            .starts_with("error: content/things.toml:3: double is computed by the database")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_check_names_file_line_and_rule() {
    let mut site = Site::new().await;
    for n in 0..50 {
        let stars = if n == 33 { 6 } else { n % 6 };
        site.write(
            &format!("posts/p{n:02}.md"),
            &format!("+++\ntitle = \"T\"\nslug = \"p{n}\"\nstars = {stars}\n+++\n"),
        );
    }
    let report = site.refused().await;
    assert!(
        report.starts_with(
            "error: content/posts/p33.md:4: stars = 6 is not allowed in posts\n  because: "
        ),
        "{report}"
    );
    assert!(
        report.contains(
            "help: the rule posts_stars_check is: CHECK (((stars >= 0) AND (stars <= 5)))"
        ),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_the_wrong_type_name_file_and_line() {
    for (line, message, help) in [
        (
            "made = \"soon\"",
            "made = \"soon\" is not of the type date",
            "write it as in made = \"2024-03-01\"",
        ),
        (
            "made = \"2024-02-30\"",
            "made = \"2024-02-30\" is not of the type date",
            "because: date/time field value out of range",
        ),
        (
            "seen = \"x\"",
            "seen = \"x\" is not of the type timestamp with time zone",
            "2024-03-01T09:30:00Z",
        ),
        ("mood = \"sad\"", "mood = \"sad\" is not of the type mood", "mood is one of: calm, keen"),
        ("size = \"many\"", "size = \"many\" is not of the type integer", "size = 42"),
        ("size = 1.5", "size = 1.5 is not of the type integer", "size = 42"),
        ("is_big = \"maybe\"", "is_big = \"maybe\" is not of the type boolean", "is_big = true"),
        ("price = 1234567.0", "price = 1234567.0 is not of the type numeric(8,2)", "overflow"),
        (
            "note = \"too long a note\"",
            "note = \"too long a note\" is not of the type character varying(8)",
            "at most",
        ),
        (
            "labels = \"a\"",
            "labels = \"a\" is not of the type text[]",
            "labels = [\"one\", \"two\"]",
        ),
        ("labels = [{ a = 1 }]", "labels must be an array of texts", "labels = [\"one\", \"two\"]"),
        ("maker = { a = 1 }", "maker must be text", "maker = \"…\""),
        (
            "id = \"7\"",
            "id = \"7\" is not of the type uuid",
            "because: invalid input syntax for type uuid",
        ),
    ] {
        let report = report(
            "things.toml",
            &format!("[[things]]\nname = \"A\"\n\n[[things]]\nname = \"B\"\n{line}\n"),
        )
        .await;
        assert!(
            report.starts_with(&format!("error: content/things.toml:6: {message}\n")),
            "{report}"
        );
        assert!(report.contains(help), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_value_is_asked_for() {
    let missing = report("posts/a.md", "+++\nslug = \"a\"\n+++\n\nText\n").await;
    assert!(missing.starts_with("error: content/posts/a.md:2: no title, which posts requires\n  help: give the row a title"), "{missing}");
    let null = report("posts.json", "[{\"slug\": \"a\",\n\"title\": null}]").await;
    assert!(
        null.starts_with("error: content/posts.json:2: null for title, which posts requires"),
        "{null}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_clash_are_told_apart() {
    let mut site = Site::new().await;
    site.write("cities.toml", "[[cities]]\nname = \"Sète\"\ncountry = \"fr\"\n");
    let report = site.refused().await;
    assert!(
        report.starts_with(
            "error: content/cities.toml:3: country = \"fr\" refers to a row that does not exist"
        ),
        "{report}"
    );
    site.remove("cities.toml");
    site.run("insert into posts (title, slug) values ('T', 'taken')").await;
    site.write("posts/a.md", "+++\nid = \"6f1c2a3e-8c1d-4b6a-9a57-0d2f4c9b1e77\"\ntitle = \"A\"\nslug = \"taken\"\n+++\n");
    let report = site.refused().await;
    assert!(
        report.starts_with(
            "error: content/posts/a.md:4: slug = \"taken\" is already in another row of posts"
        ),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_trigger_drops_is_missed() {
    let mut site = Site::new().await;
    site.run("create function drop_it() returns trigger language plpgsql as $$ begin return null; end $$; create trigger drop_it before insert on things for each row execute function drop_it()").await;
    site.write("things.toml", "[[things]]\nname = \"A\"\n");
    assert!(site.refused().await.starts_with(
        "error: content/things.toml:1: the row was written, but things does not have it afterwards"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_may_refuse_a_row() {
    let mut site = Site::new().await;
    site.run("create function refuse() returns trigger language plpgsql as $$ begin if new.name = 'B' then raise exception 'no B here'; end if; return new; end $$; create trigger refuse before insert on things for each row execute function refuse()").await;
    site.write("things.toml", "[[things]]\nname = \"A\"\n[[things]]\nname = \"B\"\n");
    let report = site.refused().await;
    assert!(
        report.starts_with(
            "error: content/things.toml:3: things refuses the row\n  because: no B here"
        ),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_unique_key_is_completed() {
    let mut site = Site::new().await;
    site.run("insert into layouts (page, layout) values ('home', '{}')").await;
    site.write("layouts/home.json", "{\"page\": \"home\", \"layout\": {}}");
    let report = site.refused().await;
    assert!(report.starts_with("error: content/layouts/home.json:1: page = \"home\" is already in another row of layouts\n"), "{report}");
    assert!(
        report.ends_with("help: write the row's version too, which tells it from the other"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_others_refer_to_cannot_leave() {
    let mut site = Site::new().await;
    site.write("countries/fr.toml", "code = \"fr\"\nname = \"France\"\n");
    site.mirror().await;
    site.run("insert into cities (name, country) values ('Sète', 'fr')").await;
    site.remove("countries/fr.toml");
    let report = site.refused().await;
    assert!(
        report.starts_with(
            "error: a row of countries left content (countries/fr.toml), but others refer to it\n"
        ),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_rows_fault_says_so() {
    let mut site = Site::new().await;
    site.write("things.toml", "[[things]]\nname = \"A\"\n");
    site.run("drop table seed_state").await;
    let error = site.sync(Mode::Mirror).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Database);
    assert_eq!(error.help_text(), Some("run `frieze db migrate`"));
    let mut site = Site::new().await;
    site.write("things.toml", "[[things]]\nname = \"A\"\n");
    site.run("create role reader; grant select on all tables in schema public to reader; set role reader").await;
    let error = site.sync(Mode::Push).await.unwrap_err();
    let help = "connect as the table's owner or another role that may write it";
    assert_eq!((error.kind(), error.help_text()), (Kind::Database, Some(help)));
    site.run("reset role; drop owned by reader; drop role reader").await;
}
