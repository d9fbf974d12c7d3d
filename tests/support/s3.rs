//! A server of S3's protocol in the test process, on a folder of its own. It checks signatures,
//! counts what is asked of it, and can be held up or taken away.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

pub const KEY_ID: &str = "id-of-the-tests";
pub const SECRET: &str = "s3cr3t-of-the-tests";

pub struct Server {
    runtime: Option<Runtime>,
    endpoint: String,
    root: TempDir,
    watch: Arc<Watch>,
}

impl Server {
    /// A server with one bucket.
    pub fn start(bucket: &str) -> Self {
        Self::start_with(bucket, Watch::default())
    }

    pub fn start_with(bucket: &str, watch: Watch) -> Self {
        let root = tempfile::tempdir().expect("a folder for the server");
        fs::create_dir(root.path().join(bucket)).expect("a bucket");
        let watch = Arc::new(watch);
        let runtime = Runtime::new().expect("a runtime for the server");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its number"));
        runtime.spawn(accept(listener, service(&root, Arc::clone(&watch))));
        Self { runtime: Some(runtime), endpoint, root, watch }
    }

    /// What leads there; a later variable replaces an earlier one.
    pub fn env(&self, more: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
        let own = [
            ("AWS_ENDPOINT_URL", &*self.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        let vars = own.iter().chain(more);
        let vars: HashMap<_, _> =
            vars.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| vars.get(name).cloned()
    }

    /// How often an operation was asked for, by somebody who may.
    pub fn count(&self, operation: &str) -> usize {
        self.watch.counts.lock().expect("counts").get(operation).copied().unwrap_or(0)
    }

    /// The most requests that were there at the same time.
    pub fn most_at_once(&self) -> usize {
        self.watch.most.load(Ordering::Relaxed)
    }

    /// The file that holds an object.
    pub fn object(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Breaks every connection and takes no new one.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sees every request before it is answered.
#[derive(Default)]
pub struct Watch {
    counts: Mutex<HashMap<String, usize>>,
    now: AtomicUsize,
    most: AtomicUsize,
    together: Option<Barrier>,
    silent_after: Option<(usize, Mutex<Sender<()>>)>,
}

impl Watch {
    /// Requests are answered only when so many are there.
    pub fn together(requests: usize) -> Self {
        Self { together: Some(Barrier::new(requests)), ..Self::default() }
    }

    /// After so many requests, none is answered any more, which the channel is told.
    pub fn silent_after(requests: usize, told: Sender<()>) -> Self {
        Self { silent_after: Some((requests, Mutex::new(told))), ..Self::default() }
    }

    async fn see(&self, operation: String) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        let total = {
            let mut counts = self.counts.lock().expect("counts");
            *counts.entry(operation).or_insert(0) += 1;
            counts.values().sum::<usize>()
        };
        if let Some(together) = &self.together {
            together.wait().await;
        }
        if let Some((limit, told)) = &self.silent_after
            && total > *limit
        {
            let _ = told.lock().expect("a channel").send(());
            std::future::pending::<()>().await;
        }
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Guard(Arc<Watch>);

/// Written as the trait's macro would have it.
impl S3Access for Guard {
    fn check<'a, 'b, 'c, 'future>(
        &'a self,
        request: &'b mut S3AccessContext<'c>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'future>>
    where
        'a: 'future,
        'b: 'future,
        'c: 'future,
        Self: 'future,
    {
        let operation = request.s3_op().name().to_owned();
        let known = request.credentials().is_some();
        Box::pin(async move {
            self.0.see(operation).await;
            if known { Ok(()) } else { Err(s3_error!(AccessDenied)) }
        })
    }
}

fn service(root: &TempDir, watch: Arc<Watch>) -> S3Service {
    let files = s3s_fs::FileSystem::new(root.path()).expect("the server's folder");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
    builder.set_access(Guard(watch));
    builder.build()
}

async fn accept(listener: TcpListener, service: S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}
