//! The job under the real `pg_cron`, which runs it once a minute.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

use crate::PATIENCE;
use crate::kit::{Kit, NET};
use crate::site::Site;

const FIND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-cron.sh");

/// The server goes when the test process does: its shell waits for the end of its input.
const SERVE: &str = r#"
set -e
cd "$PLACE"
exec >log 2>&1
"$BIN/initdb" --pgdata data --username postgres --auth trust --encoding UTF8 --locale C --no-sync
"$BIN/postgres" -D data -p "$PORT" -k "$PLACE" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c shared_preload_libraries=pg_cron -c cron.database_name=site -c cron.use_background_workers=on &
server=$!
read -r _ || true
kill -INT $server
wait || true
cd /
rm -rf "$PLACE"
"#;

struct Server {
    url: String,
    _shell: Child,
}

async fn server() -> Server {
    let found = Command::new("sh").arg(FIND).stdin(Stdio::null()).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let bin = String::from_utf8(found.stdout).unwrap();
    let home = std::env::temp_dir().join(format!("frieze-cron-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&home).unwrap();
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut shell = if is_root {
        assert!(
            Command::new("chown").args(["-R", "nobody"]).arg(&home).status().unwrap().success()
        );
        let mut shell = Command::new("runuser");
        shell.args(["-u", "nobody", "--", "sh"]);
        shell
    } else {
        Command::new("sh")
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    shell
        .args(["-c", SERVE])
        .env("BIN", bin.trim())
        .env("PLACE", &home)
        .env("PORT", port.to_string());
    let shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let url = |name: &str| format!("postgres://postgres@127.0.0.1:{port}/{name}");
    let begun = Instant::now();
    let mut admin = loop {
        match PgConnection::connect(&url("postgres")).await {
            Ok(connection) => break connection,
            Err(error) => {
                let log = || std::fs::read_to_string(home.join("log")).unwrap_or_default();
                assert!(begun.elapsed() < PATIENCE, "{error}: {}", log());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    crate::postgres::run(&mut admin, "create database site").await;
    Server { url: url("site"), _shell: shell }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_runs_by_itself_until_it_is_removed() {
    let server = server().await;
    let mut site = Site::small();
    site.database_url = Some(server.url.clone());
    site.edit("frieze.toml", "[layouts]", "[hook]\nquiet_seconds = 1\n\n[layouts]");
    let connection = crate::postgres::connect(&server.url).await;
    let mut kit = Kit { site, url: server.url.clone(), connection };
    assert_eq!(kit.site.run(&["db", "migrate"]).code, 0);
    kit.sql(NET).await;
    let run = kit.run_with(&["hook", "install"], &[("DEPLOY_HOOK_URL", "https://host.example/x")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("A job runs every minute: it calls the deploy hook after 1 s of quiet"),
        "{}",
        run.stdout
    );
    kit.ok(&["hook", "install"]);
    assert_eq!(
        kit.text("select string_agg(jobname || ' ' || schedule, ', ') from cron.job").await,
        "frieze-redeploy * * * * *"
    );

    kit.sql("insert into projects (title, slug) values ('New', 'new')").await;
    let begun = Instant::now();
    while kit.calls().await == 0 {
        let runs = kit.text("select string_agg(status || ': ' || return_message, '; ') from cron.job_run_details").await;
        assert!(begun.elapsed() < PATIENCE, "no call: {runs}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(kit.text("select url from net.calls").await, "https://host.example/x");
    let status = kit.ok(&["hook", "status"]).stdout;
    assert!(status.contains("Job: * * * * *, last ") && status.contains("sent"), "{status}");

    kit.ok(&["hook", "remove"]);
    assert_eq!(kit.text("select count(*) from cron.job").await, "0");
}
