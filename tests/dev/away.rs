//! A database that is away: at the start, for long, and without saying so. Files are edited
//! meanwhile as ever, and once it is back everything is caught up with.

use crate::kit::Server;
use crate::proxy::{Line, Proxy};
use crate::rows::{bench, reader, sql};
use crate::site::Site;

/// The small site by way of a line, and the database's own address.
fn behind(line: Line, polls: bool) -> (Site, String, Proxy) {
    let (mut site, url) = bench();
    let proxy = Proxy::to(&url, line);
    let address = if polls { reader(&url) } else { url.clone() };
    site.database_url = Some(proxy.url(&address));
    (site, url, proxy)
}

/// A template is edited, and on the screen.
fn edit(site: &Site, server: &Server, word: &str) {
    site.write("templates/pages/project.html", format!("<p>{word}</p>{{{{ row.description }}}}"));
    server.until_holds("/projects/a/", &format!("<p>{word}</p>"));
}

#[test]
fn a_database_that_is_away_at_the_start_is_waited_for() {
    let (site, _, proxy) = behind(Line::Cut, false);
    let server = Server::dev(&site, &[]);
    assert_eq!(server.get("/").status, 503);
    assert!(server.fault("/").contains("database"), "{}", server.fault("/"));
    proxy.set(Line::Through);
    server.until_holds("/projects/a/", "body-a");
    server.told("mended");
    server.until_well("/");
    server.until_listening();
}

fn a_long_outage(polls: bool) {
    let (site, url, proxy) = behind(Line::Through, polls);
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    proxy.set(Line::Cut);
    server.told("error");
    server.until_fault("/", "class=\"fault\"");
    sql(&url, "update projects set description = 'meanwhile' where slug = 'a'");
    edit(&site, &server, "edited while it is away");
    assert!(server.text("/projects/a/").contains("body-a"), "the last rows stay");
    let before: Vec<_> = server.all_told();
    assert!(before.iter().all(|line| line.get("error").is_none()), "told twice: {before:?}");
    proxy.set(Line::Through);
    server.until_holds("/projects/a/", "meanwhile");
    server.told("mended");
    server.until_well("/");
    sql(&url, "update projects set description = 'afterwards' where slug = 'a'");
    server.until_holds("/projects/a/", "afterwards");
}

#[test]
fn a_long_outage_is_told_once_and_caught_up_with_where_rows_are_asked_for() {
    a_long_outage(true);
}

#[test]
fn a_long_outage_is_told_once_and_caught_up_with_where_triggers_tell() {
    a_long_outage(false);
}

#[test]
fn a_network_that_swallows_everything_holds_up_no_edit_of_a_file() {
    let (site, url, proxy) = behind(Line::Through, true);
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    proxy.set(Line::Silent);
    sql(&url, "update projects set description = 'meanwhile' where slug = 'a'");
    // Until somebody notices, and afterwards.
    for round in 0.. {
        edit(&site, &server, &format!("round {round}"));
        if server.get("/_frieze/fault?path=/").status == 200 {
            break;
        }
    }
    let fault = server.fault("/");
    assert!(fault.contains("database"), "{fault}");
    proxy.set(Line::Through);
    server.until_holds("/projects/a/", "meanwhile");
    server.until_well("/");
}

#[test]
fn who_says_stop_twice_is_not_kept_waiting() {
    let (site, _, proxy) = behind(Line::Through, false);
    let server = Server::dev(&site, &[]);
    server.until_listening();
    // The triggers cannot be taken away: that is waited for, but not for long.
    proxy.set(Line::Silent);
    server.signal("-INT");
    server.until_closed();
    server.signal("-INT");
    assert_eq!(server.ended(), Some(130));
    let server = Server::dev(&Site::small(), &[]);
    server.signal("-INT");
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn a_database_that_does_not_answer_does_not_keep_the_server_from_stopping() {
    let (site, _, proxy) = behind(Line::Through, true);
    let server = Server::dev(&site, &[]);
    proxy.set(Line::Silent);
    assert_eq!(server.stop(), Some(0));
}
