//! The list of images, as a table for people: the heaviest original first.

use std::cmp::Reverse;

use crate::assets::images::{Images, Origin};
use crate::cli::output::{count, size};
use crate::pipeline::Listed;

/// What is said instead of a list.
pub const NONE: &str = "There are no images";

/// The site's own images with those that are named and cannot be had; without the built-in theme's.
pub fn complete(mut listed: Vec<Listed>, images: &Images) -> Vec<Listed> {
    let built_in = |name: &str| images.source(name).is_some_and(|it| it.origin() == Origin::Theme);
    listed.retain(|image| !built_in(&image.image));
    for (name, problem) in images.broken() {
        let name = images.source(&name).map_or(name, |source| source.name.clone());
        match listed.iter_mut().find(|image| image.image == name) {
            Some(image) => drop(image.problem.get_or_insert(problem)),
            None => listed.push(absent(name, problem)),
        }
    }
    listed.sort_by(|a, b| (Reverse(a.bytes), &a.image).cmp(&(Reverse(b.bytes), &b.image)));
    listed
}

/// An image that is named somewhere and is not there.
fn absent(image: String, problem: String) -> Listed {
    Listed {
        image,
        bytes: 0,
        width: None,
        height: None,
        variants: 0,
        variant_bytes: 0,
        unmade: 0,
        over_limit: false,
        problem: Some(problem),
    }
}

pub fn table(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return NONE.to_owned();
    }
    let head = ["image", "pixels", "original", "variants", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(listed.iter().map(row)).collect();
    let widths: Vec<usize> = (0..4).map(|column| width(&rows, column)).collect();
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    lines.push(summary(listed));
    lines.join("\n")
}

fn row(image: &Listed) -> [String; 5] {
    let pixels = match (image.width, image.height) {
        (Some(width), Some(height)) => format!("{width} × {height}"),
        _ => "–".to_owned(),
    };
    [image.image.clone(), pixels, size(image.bytes), variants(image), marks(image)]
}

/// How many there are and what they weigh, as far as they are made.
fn variants(image: &Listed) -> String {
    let made = image.variants - image.unmade;
    let waiting = (image.unmade > 0).then(|| format!("not built yet ({})", image.unmade));
    let made = match made {
        0 if waiting.is_some() => None,
        0 => Some("0".to_owned()),
        made => Some(format!("{made} in {}", size(image.variant_bytes))),
    };
    [made, waiting].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn marks(image: &Listed) -> String {
    let limit = image.over_limit.then(|| "over the 50 MiB upload limit".to_owned());
    let unseen = (image.variants == 0 && image.problem.is_none()).then(|| "not shown".to_owned());
    let marks = [limit, unseen, image.problem.clone()];
    marks.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn width(rows: &[[String; 5]], column: usize) -> usize {
    rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
}

/// Names and variants to the left, numbers to the right.
fn line([image, pixels, bytes, variants, marks]: &[String; 5], widths: &[usize]) -> String {
    let [a, b, c, d] = [widths[0], widths[1], widths[2], widths[3]];
    let line = format!("{image:a$}  {pixels:>b$}  {bytes:>c$}  {variants:d$}  {marks}");
    line.trim_end().to_owned()
}

fn summary(listed: &[Listed]) -> String {
    let originals: u64 = listed.iter().map(|image| image.bytes).sum();
    let variants: u64 = listed.iter().map(|image| image.variant_bytes).sum();
    let images = count(listed.len(), "image");
    format!("{images}, originals {}, variants {}", size(originals), size(variants))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, bytes: u64, variants: usize, unmade: usize) -> Listed {
        let (width, height) = (Some(400), Some(30));
        Listed { bytes, width, height, variants, unmade, ..absent(name.to_owned(), String::new()) }
    }

    #[test]
    fn the_table_says_what_is_special() {
        let fine = |image: Listed| Listed { problem: None, ..image };
        let listed = [
            fine(Listed { over_limit: true, ..image("großes.jpg", 60_000_000, 3, 3) }),
            fine(Listed { variant_bytes: 2_000, ..image("both.png", 5_000, 4, 1) }),
            fine(image("unseen.png", 5_000, 0, 0)),
            absent("gone.png".to_owned(), "is gone".to_owned()),
        ];
        let expected = "\
image         pixels  original  variants
großes.jpg  400 × 30     60 MB  not built yet (3)                   over the 50 MiB upload limit
both.png    400 × 30      5 kB  3 in 2 kB, not built yet (1)
unseen.png  400 × 30      5 kB  0                                   not shown
gone.png           –       0 B  0                                   is gone
4 images, originals 60.01 MB, variants 2 kB";
        let found = table(&listed);
        // The columns are as wide as what is in them.
        let tight = |text: &str| {
            let lines = text.lines().map(|line| {
                line.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>()
            });
            lines.map(|cells| cells.join(" | ")).collect::<Vec<_>>()
        };
        assert_eq!(tight(&found), tight(expected));
        assert!(found.starts_with("image         pixels  original  variants\n"), "{found}");
        assert_eq!(table(&[]), "There are no images");
    }
}
