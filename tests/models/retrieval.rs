//! How well memories are found: a small labelled set, on the way that `frieze memory search` goes,
//! with the built-in embeddings. Each question has one memory that answers it.

use frieze::enrich::ask::Asker;
use frieze::enrich::embedding::lexical;
use frieze::enrich::memory::Wanted;
use frieze::enrich::queue::{self, Ask, NewTask};
use frieze::enrich::{Effect, NewMemory, record};
use serde_json::json;
use uuid::Uuid;

use crate::world::shared;

/// As tasks leave them: what was asked and answered, and lessons.
const MEMORIES: [(&str, &str); 28] = [
    (
        "tidebook",
        "title: Tidebook summary: Arrivals and water levels for small harbours technologies: Rust, Postgres → Tidebook shows harbour masters which boats arrive tonight and how deep the water will be.",
    ),
    (
        "lectern",
        "title: Lectern summary: A reading stand that follows the light technologies: C, ESP32 → Lectern turns a book towards the window and dims its lamp when evening comes.",
    ),
    (
        "seedbank",
        "title: Seed Bank summary: A lending library for vegetable seeds → Gardeners borrow seeds in spring and give back what they harvested in autumn.",
    ),
    (
        "nightbus",
        "title: Night Bus summary: Timetables that fit on one page technologies: Python → Prints the departures of late buses for each stop on a single sheet of paper.",
    ),
    (
        "choir",
        "title: Choir Folder summary: Sheet music for amateur singers → Keeps scores, rehearsal dates and recordings for a choir of forty voices.",
    ),
    (
        "bakery",
        "title: Oven Planner summary: Schedules for a village bakery technologies: TypeScript → Works out when dough must be mixed so that bread leaves the oven before the shop opens.",
    ),
    (
        "glacier",
        "title: Glacier Watch summary: Photographs of ice from fixed cameras technologies: Python, OpenCV → Compares daily pictures of a glacier and measures how far the ice has retreated.",
    ),
    (
        "ledger",
        "title: Club Ledger summary: Bookkeeping for associations → Treasurers enter fees and receipts, and get the yearly statement for the tax office.",
    ),
    (
        "braille",
        "title: Dot Press summary: Braille labels at home technologies: Rust → Translates text to braille and drives a cheap embosser to print labels for jars and medicine.",
    ),
    (
        "compost",
        "title: Compost Diary summary: Temperature of heaps → Logs the temperature inside compost heaps and says when to turn them.",
    ),
    (
        "chess",
        "title: Correspondence summary: Chess by postcard technologies: Elm → Draws the board after every move and makes a postcard of it to send by mail.",
    ),
    (
        "alps",
        "title: Hut Finder summary: Mountain huts with free beds technologies: Go, Redis → Hikers see which alpine huts still have beds for the night along their route.",
    ),
    (
        "looms",
        "title: Weft summary: Patterns for hand looms → Designs weaving patterns and counts the yarn that each colour takes.",
    ),
    (
        "radio",
        "title: Shortwave Log summary: A listener's notebook technologies: SQLite → Records which radio stations were heard, at what frequency and how clearly.",
    ),
    (
        "alt-harbour",
        "file name: harbour-at-dusk.jpg title: Tidebook → Fishing boats moored at a stone quay under an orange sky",
    ),
    (
        "alt-oven",
        "file name: oven.png title: Oven Planner → Loaves of bread on a wooden peel in front of a brick oven",
    ),
    (
        "alt-hut",
        "file name: hut_03.jpg title: Hut Finder → A wooden cabin with red shutters below a snowy peak",
    ),
    (
        "alt-portrait",
        "file name: me.jpg name: Ada → A woman with short grey hair laughing at a workbench",
    ),
    (
        "alt-chart",
        "file name: fees-2025.svg title: Club Ledger → Bar chart of membership fees for each month of 2025",
    ),
    (
        "seo-weft",
        "title: Weft → Weft, a pattern designer for hand weavers · Draw weaving drafts in the browser, print them, and know how much yarn to buy before you warp the loom.",
    ),
    (
        "seo-choir",
        "title: Choir Folder → Choir Folder: scores and rehearsals in one place · Share sheet music with your singers and plan concerts without a mailing list.",
    ),
    (
        "seo-glacier",
        "title: Glacier Watch → Glacier Watch, ice in pictures · See how a glacier shrinks from year to year, measured on photographs of fixed cameras.",
    ),
    ("skills-rust", "known: Go, Python lacking: rust, Rust → Rust, category Languages"),
    ("skills-redis", "known: Postgres lacking: redis → Redis, category Databases"),
    ("lesson-short", "The owner writes short sentences and never uses exclamation marks."),
    ("lesson-names", "Product names stay as they are written; do not translate Tidebook or Weft."),
    (
        "lesson-length",
        "Descriptions for search engines were refused twice because they were longer than 160 characters.",
    ),
    ("lesson-german", "When the summary is in German the description has to be in German, too."),
];

const QUESTIONS: [(&str, &str); 36] = [
    ("which boats arrive in the harbour tonight", "tidebook"),
    ("water depth for small ports and harbours", "tidebook"),
    ("a stand for reading books by the window", "lectern"),
    ("lamp that dims in the evening", "lectern"),
    ("borrowing vegetable seeds in spring", "seedbank"),
    ("library where gardeners lend seeds", "seedbank"),
    ("bus departures on one sheet of paper", "nightbus"),
    ("late night bus timetable", "nightbus"),
    ("recordings and rehearsal dates for singers", "choir"),
    ("when does the baker have to mix the dough", "bakery"),
    ("bread ready before the shop opens", "bakery"),
    ("measure how much the ice retreats with cameras", "glacier"),
    ("yearly statement for taxes of an association", "ledger"),
    ("printing labels for blind people in braille", "braille"),
    ("when should I turn the compost", "compost"),
    ("playing chess by mail with postcards", "chess"),
    ("free beds for hikers in mountain huts", "alps"),
    ("how much yarn does a weaving pattern need", "looms"),
    ("radio stations heard on shortwave", "radio"),
    ("picture of fishing boats under an orange sky", "alt-harbour"),
    ("photo of loaves in front of the oven", "alt-oven"),
    ("image with a wooden cabin and snow", "alt-hut"),
    ("woman laughing with grey hair", "alt-portrait"),
    ("chart of the fees paid each month", "alt-chart"),
    ("search text for the weaving pattern designer", "seo-weft"),
    ("share sheet music and plan concerts", "seo-choir"),
    ("how glaciers shrink from year to year", "seo-glacier"),
    ("is rust a language we list", "skills-rust"),
    ("which category has redis", "skills-redis"),
    ("does the owner like exclamation marks", "lesson-short"),
    ("may product names be translated", "lesson-names"),
    ("why were search descriptions refused", "lesson-length"),
    ("language of the description when the text is German", "lesson-german"),
    ("seaside mooring times for vessels", "tidebook"),
    ("accounting software for a sports club", "ledger"),
    ("somewhere to sleep in the Alps", "alps"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_that_answers_is_among_the_first_five() {
    let connection = shared().await;
    let run_id = Uuid::new_v4();
    {
        let mut connection = connection.lock().await;
        queue::add(&mut connection, &NewTask::new("seo_meta")).await.unwrap();
        let (worker, types, lease) = ("tester", &[][..], std::time::Duration::from_mins(1));
        let ask = Ask { worker, count: 1, lease, types, except: &[], run_id };
        let task = queue::claim(&mut connection, &ask).await.unwrap().remove(0);
        let memory = |(label, content): &(&str, &str)| NewMemory {
            agent_id: "seo_meta".to_owned(),
            thought_type: "observation",
            content: (*content).to_owned(),
            vector: lexical::embed(content).unwrap(),
            embedding_model: lexical::MODEL.to_owned(),
            metadata: json!({"label": label}),
        };
        let effect =
            Effect { memories: MEMORIES.iter().map(memory).collect(), ..Effect::default() };
        record::finish(&mut connection, &task, &effect, run_id).await.unwrap();
    }
    let asker = Asker::new(&crate::settings(""), connection.clone()).unwrap();
    let wanted = Wanted { agent: None, types: &[], with_private: true, most: 5 };
    let (mut first, mut within) = (0_u32, 0_u32);
    for (words, label) in QUESTIONS {
        let content = MEMORIES.iter().find(|it| it.0 == label).unwrap().1;
        let found = asker.search(words, &wanted, false).await.unwrap().memories;
        assert_eq!(found.len(), 5);
        let place = found.iter().position(|it| it.content == content);
        if place != Some(0) {
            say!("{words:?} finds {label} at {place:?}, after {:?}", found[0].content);
        }
        first += u32::from(place == Some(0));
        within += u32::from(place.is_some());
    }
    let all = f64::from(u32::try_from(QUESTIONS.len()).unwrap());
    let (first, within) = (f64::from(first) / all, f64::from(within) / all);
    say!(
        "{} memories, {all} questions: hit rate {first:.3} at 1, {within:.3} at 5",
        MEMORIES.len()
    );
    assert!(within >= 0.93, "{within}");
    assert!(first >= 0.87, "{first}");
}
