//! Dev mode's own pages and files: what is wrong, what is near, what a page weighs.

use hyper::StatusCode;

use super::super::answer::Answer;
use super::super::faults::Shown;
use super::super::http::Asked;
use super::super::{near, overlay, status, table, types, weight};
use super::Desk;
use crate::error::Result;
use crate::pipeline::live::Found;
use crate::render::escaped;

impl Desk {
    /// What is wrong with a page, as it is shown over it. Where there is none, the site's page for
    /// what is missing is shown.
    pub(super) fn fault(&self, shown: &Shown) -> String {
        let live = self.live.blocking_read();
        let mut faults = self.faults.of(shown);
        if live.as_ref().is_some_and(|live| live.page_at(&shown.path).is_none()) {
            faults.extend(self.faults.of_page(&Shown::page("/404.html")));
        }
        faults.iter().map(|error| overlay::fault(error, live.as_ref())).collect()
    }

    pub(super) fn own(&self, name: &str, asked: &Asked) -> Answer {
        let html = |body: String| Answer::own(StatusCode::OK, types::of("/"), body);
        let shown = shown(&asked.parameter("path").unwrap_or_default());
        let path = shown.path.as_str();
        let some = |body: String| {
            if body.is_empty() {
                Answer::own(StatusCode::NO_CONTENT, types::of("/"), "")
            } else {
                html(body)
            }
        };
        match name {
            "client.js" => {
                Answer::own(StatusCode::OK, types::of(name), include_str!("../client/client.js"))
            }
            "frieze.css" => {
                Answer::own(StatusCode::OK, types::of(name), include_str!("../client/frieze.css"))
            }
            "fault" => some(self.fault(&shown)),
            "near" => some(self.near(path, table::link)),
            "" => html(status::page(self, &asked.parameter("find").unwrap_or_default())),
            "status.json" => Answer::own(StatusCode::OK, types::of(name), status::json(self)),
            "page" => match self.weighed(path) {
                Ok(Some(report)) => html(report),
                Ok(None) => {
                    let near = self.near(path, |near| table::report(near, near));
                    let near = format!("<section>{near}</section>");
                    let page = overlay::page("frieze", &near, None);
                    Answer::own(StatusCode::NOT_FOUND, types::of("/"), page)
                }
                Err(error) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, &error.report()),
            },
            _ => Answer::text(StatusCode::NOT_FOUND, "not found"),
        }
    }

    /// What may have been meant, each as a link.
    fn near(&self, path: &str, link: impl Fn(&str) -> String) -> String {
        let live = self.live.blocking_read();
        let Some(live) = live.as_ref() else { return String::new() };
        let links: Vec<_> = near::paths(live, path).iter().map(|near| link(near)).collect();
        let list = match links.as_slice() {
            [] => String::new(),
            links => format!("<ul class=\"near\"><li>{}</li></ul>", links.join("</li><li>")),
        };
        format!("<h2>There is no page {}</h2>{list}", escaped(path))
    }

    fn weighed(&self, path: &str) -> Result<Option<String>> {
        let Some(Found::Page(page)) = self.find(&Asked::path(path))? else { return Ok(None) };
        let live = self.live.blocking_read();
        let Some(live) = live.as_ref() else { return Ok(None) };
        weight::report(live, &self.at(), path, &page.html).map(Some)
    }
}

/// The page that a script asks about: an address as browsers have it.
fn shown(given: &str) -> Shown {
    let (path, query) = given.split_once('?').unwrap_or((given, ""));
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let query = (!query.is_empty()).then(|| query.to_owned());
    let mut asked = Asked::path(&path);
    asked.query = query;
    Shown::of(&asked)
}
