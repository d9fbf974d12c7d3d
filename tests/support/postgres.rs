//! A real Postgres for tests: one server per test process, a database of its own per test.
//! Its programs are those of `FRIEZE_TEST_PGBIN`, or what `scripts/test-postgres.sh` fetches, once.
//!
//! The server goes when the process does, however it ends: a shell waits for the end of its
//! input, which this process holds. Postgres refuses to run as root, so root's runs as nobody.

#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Fetches a server for the tests if it is not there yet, and prints its bin folder.
const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-postgres.sh");

/// Who logs in with a password; everybody else on this machine needs none.
pub const PASSWORD_USER: &str = "with_password";
pub const PASSWORD: &str = "corr3ct-h0rse@battery/staple";

pub struct Cluster {
    port: u16,
    server: Child,
}

/// The server of this test process.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start).as_ref().unwrap_or_else(|why| panic!("{why}"))
}

/// A fresh database's address, to be used as `DATABASE_URL`.
pub async fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut admin = connect(&cluster().url("postgres")).await;
    run(&mut admin, &format!("create database {name}")).await;
    cluster().url(&name)
}

pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection to the test server")
}

pub async fn run(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.expect("SQL of the tests");
}

impl Cluster {
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server as a crash would, and starts it again; answers before it does.
    pub fn crash(&self) {
        let mut shell = self.server.stdin.as_ref().expect("the shell's input");
        std::io::Write::write_all(&mut shell, b"again\n").expect("a shell that listens");
    }

    /// A server of one's own, to do with as one likes.
    pub fn start() -> Result<Self, String> {
        let programs = Programs::find()?;
        let home = std::env::temp_dir().join(format!("frieze-pg-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&home).expect("a folder for the test server");
        let owner = if output("id", &["-u"]) == "0" { Some("nobody") } else { None };
        let binaries = programs.reachable(&home, owner);
        if let Some(owner) = owner {
            succeed("chown", &["-R".as_ref(), owner.as_ref(), home.as_os_str()]);
        }
        let port = free_port();
        let server = shell(owner)
            .env("BIN", binaries)
            .env("PLACE", &home)
            .env("PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let cluster = Self { port, server };
        cluster.wait(&home)?;
        Ok(cluster)
    }

    /// Until it answers; the log says why if it does not.
    fn wait(&self, home: &Path) -> Result<(), String> {
        let url = self.url("postgres");
        let waiting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(first_answer(&url));
        });
        waiting.join().map_err(|_| {
            let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
            format!("the test server does not start: {log}")
        })
    }
}

const SERVE: &str = r#"
set -e
cd "$PLACE"
"$BIN/initdb" --pgdata data --username postgres --auth trust --encoding UTF8 --locale C --no-sync >log 2>&1
{ echo "host all with_password 127.0.0.1/32 scram-sha-256"; cat data/pg_hba.conf; } >hba
cp hba data/pg_hba.conf
start() {
    "$BIN/postgres" -D data -p "$PORT" -k "$PLACE" -c listen_addresses=127.0.0.1 -c fsync="${FRIEZE_TEST_FSYNC:-off}" \
        -c max_connections=60 -c shared_buffers="${FRIEZE_TEST_BUFFERS:-32MB}" >>log 2>&1 &
    server=$!
}
start
while read -r _; do
    kill -QUIT $server
    wait $server || true
    start
done
kill -INT $server
wait $server || true
cd /
rm -rf "$PLACE"
"#;

async fn first_answer(url: &str) {
    let begun = Instant::now();
    let mut connection = loop {
        match PgConnection::connect(url).await {
            Ok(connection) => break connection,
            Err(error) if begun.elapsed() > Duration::from_mins(1) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let create = format!("create role {PASSWORD_USER} login password '{PASSWORD}'");
    run(&mut connection, &create).await;
}

/// The server's programs, and the folder that holds all they need.
struct Programs {
    bin: PathBuf,
    install: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, String> {
        if let Some(named) = std::env::var_os("FRIEZE_TEST_PGBIN") {
            let bin = PathBuf::from(named);
            let install = bin.parent().unwrap_or(&bin).to_owned();
            return Ok(Self { bin, install });
        }
        // target/debug/deps/this-test
        let test = std::env::current_exe().expect("this program's path");
        let target = test.ancestors().nth(3).expect("a target folder");
        let bin = fetched(target)?;
        let inside = bin.strip_prefix(target).expect("a folder in the target folder");
        let install = target.join(inside.iter().next().expect("its name"));
        Ok(Self { bin, install })
    }

    /// The bin folder, or that of a copy where the other user may not look into the first.
    fn reachable(self, home: &Path, owner: Option<&str>) -> PathBuf {
        let Some(owner) = owner else { return self.bin };
        let mut look = Command::new("runuser");
        look.args(["-u", owner, "--", "test", "-x"]).arg(self.bin.join("postgres"));
        if look.status().is_ok_and(|status| status.success()) {
            return self.bin;
        }
        let copy = home.join("install");
        succeed("cp", &["-r".as_ref(), self.install.as_os_str(), copy.as_os_str()]);
        copy.join(self.bin.strip_prefix(&self.install).expect("bin lies in its folder"))
    }
}

/// What the script fetched into this target folder: test processes wait for each other here, so
/// that only the first has to.
fn fetched(target: &Path) -> Result<PathBuf, String> {
    let lock = File::create(target.join("test-postgres.lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let mut fetch = Command::new("sh");
    fetch.arg(FETCH).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    let output = fetch.output().expect("a shell");
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("no PostgreSQL for the tests: {FETCH} failed:\n{why}"));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn shell(owner: Option<&str>) -> Command {
    let mut shell = match owner {
        None => Command::new("sh"),
        Some(owner) => {
            let mut command = Command::new("runuser");
            command.args(["-u", owner, "--", "sh"]);
            command
        }
    };
    shell.args(["-c", SERVE]);
    shell
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn succeed(program: &str, arguments: &[&OsStr]) {
    let status = Command::new(program).args(arguments).status().expect(program);
    assert!(status.success(), "{program} failed");
}
