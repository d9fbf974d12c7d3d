//! Images as visitors get them: real photographs through whole builds, what is wrong with some, and
//! remote ones from a server that behaves like a project's storage.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/site.rs"]
mod site;
#[path = "support/storage.rs"]
mod storage;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use image::ImageFormat;
use serde_json::Value;
use site::{Run, Site};
use storage::{Answer, Storage};

/// A real photograph, from the folder that `scripts/test-photos.sh` fills.
fn photo(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-photos.sh");
        let output = Command::new("sh").arg(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    });
    fs::read(folder.join(name)).unwrap()
}

/// The same, as a JPEG of a camera: large, and at a high quality.
fn camera_jpeg(name: &str, width: u32) -> Vec<u8> {
    let image = image::load_from_memory(&photo(name)).unwrap();
    let height = width * image.height() / image.width();
    let image = image.resize_exact(width, height, image::imageops::FilterType::CatmullRom);
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92);
    image.to_rgb8().write_with_encoder(encoder).unwrap();
    bytes
}

/// A site with one page, whose template is given.
fn site(template: &str) -> Site {
    let site = Site::empty();
    configure(&site, "");
    site.write("templates/pages/home.html", template);
    site
}

fn configure(site: &Site, images: &str) {
    site.write(
        "frieze.toml",
        format!(
            "[site]\ntitle = \"Photos\"\nbase_url = \"https://photos.example\"\n[database]\nkits = []\n\
             [images]\n{images}\n[[pages]]\npath = \"/\"\ntemplate = \"pages/home.html\"\n"
        ),
    );
}

/// With a cache of its own: nothing has ever been made.
fn cold(site: &Site, arguments: &[&str]) -> Run {
    let cache = site.root.join("cache");
    let mut command = site.command(&[&["--json", "build"], arguments].concat());
    Run::of(command.env("FRIEZE_CACHE_DIR", cache).output().unwrap())
}

fn report(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The candidates of the first srcset: each path in dist/ with its width.
fn candidates(html: &str) -> Vec<(String, u32)> {
    let srcset = html.split("srcset=\"").nth(1).unwrap_or_else(|| panic!("no srcset: {html}"));
    let srcset = srcset.split('"').next().unwrap();
    let pair = |one: &str| {
        let (url, width) = one.trim().split_once(' ').unwrap();
        (url.trim_start_matches('/').to_owned(), width.trim_end_matches('w').parse().unwrap())
    };
    srcset.split(',').map(pair).collect()
}

#[test]
fn a_photograph_becomes_webp_in_the_widths_its_place_needs() {
    let site = site(
        "{{ image(src='coffee.jpg', alt='Coffee', sizes='50vw', widths=[400, 800, 1600, 4000]) }}",
    );
    let original = camera_jpeg("coffee.png", 2000);
    site.write("content/coffee.jpg", &original);
    let report = report(&cold(&site, &[]));
    let html = site.page("index.html");
    let found = candidates(&html);
    let widths: Vec<u32> = found.iter().map(|(_, width)| *width).collect();
    assert_eq!(widths, [400, 800, 1600, 2000], "none is wider than the source");
    for (path, width) in &found {
        let bytes = &site.dist()[path];
        assert_eq!(image::guess_format(bytes).unwrap(), ImageFormat::WebP);
        let shown = image::load_from_memory(bytes).unwrap();
        assert!(shown.width() == *width && shown.height().abs_diff(width * 2 / 3) <= 1);
        assert!(bytes.len() < original.len());
    }
    assert!(html.contains("width=\"2000\" height=\"1333\""), "{html}");
    assert!(html.contains("sizes=\"50vw\"") && html.contains("loading=\"lazy\""), "{html}");
    assert!(html.contains("alt=\"Coffee\""), "{html}");
    assert!(html.contains("src=\"data:image/webp;base64,"), "a placeholder");
    assert!(!html.contains("data-frieze-pending"), "{html}");
    assert!(!site.dist().contains_key("coffee.jpg"), "the original stays at home");
    assert!(!site.dist().values().any(|file| *file == original), "the original stays at home");
    assert_eq!(report["images"]["decoded"], 1);
    assert_eq!(report["images"]["encoded"], 4);
}

#[test]
fn the_picture_is_the_same_picture() {
    let site = site("{{ image(src='astronaut.png', widths=[256]) }}");
    site.write("content/astronaut.png", photo("astronaut.png"));
    report(&cold(&site, &[]));
    let (path, _) = &candidates(&site.page("index.html"))[0];
    let shown = image::load_from_memory(&site.dist()[path]).unwrap().to_rgb8();
    let original = image::load_from_memory(&photo("astronaut.png")).unwrap();
    let expected = original.resize_exact(256, 256, image::imageops::FilterType::Lanczos3).to_rgb8();
    let score = score(&expected, &shown);
    assert!(score > 60.0, "SSIMULACRA 2 says {score}");
}

fn score(a: &image::RgbImage, b: &image::RgbImage) -> f64 {
    use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic};
    let frame = |image: &image::RgbImage| {
        let data = image.pixels().map(|p| p.0.map(|channel| f32::from(channel) / 255.0)).collect();
        let (width, height) = (image.width() as usize, image.height() as usize);
        Rgb::new(data, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709).unwrap()
    };
    ssimulacra2::compute_frame_ssimulacra2(frame(a), frame(b)).unwrap()
}

#[test]
fn a_wanted_score_is_reached_and_no_more_is_spent() {
    let original = image::load_from_memory(&photo("chelsea.png")).unwrap();
    let expected = original.resize_exact(300, 200, image::imageops::FilterType::Lanczos3).to_rgb8();
    let mut sizes = Vec::new();
    for wanted in [55, 85] {
        let site = site("{{ image(src='chelsea.png', widths=[300]) }}");
        configure(&site, &format!("target_score = {wanted}"));
        site.write("content/chelsea.png", photo("chelsea.png"));
        report(&cold(&site, &[]));
        let (path, _) = &candidates(&site.page("index.html"))[0];
        let bytes = site.dist()[path].clone();
        let shown = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let score = score(&expected, &shown);
        // Scored here against another scaling, so not to the point.
        assert!((score - f64::from(wanted)).abs() < 6.0, "{wanted} was wanted, {score} it is");
        sizes.push(bytes.len());
    }
    assert!(sizes[1] > sizes[0] * 3 / 2, "{sizes:?}");
}

#[test]
fn quality_is_set_for_the_site_a_collection_or_one_image() {
    let bytes_with = |images: &str, collection: &str, template: &str| {
        let site = Site::small();
        site.edit(
            "frieze.toml",
            "[layouts]",
            &format!("[images]\nwidths = [300]\n{images}\n[layouts]"),
        );
        site.edit("frieze.toml", "markdown =", &format!("{collection}\nmarkdown ="));
        site.write("content/coffee.png", photo("coffee.png"));
        site.write(
            "content/projects/a.md",
            "+++\ntitle = \"A\"\nslug = \"a\"\nthumbnail_url = \"coffee.png\"\n+++\nText\n",
        );
        site.write("templates/pages/project.html", template);
        site.build();
        let html = site.page("projects/a/index.html");
        site.dist()[&candidates(&html)[0].0].len()
    };
    let plain = "{{ image(src=row.thumbnail_url) }}";
    let site = bytes_with("", "", plain);
    assert!(bytes_with("quality = 40", "", plain) < site);
    assert!(bytes_with("", "image_quality = 40", plain) < site);
    assert!(bytes_with("", "", "{{ image(src=row.thumbnail_url, quality=40) }}") < site);
    let both = bytes_with("quality = 40", "image_quality = 90", plain);
    assert!(both > site, "the collection's own comes first");
}

#[test]
fn markdown_and_html_get_the_same_treatment() {
    let site = Site::small();
    site.edit("frieze.toml", "markdown =", "html = [\"summary\"]\nmarkdown =");
    site.write("content/photos/rocket.jpg", photo("rocket.jpg"));
    site.write(
        "content/projects/a.md",
        "+++\ntitle = \"A\"\nslug = \"a\"\nsummary = \"<img src='photos/rocket.jpg' alt='Up'>\"\n+++\n\
         ![Rocket](photos/rocket.jpg \"Lift-off\")\n\n<img src=\"photos/rocket.jpg\" alt=\"Raw\">\n",
    );
    site.write("templates/pages/project.html", "{{ row.description }}|{{ row.summary }}");
    site.build();
    let html = site.page("projects/a/index.html");
    assert_eq!(html.matches("srcset=\"/_assets/photos/rocket-480.").count(), 3, "{html}");
    assert_eq!(html.matches("loading=\"lazy\"").count(), 3, "{html}");
    assert_eq!(html.matches("class=\"lq\"").count(), 3, "{html}");
    assert_eq!(html.matches("width=\"640\" height=\"427\"").count(), 6, "{html}");
    assert!(html.contains("title=\"Lift-off\"") && html.contains("alt=\"Up\""), "{html}");
}

#[test]
fn a_name_may_hold_what_addresses_encode() {
    let site = Site::small();
    site.write("content/low tide (1).jpg", photo("rocket.jpg"));
    site.project("a", "a", "![One](<low tide (1).jpg>) ![Two](/low%20tide%20\\(1\\).jpg)");
    site.build();
    let html = site.page("projects/a/index.html");
    assert_eq!(html.matches("src=\"/_assets/low-tide-1-").count(), 2, "{html}");
}

#[test]
fn the_hero_comes_first() {
    let site = site("{{ image(src='a.jpg', priority=true, placeholder=false) }}");
    site.write("content/a.jpg", photo("rocket.jpg"));
    report(&cold(&site, &[]));
    let html = site.page("index.html");
    assert!(html.contains("fetchpriority=\"high\"") && !html.contains("lazy"), "{html}");
    assert!(!html.contains("data:image/webp"), "{html}");
}

#[test]
fn a_card_for_other_sites_is_a_jpeg_with_a_whole_address() {
    let site = site("<meta property='og:image' content='{{ image_url(src=\"a.png\") }}'>");
    site.write("content/a.png", photo("astronaut.png"));
    report(&cold(&site, &[]));
    let html = site.page("index.html");
    let url = html.split("content=").nth(1).unwrap().trim_matches(['\'', '"', '>', '\n']);
    let path = url.strip_prefix("https://photos.example/").unwrap_or_else(|| panic!("{html}"));
    let bytes = &site.dist()[path];
    assert_eq!(image::guess_format(bytes).unwrap(), ImageFormat::Jpeg);
    assert_eq!(image::load_from_memory(bytes).unwrap().width(), 512);
}

#[test]
fn an_animation_moves_and_a_drawing_is_cleaned() {
    let site = site("{{ image(src='a.gif') }}{{ image(src='b.svg') }}");
    site.write("content/a.gif", photo("no_time_for_that_tiny.gif"));
    site.write(
        "content/b.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><script>alert(1)</script><circle r='3'/></svg>",
    );
    report(&cold(&site, &[]));
    let dist = site.dist();
    assert!(dist.values().all(|file| memchr::memmem::find(file, b"alert(1)").is_none()));
    let drawn = |(path, file): (&String, &Vec<u8>)| {
        path.ends_with(".svg") && memchr::memmem::find(file, b"<circle r=\"3\"").is_some()
    };
    assert!(dist.iter().any(drawn), "{:?}", dist.keys());
    let animated = dist.iter().any(|(path, bytes)| {
        let webp = path.ends_with(".webp") && memchr::memmem::find(bytes, b"ANMF").is_some();
        webp || (path.ends_with(".gif") && path.contains("/a."))
    });
    assert!(animated, "{:?}", dist.keys());
}

#[test]
fn no_later_build_decodes_encodes_or_changes_anything() {
    let site = site("{{ image(src='a.jpg') }}{{ image(src='b.png') }}");
    site.write("content/a.jpg", photo("rocket.jpg"));
    site.write("content/b.png", photo("logo.png"));
    let first = report(&cold(&site, &[]));
    assert!(first["images"]["encoded"].as_u64().unwrap() > 2);
    let before = site.dist();
    let second = report(&cold(&site, &[]));
    assert_eq!(second["images"]["decoded"], 0);
    assert_eq!(second["written"], 0);
    // A fresh checkout with a kept cache: everything is written, nothing is made.
    for folder in ["dist", ".dist.frieze"] {
        fs::remove_dir_all(site.root.join(folder)).unwrap();
    }
    let third = report(&cold(&site, &[]));
    assert_eq!(third["images"]["decoded"], 0);
    assert_eq!(site.dist(), before);
    // A kept site with no cache: the pages stand, and so do the files.
    fs::remove_dir_all(site.root.join("cache")).unwrap();
    let fourth = report(&cold(&site, &[]));
    assert_eq!(fourth["images"]["decoded"], 0);
    assert_eq!(site.dist(), before);
    // A page that changes needs only to know what is there; no cache is no reason for other bytes.
    site.write(
        "templates/pages/home.html",
        "{{ image(src='a.jpg') }}{{ image(src='b.png') }} more",
    );
    report(&cold(&site, &[]));
    let mut after = site.dist();
    assert!(String::from_utf8_lossy(&after["index.html"]).contains("more"));
    // What a site tells of itself names its templates.
    for name in ["index.html", "health.json"] {
        after.insert(name.to_owned(), before[name].clone());
    }
    assert_eq!(after, before);
}

#[test]
fn a_changed_photograph_changes_names_and_an_unused_one_is_not_published() {
    let site = site("{{ image(src='a.jpg', widths=[200]) }}");
    site.write("content/a.jpg", photo("rocket.jpg"));
    site.write("content/unused.jpg", photo("retina.jpg"));
    let made = report(&cold(&site, &[]));
    assert_eq!(made["images"]["decoded"], 1);
    let first = candidates(&site.page("index.html"))[0].0.clone();
    site.write("content/a.jpg", photo("hubble_deep_field.jpg"));
    report(&cold(&site, &[]));
    let second = candidates(&site.page("index.html"))[0].0.clone();
    assert_ne!(first, second);
    let dist = site.dist();
    assert!(dist.contains_key(&second) && !dist.contains_key(&first));
    assert!(!dist.keys().any(|path| path.contains("unused")));
}

#[test]
fn a_broken_image_fails_the_build_and_names_what_shows_it() {
    let mut cut = photo("rocket.jpg");
    cut.truncate(cut.len() / 2);
    for (bytes, reason) in [(cut, "is cut off"), (b"<html></html>".to_vec(), "is no image")] {
        let site = Site::small();
        site.write("content/a.jpg", photo("rocket.jpg"));
        let row = "+++\ntitle = \"A\"\nslug = \"a\"\nthumbnail_url = \"a.jpg\"\n+++\nText\n";
        site.write("content/projects/a.md", row);
        site.build();
        let before = site.dist();
        site.write("content/a.jpg", &bytes);
        let run = site.run(&["build"]);
        assert_eq!(run.code, 5, "{}", run.stderr);
        for word in
            ["a.jpg", reason, "projects, the row with", "thumbnail_url", "--allow-missing-images"]
        {
            assert!(run.stderr.contains(word), "{word} is not in: {}", run.stderr);
        }
        assert_eq!(site.dist(), before, "the last site stands");
        let run = site.run(&["build", "--allow-missing-images"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("a.jpg") && run.stderr.contains(reason), "{}", run.stderr);
        let html = site.page("projects/a/index.html");
        assert!(html.contains("src=\"data:image/svg+xml,"), "{html}");
        let again = site.run(&["build", "--allow-missing-images"]);
        assert!(again.stderr.contains(reason), "said each time: {}", again.stderr);
    }
}

#[test]
fn a_missing_image_in_a_text_is_a_placeholder_where_that_is_allowed() {
    let site = Site::small();
    site.project("a", "a", "![Gone](nowhere.jpg)");
    let run = site.run(&["build"]);
    assert_eq!(run.code, 5);
    assert!(run.stderr.contains("nowhere.jpg"), "{}", run.stderr);
    let run = site.run(&["build", "--allow-missing-images"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("nowhere.jpg"), "{}", run.stderr);
    let html = site.page("projects/a/index.html");
    assert!(html.contains("data:image/svg+xml") && html.contains("alt=\"Gone\""), "{html}");
    // The same build with the file there: nothing of the placeholder is left.
    site.write("content/nowhere.jpg", photo("rocket.jpg"));
    site.build();
    assert!(!site.page("projects/a/index.html").contains("data:image/svg+xml"));
}

#[test]
fn too_many_pixels_are_refused_before_they_are_decoded() {
    let site = site("{{ image(src='a.jpg') }}");
    configure(&site, "max_megapixels = 1");
    site.write("content/a.jpg", camera_jpeg("coffee.png", 1600));
    let run = cold(&site, &[]);
    // A template names the image, not a row.
    assert_eq!(run.code, 6);
    assert!(
        run.stderr.contains("1600 × 1066") && run.stderr.contains("max_megapixels"),
        "{}",
        run.stderr
    );
}

#[test]
fn many_builds_share_one_cache() {
    let sites: Vec<Site> = (0..4)
        .map(|_| {
            let site = site("{{ image(src='a.jpg') }}{{ image(src='b.jpg') }}");
            site.write("content/a.jpg", photo("rocket.jpg"));
            site.write("content/b.jpg", photo("retina.jpg"));
            site
        })
        .collect();
    let shared = tempfile::tempdir().unwrap();
    let start = |site: &Site| {
        let mut command = site.command(&["build"]);
        command.env("FRIEZE_CACHE_DIR", shared.path()).spawn().unwrap()
    };
    let builds: Vec<_> = sites.iter().map(start).collect();
    for mut build in builds {
        assert!(build.wait().unwrap().success());
    }
    let first = sites[0].dist();
    assert!(sites.iter().all(|site| site.dist() == first));
}

fn on_storage(site: &Site, storage: &Storage, arguments: &[&str]) -> Run {
    let mut command = site.command(&[&["--json", "build"], arguments].concat());
    command.env("SUPABASE_URL", storage.url()).env("FRIEZE_CACHE_DIR", site.root.join("cache"));
    Run::of(command.output().unwrap())
}

fn with_remote(url: &str) -> Site {
    let site = Site::small();
    let row = format!(
        "+++\ntitle = \"A\"\nslug = \"a\"\nthumbnail_url = \"{url}\"\n+++\n![In the text]({url}?in=text)\n"
    );
    site.write("content/projects/a.md", row);
    site
}

#[test]
fn images_in_the_projects_storage_are_downloaded_once_and_served_from_the_site() {
    let storage = Storage::start(|_| Answer::image("image/jpeg", photo("rocket.jpg")));
    let url = format!("{}/storage/v1/object/public/photos/tide.jpg", storage.url());
    let site = with_remote(&url);
    let first = report(&on_storage(&site, &storage, &[]));
    assert_eq!(first["images"]["downloaded"], 2);
    let html = site.page("projects/a/index.html");
    assert!(!html.contains(&storage.url()), "no visitor goes there: {html}");
    assert!(html.contains("tide-480."), "{html}");
    let second = report(&on_storage(&site, &storage, &[]));
    assert_eq!(second["images"]["downloaded"], 0, "not modified");
    assert_eq!(second["images"]["decoded"], 0);
    assert_eq!(second["written"], 0);
    assert!(storage.not_modified() >= 2);
}

#[test]
fn an_image_on_an_unknown_host_names_its_row_and_is_not_asked_for() {
    let site = with_remote("https://unknown.example/a.jpg");
    let storage = Storage::start(|_| Answer::image("image/jpeg", Vec::new()));
    let run = on_storage(&site, &storage, &[]);
    assert_eq!(run.code, 5);
    for word in ["unknown.example", "projects, the row with", "[images] hosts"] {
        assert!(run.stderr.contains(word), "{word} is not in: {}", run.stderr);
    }
    let run = on_storage(&site, &storage, &["--allow-missing-images"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_server_that_fails_later_leaves_the_copy_and_a_warning() {
    let storage = Storage::start(|number| {
        if number < 2 {
            Answer::image("image/jpeg", photo("rocket.jpg"))
        } else {
            Answer::status(500)
        }
    });
    let site = with_remote(&format!("{}/storage/v1/object/public/photos/tide.jpg", storage.url()));
    report(&on_storage(&site, &storage, &[]));
    let before = site.dist();
    let second = report(&on_storage(&site, &storage, &[]));
    assert!(!second["images"]["warnings"].as_array().unwrap().is_empty(), "{second}");
    assert_eq!(site.dist(), before);
}

#[test]
fn a_remote_image_that_is_gone_names_its_row() {
    let storage = Storage::start(|_| Answer::status(404));
    let site = with_remote(&format!("{}/storage/v1/object/public/photos/tide.jpg", storage.url()));
    let run = on_storage(&site, &storage, &[]);
    assert_eq!(run.code, 5);
    assert!(
        run.stderr.contains("404") && run.stderr.contains("projects, the row with"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_image_that_only_a_feed_shows_is_published_even_if_it_cannot_be_made_smaller() {
    let site = Site::small();
    let mut small = Vec::new();
    let tiny = image::load_from_memory(&photo("rocket.jpg")).unwrap().thumbnail(24, 16);
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut small, 1);
    tiny.to_rgb8().write_with_encoder(encoder).unwrap();
    site.write("content/tiny.jpg", &small);
    site.edit(
        "frieze.toml",
        "markdown =",
        "feed = { path = \"/atom.xml\", content = \"description\" }\nimage_quality = 100\nmarkdown =",
    );
    site.write("templates/pages/project.html", "{{ row.title }}");
    site.project("a", "a", "![Tiny](tiny.jpg)");
    site.build();
    let feed = site.page("atom.xml");
    let name = feed.split("/_assets/").nth(1).unwrap().split(['"', '&']).next().unwrap();
    let bytes = &site.dist()[&format!("_assets/{name}")];
    assert!(image::load_from_memory(bytes).is_ok(), "{name} holds {} bytes", bytes.len());
}

#[test]
fn a_cache_folder_that_cannot_be_used_is_no_reason_to_fail() {
    let site = site("{{ image(src='a.jpg') }}");
    site.write("content/a.jpg", photo("rocket.jpg"));
    site.write("occupied", "a file where a folder should be");
    let mut command = site.command(&["build"]);
    command.env_remove("FRIEZE_CACHE_DIR").env("NETLIFY", "true");
    command.env("NETLIFY_BUILD_BASE", site.root.join("occupied"));
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("not kept"), "{}", run.stderr);
    assert!(site.root.join(".frieze/cache").is_dir());
}

#[test]
fn what_no_build_uses_any_more_leaves_the_cache() {
    let site = site("{{ image(src='a.jpg', quality=100) }}");
    configure(&site, "formats = [\"webp\", \"jpeg\"]\n[cache]\nmax_size_mb = 1");
    site.write("content/a.jpg", camera_jpeg("coffee.png", 1600));
    report(&cold(&site, &[]));
    let size = || site::tree(&site.root.join("cache")).values().map(Vec::len).sum::<usize>();
    assert!(size() > 1_000_000, "one build may use more than the bound: {} bytes", size());
    site.write("templates/pages/home.html", "no image");
    report(&cold(&site, &[]));
    assert!(size() <= 1_000_000, "{} bytes", size());
}
