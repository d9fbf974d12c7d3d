//! Images from bytes to works, on drawn scenes; tests/images.rs has the photographs.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "scenes are drawn with small numbers"
)]

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    Delay, DynamicImage, Frame, ImageDecoder as _, ImageEncoder as _, ImageFormat, Rgb, RgbImage,
    Rgba, RgbaImage,
};

use super::header::{Header, Kind};
use super::make::make;
use super::pixels::Decoded;
use super::source::Source;
use super::variant::{What, placeholder_key};
use super::*;
use crate::config::{Format, Quality};
use crate::theme::StaticFile;

/// A scene with gradients and edges, left darker than right, top redder than bottom.
fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let ripple = ((x * 7 + y * 13) % 31) as u8;
        Rgb([(255 - y * 255 / height) as u8, ripple * 3, (x * 255 / width) as u8])
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    encoded(&DynamicImage::ImageRgb8(image.clone()), ImageFormat::Jpeg)
}

/// A JPEG with Exif data: an orientation, and a place nobody shall learn of.
fn jpeg_with_exif(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend_from_slice(b"GPS 43.2965 N");
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(image).unwrap();
    bytes
}

struct Bench {
    images: Images,
    folder: tempfile::TempDir,
}

fn settings(toml: &str) -> config::Images {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[site]\ntitle = \"t\"\nbase_url = \"https://t.example\"\n[images]\n{toml}");
    std::fs::write(folder.path().join("frieze.toml"), text).unwrap();
    config::Config::load(folder.path(), &config::Overrides::default(), &|_| None).unwrap().images
}

fn bench(name: &str, bytes: &[u8], toml: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let settings = settings(toml);
    let source = Source::file(name, &StaticFile::Own(path), bytes, settings.max_pixels);
    let cache = Arc::new(Cache::open(&folder.path().join("cache")).unwrap());
    Bench { images: Images::new(settings, cache, [source]), folder }
}

impl Bench {
    fn source(&self) -> &Source {
        self.images.sources().next().unwrap()
    }

    fn make(&self, what: What) -> Result<Vec<u8>, String> {
        let made = make(self.source(), &[what], self.images.cache(), self.images.settings())?;
        let key = what.key(&self.source().hash);
        Ok(made.into_iter().find(|(made, _)| *made == key).unwrap().1)
    }

    /// Renders, works, and renders again, as a build does.
    fn picture(&self, place: &Place<'_>) -> Picture {
        let images = Arc::new(Images::new(
            self.images.settings.clone(),
            self.images.cache.clone(),
            [Source::file(
                &self.source().name,
                &StaticFile::Own(self.folder.path().join(&self.source().name)),
                &self.source().read(self.images.cache()).unwrap(),
                u64::MAX,
            )],
        ));
        let source = images.sources().next().unwrap();
        let works = Works::start(&images).unwrap();
        let first = images.picture(source, place).unwrap();
        assert!(first.pending);
        for (url, _) in first.formats.iter().flat_map(|format| &format.urls) {
            works.request(&images.variant(url).unwrap());
        }
        works.wait().unwrap();
        let picture = images.picture(source, place).unwrap();
        assert!(!picture.pending, "{:?}", images.broken());
        picture
    }
}

fn webp(width: u32) -> What {
    What::Scaled { format: Format::Webp, width, quality: Quality::Fixed(75) }
}

fn pixels(bytes: &[u8]) -> RgbImage {
    image::load_from_memory(bytes).unwrap().into_rgb8()
}

#[test]
fn a_variant_has_its_width_its_shape_and_fewer_bytes() {
    let original = jpeg(&scene(640, 427));
    let made = bench("a.jpg", &original, "").make(webp(320)).unwrap();
    let image = pixels(&made);
    assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::WebP);
    assert_eq!(image.dimensions(), (320, 214));
    assert!(made.len() < original.len() / 2);
    // Dark left and bright right are where they were.
    assert!(image.get_pixel(8, 100).0[2] < 40 && image.get_pixel(310, 100).0[2] > 215);
}

#[test]
fn every_orientation_is_shown_upright() {
    let upright = scene(96, 64);
    for number in 1..=8_u8 {
        let orientation = Orientation::from_exif(number).unwrap();
        // The camera stored it so that applying the orientation gives the scene.
        let stored = (1..=8_u8)
            .map(|inverse| {
                let mut image = DynamicImage::ImageRgb8(upright.clone());
                image.apply_orientation(Orientation::from_exif(inverse).unwrap());
                image
            })
            .find(|stored| {
                let mut back = stored.clone();
                back.apply_orientation(orientation);
                back.into_rgb8() == upright
            })
            .unwrap();
        let bytes = jpeg_with_exif(&stored.into_rgb8(), number);
        let header = Header::read(&bytes, u64::MAX).unwrap();
        assert_eq!((header.width, header.height), (96, 64), "orientation {number}");
        let shown = pixels(&bench("a.jpg", &bytes, "").make(webp(96)).unwrap());
        assert_eq!(shown.dimensions(), (96, 64), "orientation {number}");
        for (x, y) in [(8, 8), (88, 8), (8, 56), (88, 56)] {
            let (a, b) = (shown.get_pixel(x, y), upright.get_pixel(x, y));
            assert!(
                a.0[0].abs_diff(b.0[0]) < 40 && a.0[2].abs_diff(b.0[2]) < 40,
                "orientation {number}"
            );
        }
    }
}

#[test]
fn nothing_that_is_made_holds_metadata() {
    let bytes = jpeg_with_exif(&scene(300, 200), 1);
    assert!(memchr::memmem::find(&bytes, b"GPS 43").is_some());
    let bench = bench("a.jpg", &bytes, "");
    for what in [webp(200), What::Original, What::Card { width: 200 }] {
        let made = bench.make(what).unwrap();
        assert!(memchr::memmem::find(&made, b"GPS 43").is_none(), "{what:?}");
        assert!(memchr::memmem::find(&made, b"Exif").is_none(), "{what:?}");
    }
    let original = bench.make(What::Original).unwrap();
    assert_eq!(pixels(&original), pixels(&bytes), "the same pixels");
}

#[test]
fn colours_of_another_profile_become_srgb() {
    // A full green of Display P3 lies outside sRGB; a mid grey is the same in both.
    let image =
        RgbImage::from_fn(
            64,
            64,
            |x, _| if x < 32 { Rgb([0, 255, 0]) } else { Rgb([128, 128, 128]) },
        );
    let red = RgbImage::from_pixel(64, 64, Rgb([200, 60, 60]));
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let with_profile = |image: &RgbImage| {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.set_icc_profile(profile.clone()).unwrap();
        encoder.write_image(image, 64, 64, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    };
    let shown = Decoded::new(&with_profile(&red)).unwrap().to_width(64).unwrap();
    assert!(shown.data[0] > 208, "red grows in the smaller space: {:?}", &shown.data[..3]);
    let shown = Decoded::new(&with_profile(&image)).unwrap().to_width(64).unwrap();
    let grey = &shown.data[63 * 3..64 * 3];
    assert!(grey.iter().all(|channel| channel.abs_diff(128) <= 1), "{grey:?}");
    let plain = Decoded::new(&encoded(&DynamicImage::ImageRgb8(red), ImageFormat::Png)).unwrap();
    assert_eq!(&plain.to_width(64).unwrap().data[..3], [200, 60, 60]);
}

#[test]
fn transparency_is_kept_and_gets_no_placeholder() {
    let image = RgbaImage::from_fn(200, 200, |x, y| {
        let inside = (i64::from(x) - 100).pow(2) + (i64::from(y) - 100).pow(2) < 6400;
        Rgba([200, (x % 200) as u8, (y % 200) as u8, if inside { 255 } else { 0 }])
    });
    let bench = bench("a.png", &encoded(&DynamicImage::ImageRgba8(image), ImageFormat::Png), "");
    let made = image::load_from_memory(&bench.make(webp(100)).unwrap()).unwrap().into_rgba8();
    assert_eq!(made.get_pixel(2, 2).0[3], 0);
    assert_eq!(made.get_pixel(50, 50).0[3], 255);
    assert_eq!(bench.picture(&Place { widths: Some(&[100]), quality: None }).placeholder, None);
}

fn moving_gif(frames: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for number in 0..frames {
        let image = RgbaImage::from_fn(120, 90, |x, y| {
            Rgba([number * 40, (x * 2) as u8, ((x * y) % 255) as u8, 255])
        });
        let delay = Delay::from_numer_denom_ms(100 + u32::from(number) * 50, 1);
        encoder.encode_frame(Frame::from_parts(image, 0, 0, delay)).unwrap();
    }
    drop(encoder);
    bytes
}

#[test]
fn what_moves_goes_on_moving() {
    use image::AnimationDecoder as _;
    let bench = bench("a.gif", &moving_gif(5), "");
    assert!(bench.source().header.as_ref().unwrap().animated);
    let made = bench.make(webp(60)).unwrap();
    let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(&made)).unwrap();
    assert!(decoder.has_animation());
    assert_eq!(decoder.dimensions(), (60, 45));
    let frames = decoder.into_frames().collect_frames().unwrap();
    assert_eq!(frames.len(), 5);
    let delays: Vec<u32> = frames.iter().map(|frame| frame.delay().numer_denom_ms().0).collect();
    assert_eq!(delays[..4], [100, 150, 200, 250]);
    let reds: Vec<u8> = frames.iter().map(|frame| frame.buffer().get_pixel(30, 20).0[0]).collect();
    assert!(reds.is_sorted() && reds[4] > reds[0] + 100, "{reds:?}");
}

#[test]
fn an_animation_that_is_too_large_to_decode_stays_as_it_is() {
    let bytes = moving_gif(5);
    let bench = bench("a.gif", &bytes, "max_megapixels = 1");
    let mut settings = bench.images.settings.clone();
    settings.max_pixels = 120 * 90 * 3;
    let wanted = [webp(60)];
    let made = make(bench.source(), &wanted, bench.images.cache(), &settings).unwrap();
    let of = |what: What| made.iter().find(|(key, _)| *key == what.key(&bench.source().hash));
    assert!(of(webp(60)).unwrap().1.is_empty());
    let header = Header::read(&of(What::Original).unwrap().1, u64::MAX).unwrap();
    assert!(header.animated && header.kind == Kind::Gif);
}

#[test]
fn a_variant_larger_than_its_source_gives_way_to_it() {
    // Ten colours and long runs: PNG is hard to beat, and WebP at quality 100 does not.
    let image = RgbImage::from_fn(400, 300, |x, y| {
        let shade = ((x / 40 + y / 30) % 2) as u8 * 255;
        Rgb([shade; 3])
    });
    let bytes = jpeg(&scene(64, 48));
    let bench_jpeg = bench("a.jpg", &bytes, "");
    let place = Place { widths: Some(&[32, 64]), quality: Some(Quality::Fixed(100)) };
    let picture = bench_jpeg.picture(&place);
    let urls = &picture.formats[0].urls;
    assert_eq!(urls.last().unwrap().1, 64);
    assert!(urls.last().unwrap().0.ends_with(".jpg"), "{urls:?}");
    assert!(urls[0].0.ends_with(".webp") && urls[0].1 == 32, "{urls:?}");
    let graphic = bench("a.png", &encoded(&DynamicImage::ImageRgb8(image), ImageFormat::Png), "");
    let made = graphic.make(webp(400)).unwrap();
    let source = graphic.source().bytes;
    assert!((made.len() as u64) < source, "without loss it is smaller: {} of {source}", made.len());
}

#[test]
fn formats_are_offered_best_first() {
    let toml = if cfg!(feature = "avif") {
        "formats = ['jpeg', 'webp', 'avif']"
    } else {
        "formats = ['jpeg', 'webp']"
    };
    let bench = bench("a.jpg", &jpeg(&scene(160, 120)), toml);
    let picture = bench.picture(&Place { widths: Some(&[80, 120]), quality: None });
    let formats: Vec<_> =
        picture.formats.iter().map(|one| one.format.unwrap().extension()).collect();
    assert_eq!(
        formats,
        if cfg!(feature = "avif") { vec!["avif", "webp", "jpg"] } else { vec!["webp", "jpg"] }
    );
    for candidates in &picture.formats {
        let (url, _) = &candidates.urls[0];
        let made =
            bench.images.cache().get(&candidates_key(&bench, candidates.format.unwrap())).unwrap();
        assert!(url.ends_with(candidates.format.unwrap().extension()));
        let found = Header::read(&made, u64::MAX).unwrap();
        assert_eq!((found.width, found.height), (80, 60));
    }
}

fn candidates_key(bench: &Bench, format: Format) -> Key {
    What::Scaled { format, width: 80, quality: Quality::Fixed(75) }.key(&bench.source().hash)
}

#[test]
fn an_svg_keeps_its_shapes_and_loses_its_scripts() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9' onload='alert(1)'>\
        <script>alert(2)</script><foreignObject><iframe src='https://evil.example'/></foreignObject>\
        <a href='javascript:alert(3)'><circle cx='4' cy='4' r='3' fill='red'/></a>\
        <image href='https://evil.example/x.png'/></svg>";
    let made = bench("a.svg", svg, "").make(What::Original).unwrap();
    let text = String::from_utf8(made).unwrap();
    assert!(text.contains("circle") && text.contains("red"), "{text}");
    for gone in ["script", "onload", "alert", "iframe", "evil.example"] {
        assert!(!text.contains(gone), "{gone} is still there: {text}");
    }
}

#[test]
fn what_hides_behind_an_image_is_not_published() {
    let hidden = b"<script>alert(document.domain)</script>PK\x03\x04";
    let plain = DynamicImage::ImageRgb8(scene(80, 60));
    let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP];
    for format in formats {
        let mut polyglot = encoded(&plain, format);
        polyglot.extend_from_slice(hidden);
        let name = format!("a.{}", format.extensions_str()[0]);
        let bench = bench(&name, &polyglot, "");
        for what in [webp(40), What::Original, What::Card { width: 40 }] {
            let made = bench.make(what).unwrap();
            assert!(memchr::memmem::find(&made, b"<script>").is_none(), "{name} {what:?}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_an_error_and_no_panic() {
    let plain = DynamicImage::ImageRgb8(scene(80, 60));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let whole = encoded(&plain, format);
        for cut in [0, 1, 9, 20, 33, 60, whole.len() / 2, whole.len() * 9 / 10] {
            let name = format!("a.{}", format.extensions_str()[0]);
            let bench = bench(&name, &whole[..cut], "");
            let reason = bench.make(webp(40)).unwrap_err();
            assert!(!reason.is_empty(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_broken_image_is_noted_and_the_works_go_on() {
    let good = jpeg(&scene(80, 60));
    let mut bad = encoded(&DynamicImage::ImageRgb8(scene(80, 60)), ImageFormat::Png);
    bad.truncate(bad.len() / 2);
    let folder = tempfile::tempdir().unwrap();
    let sources = [("good.jpg", &good), ("bad.png", &bad)].map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Source::file(name, &StaticFile::Own(path), bytes, u64::MAX)
    });
    let cache = Arc::new(Cache::open(&folder.path().join("cache")).unwrap());
    let images = Arc::new(Images::new(settings(""), cache, sources));
    let works = Works::start(&images).unwrap();
    for source in ["bad.png", "good.jpg"] {
        works.request(&Variant { source: source.to_owned(), what: webp(40) });
    }
    let made = works.finish().unwrap();
    assert_eq!((made.decoded, images.broken().len()), (1, 1));
    let source = images.source("bad.png").unwrap();
    let error = images.picture(source, &Place::default()).unwrap_err();
    assert!(error.to_string().contains("bad.png cannot be decoded"), "{error}");
}

#[test]
fn no_later_build_pays_again() {
    let bench = bench("a.jpg", &jpeg(&scene(200, 150)), "");
    let place = Place { widths: Some(&[100, 150]), quality: None };
    let first = bench.picture(&place);
    assert!(first.placeholder.is_some());
    // Another build: nothing is remembered but the cache.
    let source = bench.source();
    let again = bench.images.picture(source, &place).unwrap();
    assert_eq!(again, first);
    assert!(!again.pending);
}

#[test]
fn a_file_that_changes_under_the_build_spoils_nothing() {
    let bench = bench("a.jpg", &jpeg(&scene(200, 150)), "");
    std::fs::write(bench.folder.path().join("a.jpg"), jpeg(&scene(100, 150))).unwrap();
    assert!(bench.make(webp(100)).unwrap_err().contains("changed while"));
}

#[test]
fn pixels_in_flight_are_bounded_and_nothing_is_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let sources: Vec<Source> = (0..12_u32)
        .map(|number| {
            let (name, bytes) = (format!("{number}.jpg"), jpeg(&scene(100 + number, 80)));
            let path = folder.path().join(&name);
            std::fs::write(&path, &bytes).unwrap();
            Source::file(&name, &StaticFile::Own(path), &bytes, u64::MAX)
        })
        .collect();
    let mut settings = settings("");
    // Less than any of them has: each is worked on alone, and all are done.
    settings.pixels_in_flight = 1;
    let cache = Arc::new(Cache::open(&folder.path().join("cache")).unwrap());
    let images = Arc::new(Images::new(settings, cache, sources));
    let works = Works::start(&images).unwrap();
    for source in images.sources() {
        works.request(&Variant { source: source.name.clone(), what: webp(50) });
    }
    let made = works.finish().unwrap();
    assert_eq!(made.decoded, 12);
    assert!(made.pixels_at_once <= 111 * 80, "two at once: {} pixels", made.pixels_at_once);
    let key = placeholder_key(&images.sources().next().unwrap().hash);
    assert!(images.cache().get(&key).unwrap().starts_with(b"data:image/webp;base64,"));
}

#[test]
fn what_is_made_does_not_depend_on_what_else_is_wanted() {
    let bytes = jpeg(&scene(900, 600));
    let bench = bench("a.jpg", &bytes, "");
    let together = |wanted: &[What]| {
        let made = make(bench.source(), wanted, bench.images.cache(), bench.images.settings());
        made.unwrap().into_iter().collect::<BTreeMap<_, _>>()
    };
    let all = together(&[webp(40), webp(200), webp(450), webp(900)]);
    for width in [40, 200, 450, 900] {
        for (key, alone) in together(&[webp(width)]) {
            assert!(all[&key] == alone, "at {width}, alone and together differ");
        }
    }
    assert_eq!(all.len(), 5, "four widths and the placeholder");
}

#[test]
fn a_source_is_decoded_once_for_all_that_pages_want_of_it() {
    let bench = bench("a.jpg", &jpeg(&scene(300, 200)), "");
    let path = bench.folder.path().join("a.jpg");
    let bytes = std::fs::read(&path).unwrap();
    let source = Source::file("a.jpg", &StaticFile::Own(path), &bytes, u64::MAX);
    let cache = bench.images.cache().clone();
    let images = Arc::new(Images::new(settings(""), cache, [source]));
    let works = Works::start(&images).unwrap();
    for width in [100, 150, 200, 100, 250] {
        works.request(&Variant { source: "a.jpg".to_owned(), what: webp(width) });
        std::thread::yield_now();
    }
    let made = works.finish().unwrap();
    assert_eq!((made.decoded, made.encoded), (1, 4));
}

#[test]
fn what_is_too_tall_for_webp_is_shown_as_it_is() {
    let tall = RgbImage::from_fn(4, 17_000, |x, y| Rgb([x as u8 * 60, (y % 251) as u8, 9]));
    let bytes = encoded(&DynamicImage::ImageRgb8(tall), ImageFormat::Png);
    let bench = bench("a.png", &bytes, "");
    let picture = bench.picture(&Place { widths: Some(&[2, 4]), quality: None });
    let urls: Vec<_> = picture.formats[0].urls.iter().map(|(url, width)| (*width, url)).collect();
    assert!(urls[0].1.ends_with(".webp") && urls[0].0 == 2, "{urls:?}");
    assert!(urls[1].1.ends_with(".png") && urls[1].0 == 4, "{urls:?}");
}
