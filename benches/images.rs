//! What an image costs, stage by stage: reading its header, decoding, scaling, encoding, its
//! placeholder, and what a later build pays for it.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the scene is drawn with small numbers"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frieze::assets::images::encode;
use frieze::assets::images::header::Header;
use frieze::assets::images::pixels::{Decoded, Pixels};
use frieze::assets::images::{placeholder, score, strip};
use frieze::cache::Cache;
use frieze::config::Format;

const WIDTH: u32 = 2400;
const HEIGHT: u32 = 1600;

/// Hills, edges and grain: as hard to encode as a photograph, and the same each time.
fn photograph() -> Pixels {
    let mut seed = 7_u32;
    let mut data = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (seed >> 28) as f32 - 8.0;
            let (fx, fy) = (x as f32, y as f32);
            let hills = (fx / 190.0).sin() * (fy / 130.0).cos() * 60.0
                + (fx / 17.0 + fy / 29.0).sin() * 18.0;
            let edge = if (x / 160 + y / 120) % 3 == 0 { 40.0 } else { 0.0 };
            for base in [150.0, 120.0, 90.0] {
                data.push((base + hills + edge + grain).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Pixels { data, width: WIDTH, height: HEIGHT, alpha: false }
}

fn stages(criterion: &mut Criterion) {
    let photograph = photograph();
    let jpeg = encode::jpeg(&photograph, 90).unwrap();
    let mut group = criterion.benchmark_group("image");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(WIDTH * HEIGHT)));
    group.bench_function("hash", |b| b.iter(|| blake3::hash(black_box(&jpeg))));
    group
        .bench_function("header", |b| b.iter(|| Header::read(black_box(&jpeg), u64::MAX).unwrap()));
    group.bench_function("decode", |b| b.iter(|| Decoded::new(black_box(&jpeg)).unwrap()));
    for width in [1600, 960, 480] {
        group.bench_function(format!("scale to {width}"), |b| {
            b.iter(|| photograph.scaled(width).unwrap());
        });
        let scaled = photograph.scaled(width).unwrap();
        group.bench_function(format!("webp {width}"), |b| {
            b.iter(|| encode::encode(&scaled, Format::Webp, 75, false).unwrap());
        });
    }
    let small = photograph.scaled(480).unwrap();
    let decoded = Decoded::new(&jpeg).unwrap();
    group.bench_function("jpeg 480", |b| b.iter(|| encode::jpeg(&small, 75).unwrap()));
    group.bench_function("placeholder", |b| {
        b.iter(|| placeholder::of(&decoded, WIDTH, HEIGHT).unwrap());
    });
    let webp = encode::webp(&small, 75).unwrap();
    group.bench_function("score 480", |b| b.iter(|| score::score(&small, &webp).unwrap()));
    let kind = Header::read(&jpeg, u64::MAX).unwrap().kind;
    group.bench_function("strip", |b| b.iter(|| strip::stripped(kind, &jpeg).unwrap()));
    group.finish();
}

fn kept(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let key = [3; 32];
    cache.put(&key, &vec![7; 40_000]).unwrap();
    let mut group = criterion.benchmark_group("image cache");
    group.bench_function("look up", |b| b.iter(|| cache.len(black_box(&key)).unwrap()));
    group.bench_function("read 40 KB", |b| b.iter(|| cache.get(black_box(&key)).unwrap()));
    group.finish();
}

criterion_group!(benches, stages, kept);
criterion_main!(benches);
