//! The sample site as visitors and hosts meet it, built by the real program from the embedded
//! Postgres.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/site.rs"]
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use site::{Site, tree};

/// The sample site, built once for all tests that only look at it.
fn sample() -> &'static BTreeMap<String, Vec<u8>> {
    static DIST: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    DIST.get_or_init(|| {
        let site = Site::copy_of(".");
        site.build();
        site.dist()
    })
}

fn text(path: &str) -> &'static str {
    let file = sample().get(path).unwrap_or_else(|| panic!("{path} was not published"));
    std::str::from_utf8(file).unwrap()
}

fn html_pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pages = sample().keys().filter(|path| path.ends_with(".html"));
    pages.map(|path| (path.as_str(), text(path)))
}

/// The values of an attribute, quoted or not.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for part in html.split(&format!(" {name}=")).skip(1) {
        let value = match part.chars().next() {
            Some(quote @ ('"' | '\'')) => part[1..].split(quote).next(),
            _ => part.split([' ', '>']).next(),
        };
        values.push(value.unwrap_or_default().replace("&amp;", "&"));
    }
    values
}

#[test]
fn every_page_of_the_portfolio_is_there() {
    for path in [
        "index.html",
        "about/index.html",
        "projects/index.html",
        "404.html",
        "atom.xml",
        "sitemap.xml",
        "robots.txt",
        "site.webmanifest",
        "health.json",
        "health-pages.json",
        "_headers",
        "_redirects",
        "api/v1/portfolio/full.json",
        "favicon.ico",
        "projects/tidebook/index.html",
    ] {
        assert!(sample().contains_key(path), "{path} is missing");
    }
    let projects = sample().keys().filter(|path| path.starts_with("projects/")).count();
    assert_eq!(projects, 7, "six projects and their list");
}

#[test]
fn every_page_is_complete() {
    for (path, html) in html_pages() {
        let html = html.replace('"', "");
        assert!(html.starts_with("<!doctype html><html lang=en>"), "{path}");
        assert_eq!(html.matches("<h1").count(), 1, "{path}: headings of level 1");
        for needed in ["<title>", "name=viewport", "og:title", "<main", "class=skip"] {
            assert!(html.contains(needed), "{path} lacks {needed}");
        }
        let canonical = html.contains("rel=canonical");
        assert_eq!(canonical, path != "404.html", "{path}: the canonical address");
        assert!(
            !html.contains(" style="),
            "{path} has a style attribute, which the policy refuses"
        );
        let shell: String =
            html.split("<pre").map(|part| part.rsplit("</pre>").next().unwrap()).collect();
        assert!(!shell.contains("\n  "), "{path} is not minified");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for (path, html) in html_pages() {
        let links = attributes(html, "href").into_iter().chain(attributes(html, "src"));
        for link in links.filter(|link| link.starts_with('/')) {
            let target = link.split('#').next().unwrap().trim_start_matches('/');
            let file = if target.is_empty() || target.ends_with('/') {
                format!("{target}index.html")
            } else {
                target.to_owned()
            };
            assert!(sample().contains_key(&file), "{path} links to {link}, which is not there");
            checked += 1;
        }
    }
    assert!(checked > 200, "only {checked} links found");
}

#[test]
fn every_fragment_has_its_element() {
    for (path, html) in html_pages() {
        let ids: BTreeSet<_> = attributes(html, "id").into_iter().collect();
        assert_eq!(ids.len(), attributes(html, "id").len(), "{path} uses an id twice");
        for link in attributes(html, "href").iter().filter_map(|link| link.strip_prefix('#')) {
            assert!(ids.contains(link), "{path} has no element with the id {link}");
        }
    }
}

#[test]
fn images_reserve_their_space() {
    let mut images = 0;
    for (path, html) in html_pages() {
        for tag in html.split("<img ").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let tag = tag.replace('"', "");
            // A placeholder lies below its image, and is nothing to be described.
            let src = if tag.contains("alt= ") && tag.contains("src=data:image/webp") {
                "src=data:"
            } else {
                "src=/_assets/"
            };
            for attribute in [src, "width=", "height=", "alt"] {
                assert!(tag.contains(attribute), "{path}: <img {tag}> lacks {attribute}");
            }
            images += 1;
        }
    }
    assert!(images > 20, "only {images} images found");
}

#[test]
fn only_the_first_image_of_the_page_itself_hurries() {
    assert_eq!(text("index.html").matches("fetchpriority").count(), 1, "the portrait");
    let about = text("about/index.html");
    assert!(about.contains("<img"), "an image stands first in a slot");
    assert!(!about.contains("fetchpriority"), "it is not the first thing to be seen");
    assert!(about.contains("36rem"), "and is no wider than its slot");
}

#[test]
fn the_policy_allows_every_inline_script_and_nothing_else() {
    let headers = text("_headers");
    let policy = headers.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    let scripts: BTreeSet<_> = html_pages()
        .flat_map(|(_, html)| html.split("<script>").skip(1))
        .map(|rest| rest.split("</script>").next().unwrap())
        .collect();
    assert!(!scripts.is_empty());
    assert_eq!(policy.matches("'sha256-").count(), scripts.len(), "{policy}");
}

#[test]
fn fingerprinted_files_may_be_kept_for_ever() {
    let headers = text("_headers");
    let (_, rule) = headers.split_once("/_assets/*").unwrap();
    let rule = rule.split("\n/").next().unwrap();
    assert!(rule.contains("max-age=31536000, immutable"), "{rule}");
    for path in sample().keys().filter(|path| path.starts_with("_assets/")) {
        let hash = path.rsplit('.').nth(1).unwrap();
        assert!(hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{path}");
    }
}

#[test]
fn styles_and_scripts_are_light() {
    let css = sample().iter().filter(|(path, _)| path.ends_with(".css"));
    let css: usize = css.map(|(_, bytes)| bytes.len()).sum();
    assert!(css < 20_000, "{css} bytes of CSS");
    let font = sample().iter().filter(|(path, _)| path.ends_with(".woff2"));
    assert!(font.clone().all(|(_, bytes)| bytes.len() < 40_000));
    for (path, html) in html_pages() {
        let scripts =
            html.split("<script>").skip(1).map(|s| s.split("</script>").next().unwrap().len());
        assert!(scripts.sum::<usize>() < 2_000, "{path}");
    }
}

#[test]
fn data_for_clients_keeps_its_shape() {
    let data: serde_json::Value = serde_json::from_str(text("api/v1/portfolio/full.json")).unwrap();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["personal", "skills", "projects", "experience", "solutions"]);
    assert!(data["personal"]["name"].is_string());
    let order = |list: &str, column: &str| -> Vec<String> {
        let rows = data[list].as_array().unwrap().iter();
        rows.map(|row| row[column].as_str().unwrap().to_owned()).collect()
    };
    let categories = order("skills", "category");
    assert!(categories.is_sorted(), "{categories:?}");
    let starts = order("experience", "start_date");
    assert!(starts.iter().rev().is_sorted(), "{starts:?}");
}

#[test]
fn health_names_program_and_content() {
    let health: serde_json::Value = serde_json::from_str(text("health.json")).unwrap();
    assert_eq!(health["generator"], "frieze");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn the_sitemap_lists_every_page_but_404() {
    let sitemap = text("sitemap.xml");
    let pages = html_pages().filter(|(path, _)| *path != "404.html").count();
    assert_eq!(sitemap.matches("<loc>").count(), pages);
    assert!(sitemap.contains("<loc>https://frieze.example/about/</loc>"), "{sitemap}");
    assert!(text("robots.txt").contains("Sitemap: https://frieze.example/sitemap.xml"));
}

#[test]
fn the_feed_holds_the_projects() {
    let feed = text("atom.xml");
    assert_eq!(feed.matches("<entry>").count(), 6, "{feed}");
    assert!(feed.contains("https://frieze.example/projects/tidebook/"), "{feed}");
}

#[test]
fn hidden_rows_and_drafts_reach_no_byte() {
    let site = Site::copy_of(".");
    site.write(
        "content/testimonials/hidden.toml",
        "author_name = \"Xyzzy Hidden\"\ncontent = \"Xyzzy-hidden-words\"\nis_visible = false\n\
         avatar_url = \"images/people/xyzzy.svg\"\n",
    );
    site.write(
        "content/images/people/xyzzy.svg",
        "<svg viewBox='0 0 1 1'><title>Xyzzy</title></svg>",
    );
    let draft =
        std::fs::read_to_string(site.root.join("content/page_layouts/home-draft.toml")).unwrap();
    assert!(draft.contains("is_published = false"));
    site.write(
        "content/page_layouts/draft.json",
        r#"{"page_name": "home", "version": 99, "is_published": false, "layout_json":
           {"sections": [{"id": "heading", "config": {"text": "Xyzzy-draft-heading"}}]}}"#,
    );
    site.build();
    for (path, bytes) in site.dist() {
        assert!(!path.contains("xyzzy"), "{path} is the picture of a row that nobody may see");
        let found = memchr::memmem::find(&bytes, b"Xyzzy");
        assert!(found.is_none(), "{path} holds what nobody may see");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let site = Site::copy_of(".");
    let build = |zone: &str, locale: &str, threads: &str, output: &str| {
        let mut command = site.command(&["build", "--output", output]);
        command.current_dir(&site.root).env("TZ", zone).env("LC_ALL", locale);
        let run = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        tree(&site.root.join(output))
    };
    let one = build("Asia/Kathmandu", "tr_TR.UTF-8", "1", "one");
    site.run(&["db", "reset"]);
    let two = build("America/St_Johns", "C", "7", "two");
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(two[path] == *bytes, "{path} differs between two builds");
    }
}

#[test]
fn a_second_build_writes_only_what_changed() {
    let site = Site::copy_of(".");
    site.build();
    let again: serde_json::Value =
        serde_json::from_str(&site.run(&["build", "--json"]).stdout).unwrap();
    assert_eq!((&again["written"], &again["reused"]), (&0.into(), &again["pages"]));
    site.edit(
        "content/projects/tidebook.md",
        "+++\n\n",
        "+++\n\nA sentence that was not there.\n\n",
    );
    let edited: serde_json::Value =
        serde_json::from_str(&site.run(&["build", "--json"]).stdout).unwrap();
    assert!(site.page("projects/tidebook/index.html").contains("A sentence that was not there."));
    let written = edited["written"].as_u64().unwrap();
    assert!((1..12).contains(&written), "{written} files written for one edited row");
}

#[test]
fn killed_at_any_moment_the_site_stays_whole() {
    let site = Site::copy_of(".");
    site.build();
    let generation = |site: &Site| -> BTreeSet<String> {
        let pages = site.dist();
        let pages = pages.iter().filter(|(path, _)| path.ends_with(".html"));
        pages
            .map(|(_, html)| {
                let html = std::str::from_utf8(html).unwrap();
                let (_, rest) = html.split_once("og:site_name\" content=\"").unwrap();
                rest.split('"').next().unwrap().to_owned()
            })
            .collect()
    };
    let mut title = "Solène Achard".to_owned();
    for round in 0..12u64 {
        let next = format!("Generation{round}");
        site.edit("frieze.toml", &format!("title = \"{title}\""), &format!("title = \"{next}\""));
        title = next;
        let mut build =
            site.command(&["build"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * round * 13 % 900));
        build.kill().unwrap();
        build.wait().unwrap();
        let seen = generation(&site);
        assert_eq!(seen.len(), 1, "pages of several builds at once: {seen:?}");
    }
    site.build();
    assert!(generation(&site).iter().all(|name| name.contains("Generation11")));
}

/// A template taken apart and put together wrongly would show here first.
#[test]
fn every_element_is_closed_and_known() {
    let void = ["meta", "link", "img", "br", "hr", "input", "source", "!doctype"];
    let shapes = ["path", "circle", "line", "rect", "ellipse", "polyline"];
    let known = "a article aside blockquote body button cite circle code dd del div dl dt ellipse em \
        figcaption figure footer g h1 h2 h3 h4 h5 h6 head header html i li line main nav ol p path \
        polyline pre rect script section small span strong sup svg table tbody td th thead time title tr \
        ul address b abbr blockquote defs filter kbd mark q s sub";
    for (path, html) in html_pages() {
        let mut open: Vec<String> = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            let end = rest.find('>').unwrap();
            let name = rest[..end].split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap();
            if rest.starts_with('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{path}: </{name}> closes another");
            } else if !(void.contains(&name)
                || shapes.contains(&name) && rest[..end].ends_with('/'))
            {
                assert!(known.split_whitespace().any(|it| it == name), "{path} has a <{name}>");
                open.push(name.to_owned());
            }
            if name == "script" && !rest.starts_with('/') {
                rest = &rest[rest.find("</script>").unwrap()..];
            }
        }
        assert!(open.is_empty(), "{path} leaves {open:?} open");
    }
}

#[test]
fn for_vercel_the_output_folder_is_its_build_output() {
    let site = Site::copy_of(".");
    let run = site.run(&["build", "--target", "vercel"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let output = tree(&site.root.join(".vercel/output"));
    let config: serde_json::Value = serde_json::from_slice(&output["config.json"]).unwrap();
    assert_eq!(config["version"], 3);
    let routes = config["routes"].to_string();
    for needed in ["Content-Security-Policy", "sha256-", "immutable", "filesystem", "404"] {
        assert!(routes.contains(needed), "no {needed} in {routes}");
    }
    assert!(output.contains_key("static/index.html") && output.contains_key("static/404.html"));
    assert!(output.keys().all(|path| path.starts_with("static/") || path == "config.json"));
}
