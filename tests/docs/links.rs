//! Links between pages: the file is there, and so is the heading.

use std::path::Path;

use crate::page::{all, parts, prose, read, root};

/// What follows each `](`, up to the closing bracket, outside of code.
fn links(page: &str) -> Vec<String> {
    let prose: String = prose(page).split('`').step_by(2).collect();
    let ends = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.map(str::to_owned).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn relative_links_lead_somewhere() {
    let mut followed = 0;
    for page in all() {
        let text = read(&page);
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = page.parent().unwrap_or(Path::new(""));
            let target = if path.is_empty() { page.clone() } else { folder.join(path) };
            assert!(root().join(&target).exists(), "{}: {link} does not exist", page.display());
            if !heading.is_empty() {
                let headings = parts(&read(&target));
                let found = headings.iter().any(|(title, _)| anchor(title) == heading);
                assert!(found, "{}: {link} names no heading", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 40, "only {followed} links were followed");
}

#[test]
fn prose_is_wrapped() {
    for page in all() {
        let text = prose(&read(&page));
        for line in text.lines().filter(|line| !line.starts_with(['|', '!', '#'])) {
            assert!(line.chars().count() <= 112, "{}: {line}", page.display());
        }
    }
}
