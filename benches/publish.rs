//! What publishing costs beside rendering: staging, syncing and exchanging a site of many pages.
//!
//! `FRIEZE_BENCH_FILES` sets how many pages (1,000), `FRIEZE_BENCH_DIR` the folder to work in, which
//! decides the file system measured (the temporary folder).

// A bench that cannot work stops.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use frieze::publish::{Report, Stage};
use rayon::prelude::*;

struct Site {
    dir: tempfile::TempDir,
    pages: Vec<String>,
    body: String,
}

impl Site {
    fn new() -> Self {
        let count = env::var("FRIEZE_BENCH_FILES").map_or(1_000, |count| count.parse().unwrap());
        let home = env::var("FRIEZE_BENCH_DIR").map_or_else(|_| env::temp_dir(), PathBuf::from);
        let pages = (0..count).map(|i| format!("posts/post-{i:05}/index.html")).collect();
        let body = "A page of about the size that a post has. ".repeat(133);
        Self { dir: tempfile::tempdir_in(home).unwrap(), pages, body }
    }

    fn dist(&self) -> PathBuf {
        self.dir.path().join("dist")
    }

    fn companion(&self, name: &str) -> PathBuf {
        self.dir.path().join(".dist.frieze").join(name)
    }

    /// A build in which the first `changed` pages are new and the others' input is as before.
    fn build(&self, changed: usize, version: u64) -> Report {
        let stage = Stage::open(&self.dist()).unwrap();
        self.pages.par_iter().enumerate().for_each(|(i, path)| {
            let version = if i < changed { version } else { 0 };
            let key = *blake3::hash(&version.to_le_bytes()).as_bytes();
            if stage.reuse(path, key).is_none() {
                let text = format!("{path} {version} {}", self.body);
                stage.write(path, Some(key), text.as_bytes(), vec![]).unwrap();
            }
        });
        stage.write("health.json", None, br#"{"generator":"frieze"}"#, vec![]).unwrap();
        black_box(stage.commit().unwrap())
    }
}

/// Removes a tree and waits until the disk has forgotten it, so that nobody pays for it later.
fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
    let parent = fs::File::open(path.parent().unwrap()).or_else(|_| fs::File::open("/"));
    parent.unwrap().sync_all().unwrap();
}

fn publish(c: &mut Criterion) {
    let site = Site::new();
    let mut group = c.benchmark_group(format!("publish {} pages", site.pages.len()));
    group.sample_size(10);
    let cold = || {
        remove(&site.dist());
        remove(&site.companion(""));
    };
    group.bench_function("cold", |b| {
        b.iter_batched(cold, |()| site.build(0, 0), BatchSize::PerIteration);
    });
    group.bench_function("unchanged", |b| b.iter(|| site.build(0, 0)));
    let mut version = 0;
    let mut next = || {
        version += 1;
        version
    };
    group.bench_function("one changed", |b| b.iter(|| site.build(1, next())));
    group.bench_function("one changed, second build ever", |b| {
        let forget = || remove(&site.companion("tree"));
        b.iter_batched(forget, |()| site.build(1, next()), BatchSize::PerIteration);
    });
    group.bench_function("all changed", |b| b.iter(|| site.build(site.pages.len(), next())));
    group.finish();
}

criterion_group!(benches, publish);
criterion_main!(benches);
