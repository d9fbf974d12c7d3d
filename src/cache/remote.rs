//! A store in S3-compatible storage: what another machine has made comes from there, and what this
//! one makes goes there. It only ever saves work; whatever is wrong with it, the build goes on.

mod background;
mod health;
mod link;
mod queue;
mod settings;
mod trouble;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use object_store::aws::AmazonS3;
use object_store::{ObjectStoreExt as _, PutPayload};

pub use self::link::RemoteReport;
pub(super) use self::link::{Link, PATIENCE};
use super::{Key, folder};
use crate::error::{Error, Result};
use background::Background;
use health::Health;
use settings::Settings;

/// No entry is as large; what is, is somebody else's.
const LARGEST: u64 = 64 << 20;

/// A remote store and the threads that talk to it. Nothing is sent before it is asked for anything.
pub struct RemoteStore {
    bucket: Arc<Bucket>,
    background: Background,
}

/// The bucket, and how well it does.
struct Bucket {
    store: AmazonS3,
    prefix: object_store::path::Path,
    health: Health,
}

impl RemoteStore {
    /// The store at `s3://bucket/prefix`. Endpoint, region and keys are those of the environment.
    pub fn open(url: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let settings = Settings::read(url, env)?;
        // Somebody else may have chosen one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: object_store::Error| {
            let message = format!("cannot set up the remote cache {}", settings.address());
            Error::config(message).because(error)
        };
        let bucket = Bucket {
            store: settings.builder().build().map_err(failed)?,
            prefix: settings.prefix.clone(),
            health: Health::new(settings.address()),
        };
        Ok(Self { bucket: Arc::new(bucket), background: Background::start()? })
    }
}

/// Names the place only: what leads there is secret.
impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.bucket.health.address();
        f.debug_struct("RemoteStore").field("address", &address).finish_non_exhaustive()
    }
}

impl Bucket {
    /// The file of an entry, if there is one. Whether it is whole, the caller has to see.
    async fn download(&self, key: &Key) -> object_store::Result<Option<impl AsRef<[u8]> + use<>>> {
        match self.store.get(&self.path(key)).await {
            Ok(found) if found.meta.size <= LARGEST => found.bytes().await.map(Some),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn upload(&self, key: &Key, file: Vec<u8>) -> object_store::Result<()> {
        self.store.put(&self.path(key), PutPayload::from(file)).await.map(|_| ())
    }

    fn path(&self, key: &Key) -> object_store::path::Path {
        let name = object_store::path::Path::from(folder::name(key));
        self.prefix.parts().chain(name.parts()).collect()
    }
}
