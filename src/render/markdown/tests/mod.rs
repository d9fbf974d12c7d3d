//! What Markdown and HTML become.

mod html;
mod safety;
mod text;

use super::{ImageResolver, Markdown, NoImages, ResolvedImage};

fn render(source: &str) -> String {
    Markdown::new(false).render(source, &NoImages).unwrap()
}

fn sanitize(html: &str) -> String {
    Markdown::new(false).sanitize(html, &NoImages).unwrap()
}

#[test]
fn threads_share_one_and_agree() {
    let markdown = Markdown::new(true);
    let source = "# A\n\n```rust\nlet a = 1;\n```\n\n```sql\nselect 1;\n```\n\n<kbd>b</kbd>";
    let expected = Markdown::new(true).render(source, &NoImages).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(markdown.render(source, &NoImages).unwrap(), expected);
                }
            });
        }
    });
}

/// Knows `a.png`, refuses `missing.png`, leaves the others.
struct Album;

impl ImageResolver for Album {
    fn resolve(&self, src: &str) -> Result<Option<ResolvedImage>, String> {
        match src {
            "a.png" => Ok(Some(ResolvedImage {
                url: "/_assets/a.1.png".to_owned(),
                width: Some(40),
                height: Some(30),
                ..ResolvedImage::default()
            })),
            "missing.png" => Err("no such file".to_owned()),
            _ => Ok(None),
        }
    }
}
