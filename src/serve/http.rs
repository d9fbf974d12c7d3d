//! The server: listening, checking requests, answering, stopping.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{Answer, Body};
use super::guard::{self, Guard};
use super::throttle::Line;
use super::{Options, PORT, range};
use crate::error::{Error, Result};

/// What is asked for, checked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Decoded.
    pub path: String,
    pub query: Option<String>,
    /// The path of the page that asks for it, where browsers tell.
    pub from: Option<String>,
    /// Which part of it.
    range: Option<String>,
    /// How it may be compressed.
    pub encodings: Option<String>,
}

impl Asked {
    pub fn path(path: &str) -> Self {
        let (query, from, range, encodings) = Default::default();
        Self { path: path.to_owned(), query, from, range, encodings }
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_deref()?.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Whether a part of it is asked for.
    pub fn wants_part(&self) -> bool {
        self.range.is_some()
    }

    /// The query with its question mark, as it came.
    pub fn tail(&self) -> String {
        self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"))
    }
}

/// What is served.
pub trait Site: Send + Sync + 'static {
    /// May take its time: it is called where that holds nobody up.
    fn answer(&self, asked: &Asked) -> Answer;

    /// An answer that has no end, where one is asked for.
    fn stream(&self, _asked: &Asked) -> Option<Response<Body>> {
        None
    }
}

/// Listening, and not answering yet.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<TcpListener>,
    guard: Guard,
    pub address: SocketAddr,
}

/// How many ports are tried.
const TRIES: u16 = 20;

/// How long requests that are being answered may take once the server stops.
const GRACE: Duration = Duration::from_millis(300);

/// How long a client may take to say what it wants.
const HEADERS: Duration = Duration::from_secs(20);

impl Bound {
    pub async fn open(options: &Options) -> Result<Self> {
        let hosts = match options.host.as_deref() {
            None => vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)],
            Some(name) => vec![resolve(name).await?],
        };
        let guard = Guard::new(options.host.as_deref());
        let ports = match options.port {
            Some(port) => vec![port],
            None => (PORT..PORT + TRIES).chain([0]).collect(),
        };
        let mut refused = None;
        for port in ports {
            match listen(&hosts, port).await {
                Ok((listeners, address)) => return Ok(Self { listeners, guard, address }),
                Err(error) => refused = Some((port, error)),
            }
        }
        let (port, error) = refused.unwrap_or_else(|| (0, std::io::Error::other("no port")));
        let help = match error.kind() {
            ErrorKind::AddrNotAvailable => {
                "this machine has no such address: give --host one of its own, or no address"
            }
            _ => "name another port with --port, or leave it out for the first free one",
        };
        Err(Error::other(format!("cannot listen on {} port {port}", hosts[0]))
            .because(error)
            .help(help))
    }

    /// The address by which other devices find this one, if they may.
    pub fn network(&self) -> Option<SocketAddr> {
        let ip = self.address.ip();
        if ip.is_loopback() {
            return None;
        }
        if !ip.is_unspecified() {
            return Some(self.address);
        }
        // Nothing is sent: the system only says by which address it would be.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
        let ip = socket.local_addr().ok()?.ip();
        (!ip.is_unspecified()).then(|| SocketAddr::new(ip, self.address.port()))
    }

    /// Answers until it is told to stop.
    pub async fn serve(
        self,
        site: Arc<dyn Site>,
        line: Option<Arc<Line>>,
        stop: watch::Receiver<bool>,
    ) {
        let mut loops = JoinSet::new();
        for listener in self.listeners {
            let (site, guard) = (Arc::clone(&site), self.guard.clone());
            let shop = Shop { site, guard, line: line.clone() };
            loops.spawn(accept(listener, shop, stop.clone()));
        }
        while loops.join_next().await.is_some() {}
    }
}

/// Listens on one port of these addresses. Browsers may take `localhost` for either of two, so the
/// port has to be free on both; machines without IPv6 do well without.
async fn listen(hosts: &[IpAddr], port: u16) -> std::io::Result<(Vec<TcpListener>, SocketAddr)> {
    let first = TcpListener::bind((hosts[0], port)).await?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for host in &hosts[1..] {
        match TcpListener::bind((*host, address.port())).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
    }
    Ok((listeners, address))
}

async fn resolve(name: &str) -> Result<IpAddr> {
    let failed = |error: std::io::Error| {
        Error::other(format!("there is no address for --host {name}"))
            .because(error)
            .help("name an address of this machine, such as 0.0.0.0 for all of them")
    };
    let mut found = tokio::net::lookup_host((name, 0)).await.map_err(failed)?;
    let address = found.next().ok_or_else(|| failed(std::io::Error::other("none was found")))?;
    Ok(address.ip())
}

/// What every connection needs.
#[derive(Clone)]
struct Shop {
    site: Arc<dyn Site>,
    guard: Guard,
    line: Option<Arc<Line>>,
}

async fn accept(listener: TcpListener, shop: Shop, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shop.clone(), stop.clone()));
                }
                // Too many open files, perhaps: others close theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    let all = async { while connections.join_next().await.is_some() {} };
    // Streams of events have no end of their own.
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// Ends when the server is told to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(stream: TcpStream, shop: Shop, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let Ok(here) = stream.local_addr() else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let shop = shop.clone();
        async move { Ok::<_, Infallible>(shop.respond(request, here.ip()).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

impl Shop {
    async fn respond(self, request: Request<Incoming>, here: IpAddr) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        let asked = match self.check(&request, here) {
            Ok(asked) => asked,
            Err(refused) => return refused.send(None, head),
        };
        if !head && let Some(stream) = self.site.stream(&asked) {
            return stream;
        }
        if let Some(line) = &self.line {
            tokio::time::sleep(line.latency()).await;
        }
        let site = Arc::clone(&self.site);
        let range = asked.range.clone();
        let answer = tokio::task::spawn_blocking(move || site.answer(&asked)).await;
        let answer = answer.unwrap_or_else(|_| {
            let what = "the server stumbled over this request; the terminal says more";
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, what)
        });
        range::cut(answer, range.as_deref().filter(|_| !head)).send(self.line, head)
    }

    fn check(&self, request: &Request<Incoming>, here: IpAddr) -> Result<Asked, Answer> {
        let refused = |guard::Refusal(status, why)| {
            let answer = Answer::text(status, why);
            match status {
                StatusCode::METHOD_NOT_ALLOWED => answer.with("Allow", "GET, HEAD"),
                _ => answer,
            }
        };
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
        let host = if hosts.next().is_some() { None } else { host };
        // A request for a whole URL names its host there, too.
        let authority = request.uri().authority().map(hyper::http::uri::Authority::as_str);
        for host in [host].into_iter().chain(authority.map(Some)) {
            self.guard.host(host, here).map_err(refused)?;
        }
        Guard::method(request.method()).map_err(refused)?;
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        Guard::origin(header("sec-fetch-site"), header("sec-fetch-mode")).map_err(refused)?;
        let path = guard::path(request.uri().path()).map_err(refused)?;
        let from = header("referer");
        let from = from.and_then(|from| guard::path(url::Url::parse(from).ok()?.path()).ok());
        // What a part has to fit to goes by no name here: then it is sent whole.
        let range = header("range").filter(|_| header("if-range").is_none()).map(str::to_owned);
        let encodings = header("accept-encoding").map(str::to_owned);
        Ok(Asked { path, query: request.uri().query().map(str::to_owned), from, range, encodings })
    }
}
