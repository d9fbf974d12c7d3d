//! A row of a real database, on the screen.

use crate::chromium::Browser;
use crate::kit::Server;
use crate::postgres::{connect, database, run};
use crate::site::Site;
use crate::url;

#[test]
fn a_row_that_somebody_writes_is_on_the_screen() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = runtime.block_on(database());
    let mut site = Site::copy_of(".");
    site.database_url = Some(address.clone());
    for command in [["db", "migrate"], ["db", "seed"]] {
        let run = site.run(&command);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let page = browser.tab(&url(&server, "/projects/tidebook/"));
    let list = browser.tab(&url(&server, "/projects/"));
    page.eval("window.marked = 1");
    let write = |sql: &str| {
        runtime.block_on(async {
            let mut connection = connect(&address).await;
            run(&mut connection, sql).await;
            frieze::db::hang_up(connection).await;
        });
    };
    let sql = "update projects set title = 'Written by somebody' where slug = 'tidebook'";
    assert_eq!(page.after(|| write(sql)), "page");
    page.until("document.querySelector('h1').textContent.includes('Written by somebody')");
    list.until("document.querySelector('main').textContent.includes('Written by somebody')");
    assert_eq!(page.eval("window.marked"), 1);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
