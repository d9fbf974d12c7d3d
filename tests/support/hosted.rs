//! What hosts offer, in the test process: a Postgres that speaks TLS with a certificate of its own
//! authority, and `PgBouncer` before it in session mode, in transaction mode, with a certificate that
//! has expired, full, and before a server that is gone. All go when the process does.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const FIND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-hosted.sh");

/// The owner of what the tests make: no superuser, as on a hosted database.
pub const USER: &str = "owner";
pub const PASSWORD: &str = "tr0ub4dor&3/é@";
const ENCODED: &str = "tr0ub4dor%263%2F%C3%A9%40";

/// Ways to the server, by port.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Direct,
    Session,
    Transaction,
    Expired,
    Full,
    Gone,
}

const PORTS: usize = 7;

/// The place of the port that nobody listens on.
const NOBODY: usize = 6;

pub struct Hosted {
    home: PathBuf,
    ports: [u16; PORTS],
    _servers: Child,
}

/// The servers of this test process.
pub fn hosted() -> &'static Hosted {
    static HOSTED: OnceLock<Hosted> = OnceLock::new();
    HOSTED.get_or_init(Hosted::start)
}

/// A new database that [`USER`] owns; its name.
pub async fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("site_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    run("postgres", &format!("create database {name} owner {USER}")).await;
    name
}

/// Runs statements as the server's superuser, who needs no password on the server's socket.
pub async fn run(database: &str, sql: &str) {
    let url = format!(
        "postgres:///{database}?host={}&port={}&user=postgres",
        hosted().home.display(),
        hosted().port(Way::Direct)
    );
    let mut connection = PgConnection::connect(&url).await.expect("the server's socket");
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("SQL of the tests");
}

impl Hosted {
    pub fn port(&self, way: Way) -> u16 {
        self.ports[way as usize]
    }

    /// The root certificate that proves the servers.
    pub fn authority(&self) -> PathBuf {
        self.home.join("ca.pem")
    }

    /// One that proves nobody here.
    pub fn stranger(&self) -> PathBuf {
        self.home.join("stranger.pem")
    }

    /// An address that checks everything there is to check.
    pub fn url(&self, way: Way, database: &str) -> String {
        let rest = format!("sslmode=verify-full&sslrootcert={}", self.authority().display());
        let pooler = if matches!(way, Way::Transaction) { "&pgbouncer=true" } else { "" };
        self.url_with(way, database, &format!("{rest}{pooler}"))
    }

    pub fn url_with(&self, way: Way, database: &str, parameters: &str) -> String {
        let port = self.port(way);
        format!("postgres://{USER}:{ENCODED}@localhost:{port}/{database}?{parameters}")
    }

    fn start() -> Self {
        let (bouncer, binaries) = programs();
        let home = std::env::temp_dir().join(format!("frieze-hosted-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&home).expect("a folder for the servers");
        certificates(&home);
        let ports = free_ports();
        bouncers(&home, &ports);
        let is_root = text(Command::new("id").arg("-u")).trim() == "0";
        if is_root {
            let owned = Command::new("chown").args(["-R", "nobody"]).arg(&home).status();
            assert!(owned.expect("chown").success());
        }
        let mut shell = if is_root { Command::new("runuser") } else { Command::new("sh") };
        if is_root {
            shell.args(["-u", "nobody", "--", "sh"]);
        }
        let servers = shell.args(["-c", SERVE]);
        servers.env("BIN", binaries).env("BOUNCER", bouncer).env("PLACE", &home);
        servers.env("PORT", ports[0].to_string()).env("LOGIN", format!("{USER}:{PASSWORD}"));
        servers.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let hosted = Self { home, ports, _servers: servers.spawn().expect("a shell") };
        hosted.wait();
        hosted
    }

    /// Until everything listens.
    fn wait(&self) {
        let begun = Instant::now();
        let ready = self.home.join("ready");
        let listens = |port: &u16| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok();
        while !ready.exists() || !self.ports[..NOBODY].iter().all(listens) {
            let log = || std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_mins(1), "no servers: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The server makes its own role; poolers know its password, as they must to log in for others.
const SERVE: &str = r#"
set -e
cd "$PLACE"
exec >log 2>&1
"$BIN/initdb" --pgdata data --username postgres --auth trust --encoding UTF8 --locale C --no-sync
cat >data/pg_hba.conf <<END
local all postgres trust
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl all all ::1/128 scram-sha-256
END
chmod 600 server.key expired.key
"$BIN/postgres" -D data -p "$PORT" -k "$PLACE" -c listen_addresses=localhost -c fsync=off \
    -c max_connections=40 -c shared_buffers=32MB -c ssl=on \
    -c ssl_cert_file="$PLACE/server.pem" -c ssl_key_file="$PLACE/server.key" &
server=$!
until "$BIN/psql" -h "$PLACE" -p "$PORT" -U postgres -qc \
    "create role ${LOGIN%%:*} login createrole createdb bypassrls password '${LOGIN#*:}'" postgres
do sleep 0.05; done
"$BIN/psql" -h "$PLACE" -p "$PORT" -U postgres -qc "
    create role anon nologin noinherit; create role authenticated nologin noinherit;
    create role service_role nologin bypassrls;
    grant anon, authenticated, service_role to ${LOGIN%%:*} with admin option" postgres
printf '"%s" "%s"\n' "${LOGIN%%:*}" "${LOGIN#*:}" >users.txt
bouncers=
for ini in *.ini; do
    "$BOUNCER" "$ini" &
    bouncers="$bouncers $!"
done
touch ready
read -r _ || true
kill -INT $bouncers $server
wait || true
cd /
rm -rf "$PLACE"
"#;

/// `PgBouncer`'s settings, but for what a way needs: its ports, and whatever it refuses by default.
fn bouncers(home: &Path, ports: &[u16; PORTS]) {
    let server = ports[Way::Direct as usize];
    let write = |name: &str, way: Way, to: u16, certificate: &str, more: &str| {
        let (port, place) = (ports[way as usize], home.display());
        let ini = format!(
            "[databases]\n* = host=localhost port={to}\n[pgbouncer]\nlisten_addr = localhost\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {place}/users.txt\nserver_tls_sslmode = verify-full\n\
             server_tls_ca_file = {place}/ca.pem\nclient_tls_sslmode = require\n\
             client_tls_cert_file = {place}/{certificate}.pem\n\
             client_tls_key_file = {place}/{certificate}.key\n{more}\n"
        );
        std::fs::write(home.join(format!("{name}.ini")), ini).expect("PgBouncer's settings");
    };
    write("session", Way::Session, server, "server", "pool_mode = session");
    // Two server connections for any number of clients: what one leaves behind, the next one meets.
    let shared = "pool_mode = transaction\ndefault_pool_size = 2";
    write("transaction", Way::Transaction, server, "server", shared);
    write("expired", Way::Expired, server, "expired", "pool_mode = session");
    write("full", Way::Full, server, "server", "pool_mode = session\nmax_client_conn = 1");
    let gone = "pool_mode = session\nquery_wait_timeout = 1";
    write("gone", Way::Gone, ports[NOBODY], "server", gone);
}

/// A certificate authority, a certificate for `localhost` that is good and one that was, and an
/// authority that signed neither.
fn certificates(home: &Path) {
    let put = |name: &str, text: String| std::fs::write(home.join(name), text).expect("a file");
    let authority = |name: &str| {
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = parameters.self_signed(&key).expect("a certificate").pem();
        (Issuer::new(parameters, key), pem)
    };
    let (issuer, pem) = authority("Test authority");
    put("ca.pem", pem);
    put("stranger.pem", authority("Somebody else").1);
    for (name, until) in [("server", 2124), ("expired", 2024)] {
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(2023, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().expect("a key");
        put(&format!("{name}.pem"), parameters.signed_by(&key, &issuer).expect("signed").pem());
        put(&format!("{name}.key"), key.serialize_pem());
    }
}

/// `PgBouncer`'s path and the bin folder of a server with TLS.
fn programs() -> (String, String) {
    let found = text(Command::new("sh").arg(FIND).stdin(Stdio::null()));
    let mut lines = found.lines().map(str::to_owned);
    lines.next().zip(lines.next()).expect("two lines")
}

fn text(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{why}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Ports held until all are known.
fn free_ports() -> [u16; PORTS] {
    let held: [TcpListener; PORTS] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    held.map(|listener| listener.local_addr().expect("its number").port())
}
