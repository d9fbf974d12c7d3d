//! What a page's text costs: without and with highlighting, past the sanitiser and through it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frieze::render::markdown::{Markdown, NoImages, plain_text};

const CODE: &str = "\
```rust
/// Counts the words of a text.
pub fn count(text: &str) -> HashMap<&str, usize> {
    let mut words = HashMap::with_capacity(text.len() / 6);
    for word in text.split_whitespace().filter(|word| word.len() > 2) {
        *words.entry(word).or_insert(0) += 1; // seen once more
    }
    words
}
```
";

/// About 500 words with what texts have: headings, lists, a table, links, notes and some code.
fn article() -> String {
    let line = "This is *not* very long -- it's only \"here\" to **fill** `space`, and to \
                [lead](/posts/elsewhere/) somewhere. ";
    let list = "- one thing\n- another thing\n- [a link](https://example.com/?a=b&c)";
    let section = format!("## Part of the matter\n\n{}\n\n{list}\n\n", line.repeat(6));
    let rest = "| name | size |\n|---|--:|\n| a | 1 |\n\nA claim.[^1]\n\n[^1]: Its source.\n\n";
    section.repeat(5) + rest + CODE
}

fn render(criterion: &mut Criterion) {
    let text = article();
    let (plain, coloured) = (Markdown::new(false), Markdown::new(true));
    let mixed = format!("{text}\n<kbd>Esc</kbd>\n");
    let html = plain.render(&text, &NoImages).expect("no image is refused");
    let mut group = criterion.benchmark_group("markdown");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("text", |b| b.iter(|| plain.render(black_box(&text), &NoImages)));
    group.bench_function("highlight", |b| b.iter(|| coloured.render(black_box(&text), &NoImages)));
    group.bench_function("raw_html", |b| b.iter(|| plain.render(black_box(&mixed), &NoImages)));
    group.bench_function("sanitize", |b| b.iter(|| plain.sanitize(black_box(&html), &NoImages)));
    group.bench_function("plain_text", |b| b.iter(|| plain_text(black_box(&html))));
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
