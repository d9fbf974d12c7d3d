//! The picture that a question is about, made small: a file of the site's content, and never one
//! that has to be fetched.

use std::io::Cursor;
use std::path::{Component, Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits, Rgb, RgbImage};

use crate::enrich::Image;
use crate::fs;

/// Of the longer side, in pixels.
const LONGEST: u32 = 768;
const QUALITY: u8 = 80;
/// Of a file, and of what it unfolds to.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
const MOST_MEMORY: u64 = 512 * 1024 * 1024;
const MOST_PIXELS: u32 = 20_000;
/// Of all pictures that are unfolded at the same time; a larger one is alone.
const AT_ONCE: u64 = 256 * 1024 * 1024;

/// Where pictures are unfolded, a few at a time.
static ROOM: Room = Room { taken: Mutex::new(0), left: Condvar::new() };

struct Room {
    taken: Mutex<u64>,
    left: Condvar,
}

/// The place of one picture in it.
struct Place<'a>(&'a Room, u64);

impl Room {
    /// Waits until there is room for so many bytes.
    fn enter(&self, bytes: u64) -> Place<'_> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken > 0 && taken.saturating_add(bytes) > AT_ONCE {
            taken = self.left.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = taken.saturating_add(bytes);
        Place(self, bytes)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(self.1);
        self.0.left.notify_all();
    }
}

/// The picture of that name; none where it is no such file, which the log says.
pub fn load(content: &Path, name: &str) -> Option<Image> {
    let path = file(content, name)?;
    match small(&path) {
        Ok(bytes) => Some(Image { media_type: "image/jpeg", bytes: bytes.into() }),
        Err(why) => {
            tracing::info!("the image {name} is not shown to a model: {why}");
            None
        }
    }
}

/// Where the file is, if that is below the folder: links that lead out of it do not count.
fn file(content: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name.trim().trim_start_matches('/'));
    let is_plain = name.components().all(|part| match part {
        Component::Normal(part) => !part.to_string_lossy().starts_with('.'),
        _ => false,
    });
    let folder = content.canonicalize().ok()?;
    let path = folder.join(name).canonicalize().ok()?;
    (is_plain && path.starts_with(&folder) && path.is_file()).then_some(path)
}

fn small(path: &Path) -> Result<Vec<u8>, String> {
    let said = |error: crate::error::Error| error.chain().join(": ");
    let length = fs::metadata(path).map_err(said)?.len();
    if length > MOST_BYTES {
        return Err("it is too large".to_owned());
    }
    let _place = ROOM.enter(length.saturating_add(unfolded(path)));
    let bytes = fs::read(path).map_err(said)?;
    let image = decoded(&bytes).map_err(|error| format!("it cannot be decoded: {error}"))?;
    let image = match image.width().max(image.height()) {
        longest if longest > LONGEST => image.thumbnail(LONGEST, LONGEST),
        _ => image,
    };
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    on_white(&image).write_with_encoder(encoder).map_err(|error| error.to_string())?;
    Ok(jpeg)
}

/// How many bytes it unfolds to, in its own colours and as it is sent: its first bytes tell.
fn unfolded(path: &Path) -> u64 {
    let size = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let size = size.ok().and_then(|reader| reader.into_dimensions().ok());
    size.map_or(0, |(width, height)| u64::from(width) * u64::from(height) * 8)
}

/// As it is meant to be seen.
fn decoded(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// JPEG has no transparency.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let alpha = u16::from(alpha);
        let over = |colour: u8| {
            let sum = u16::from(colour) * alpha + 255 * (255 - alpha);
            u8::try_from(sum / 255).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(folder: &Path, name: &str, width: u32, height: u32) {
        let image = image::RgbaImage::from_pixel(width, height, image::Rgba([200, 0, 0, 0]));
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        image.save(folder.join(name)).unwrap();
    }

    #[test]
    fn a_large_picture_becomes_a_small_jpeg_on_white() {
        let folder = tempfile::tempdir().unwrap();
        png(folder.path(), "images/wide.png", 1600, 400);
        let small = load(folder.path(), "/images/wide.png").unwrap();
        assert_eq!(small.media_type, "image/jpeg");
        let image = image::load_from_memory(&small.bytes).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (768, 192));
        assert!(image.get_pixel(9, 9).0.iter().all(|colour| *colour > 250), "not on white");
        png(folder.path(), "images/tiny.png", 20, 10);
        let tiny = load(folder.path(), "images/tiny.png").unwrap();
        assert_eq!(image::load_from_memory(&tiny.bytes).unwrap().width(), 20, "it is not blown up");
    }

    #[test]
    fn nothing_outside_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let content = folder.path().join("content");
        png(folder.path(), "secret.png", 8, 8);
        png(&content, "images/a.png", 8, 8);
        assert!(load(&content, "images/a.png").is_some());
        let outside = folder.path().join("secret.png");
        let mut names = vec![
            "../secret.png",
            "images/../../secret.png",
            "https://example.com/images/a.png",
            "images",
            "",
        ];
        names.push(outside.to_str().unwrap());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&outside, content.join("link.png")).unwrap();
            names.push("link.png");
        }
        for name in names {
            assert!(load(&content, name).is_none(), "{name}");
        }
    }

    #[test]
    fn large_pictures_are_unfolded_one_after_the_other() {
        use std::sync::atomic::{AtomicU64, Ordering};

        let room = Room { taken: Mutex::new(0), left: Condvar::new() };
        let (inside, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for number in 0..12 {
                let bytes = if number % 2 == 0 { AT_ONCE / 2 } else { AT_ONCE * 2 };
                let (room, inside, most) = (&room, &inside, &most);
                scope.spawn(move || {
                    let _place = room.enter(bytes);
                    let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                    most.fetch_max(now, Ordering::SeqCst);
                    (0..100).for_each(|_| std::thread::yield_now());
                    inside.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE * 2, "the largest, alone");
        assert_eq!(*room.taken.lock().unwrap(), 0);
        let folder = tempfile::tempdir().unwrap();
        png(folder.path(), "a.png", 300, 200);
        assert_eq!(unfolded(&folder.path().join("a.png")), 300 * 200 * 8);
    }

    #[test]
    fn what_is_no_picture_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.svg"), "<svg/>").unwrap();
        std::fs::write(folder.path().join("a.jpg"), b"\xff\xd8\xff\xe0 broken").unwrap();
        assert!(load(folder.path(), "a.svg").is_none() && load(folder.path(), "a.jpg").is_none());
    }
}
