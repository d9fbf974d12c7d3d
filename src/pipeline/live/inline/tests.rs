//! Which pages are looked at, and what is known of them.

use super::*;
use crate::theme::Template;

fn theme(files: &[(&str, &str)]) -> Theme {
    let template = |text: &str| Template { text: text.to_owned(), origin: String::new() };
    let templates = files.iter().map(|(name, text)| ((*name).to_owned(), template(text)));
    Theme { templates: templates.collect(), static_files: BTreeMap::new() }
}

#[test]
fn templates_whose_scripts_follow_from_data_are_found() {
    let fixed = [
        ("base.html", "{% if a %}x{% endif %}<script>a()</script><style>b{}</style>"),
        ("pages/a.html", "{% extends \"base.html\" %}<script src=\"{{ x }}\"></script>"),
        (
            "sections/b.html",
            "{% if x %}<script type=\"application/ld+json\">{{ y }}</script>{% endif %}",
        ),
    ];
    let one = theme(&fixed);
    assert!(!one.templates.iter().any(|(name, it)| varies(name, &it.text, &one)));
    for (name, text) in [
        ("pages/a.html", "<script>const a = {{ row.a | json }}</script>"),
        ("pages/a.html", "{%- if row.a -%}<script>a()</script>{% endif %}"),
        ("sections/b.html", "{% for a in b %}<style>a{}</style>{% endfor %}"),
        ("parts/film.html", "<script>play()</script>"),
    ] {
        assert!(varies(name, text, &one), "{name} {text}");
    }
}

#[test]
fn a_row_that_changed_is_looked_for_on_its_page_and_on_those_of_many() {
    let page = |path: &str, body: Body| Page {
        path: path.to_owned(),
        title: String::new(),
        description: String::new(),
        image: None,
        updated: None,
        template: "pages/a.html".to_owned(),
        body,
    };
    let row = |row| Body::Row { collection: "posts".to_owned(), row, collections: Vec::new() };
    let pages = [
        page("/", Body::Fixed { collections: Vec::new() }),
        page("/a/", row(0)),
        page("/b/", row(1)),
        page("/404.html", Body::NotFound),
    ];
    let inline = Inline::default();
    inline.begin(&theme(&[("pages/a.html", "<script>const a = {{ row.a }}</script>")]));
    assert_eq!(inline.unknown(&pages), ["/", "/a/", "/b/", "/404.html"]);
    for page in &pages {
        let source = format!("script-src '{}'", page.path);
        inline.learn(page, None, &[source]);
    }
    inline.changed(&pages, pages.get(2));
    assert_eq!(inline.sources(), BTreeSet::from(["script-src '/a/'".to_owned()]));
    assert_eq!(inline.unknown(&pages), ["/", "/b/", "/404.html"]);
    assert!(inline.unknown(&pages).is_empty());
}

#[test]
fn of_pages_that_stand_beside_their_like_one_is_taken() {
    let page = |path: &str, template: &str| Page {
        path: path.to_owned(),
        title: String::new(),
        description: String::new(),
        image: None,
        updated: None,
        template: template.to_owned(),
        body: Body::NotFound,
    };
    let pages = ["a", "a", "b", "a", "b", "c"].map(|template| page("/", template));
    let found = alike(&pages);
    let templates: Vec<&str> = found.iter().map(|(_, page)| page.template.as_str()).collect();
    assert_eq!(templates, ["a", "b", "c"]);
}

#[test]
fn what_is_gone_from_the_last_page_that_held_it_is_forgotten() {
    let page = |path: &str, template: &str| Page {
        path: path.to_owned(),
        title: String::new(),
        description: String::new(),
        image: None,
        updated: None,
        template: template.to_owned(),
        body: Body::NotFound,
    };
    let (one, two) = (page("/a/", "pages/a.html"), page("/b/", "pages/a.html"));
    let other = page("/c/", "pages/c.html");
    let pages = [one, two, other];
    let inline = Inline::default();
    inline.begin(&theme(&[]));
    assert_eq!(inline.unknown(&pages), ["/a/", "/c/"]);
    let needs = |name: &str| vec![format!("script-src '{name}'"), "file /x".to_owned()];
    inline.learn(&pages[0], None, &needs("s"));
    inline.learn(&pages[1], None, &needs("s"));
    inline.learn(&pages[2], None, &needs("t"));
    assert_eq!(inline.sources().len(), 2);
    inline.moved();
    assert!(inline.unknown(&pages[..2]).is_empty());
    assert_eq!(inline.sources(), BTreeSet::from(["script-src 's'".to_owned()]));
    // Two that look alike differ: from now on each page is looked at.
    inline.learn(&pages[1], None, &needs("u"));
    assert_eq!(inline.unknown(&pages), ["/a/", "/c/"]);
    inline.learn(&pages[0], None, &needs("s"));
    assert_eq!(inline.sources().len(), 2);
    inline.learn(&pages[1], None, &needs("s"));
    assert_eq!(inline.sources().len(), 1);
}
