use serde_json::Value;

use crate::site::Site;
use crate::{command, finish, photo};

fn site() -> Site {
    let site = Site::small();
    site.write("content/images/photo.jpg", photo::jpeg(900, 600));
    site.write("content/images/unseen.jpg", photo::jpeg(300, 200));
    site.write("content/images/broken.png", "no image at all");
    for (name, image) in [("one", "photo.jpg"), ("two", "broken.png"), ("three", "gone.jpg")] {
        let row = format!(
            "+++\ntitle = \"{name}\"\nslug = \"{name}\"\nthumbnail_url = \"images/{image}\"\n+++\n"
        );
        site.write(&format!("content/projects/{name}.md"), row);
    }
    site
}

#[test]
fn every_image_is_listed_heaviest_first_and_what_is_wrong_is_said() {
    let site = site();
    let run = finish(command(&site, &["images"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<_> = run.stdout.lines().collect();
    for (line, name, words) in [
        (1, "images/photo.jpg", &["900 × 600", "kB", "not built yet ("][..]),
        (2, "images/unseen.jpg", &["300 × 200", "not shown"]),
        (3, "images/broken.png", &["–", "15 B", "is no image"]),
        (4, "images/gone.jpg", &["0 B", "does not exist"]),
        (5, "4 images, originals ", &["variants 0 B"]),
    ] {
        assert!(lines[line].starts_with(name), "{}", run.stdout);
        assert!(words.iter().all(|word| lines[line].contains(word)), "{}", run.stdout);
    }
    assert!(!run.stdout.contains("apple-touch-icon"), "the theme's own files: {}", run.stdout);
    assert!(!site.root.join("dist").exists(), "nothing is published");
}

#[test]
fn what_a_build_made_is_counted() {
    let site = site();
    let mut build = command(&site, &["build", "--allow-missing-images"]);
    assert!(build.output().unwrap().status.success());
    let run = finish(command(&site, &["images", "--json"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let listed: Value = serde_json::from_str(&run.stdout).unwrap();
    let photo = &listed[0];
    assert_eq!(photo["image"], "images/photo.jpg");
    assert_eq!((&photo["width"], &photo["height"]), (&900.into(), &600.into()));
    assert_eq!((&photo["unmade"], &photo["problem"]), (&0.into(), &Value::Null));
    assert!(
        photo["variants"].as_u64().unwrap() > 1 && photo["variant_bytes"].as_u64().unwrap() > 0
    );
    assert_eq!(listed[3]["image"], "images/gone.jpg");
    assert!(listed[3]["problem"].is_string() && listed[3]["width"].is_null());
    let table = finish(command(&site, &["images"])).stdout;
    assert!(table.lines().nth(1).unwrap().contains(" in "), "{table}");
    assert!(!table.contains("not built yet"), "{table}");
}

#[test]
fn a_site_without_images_says_so() {
    let run = finish(command(&Site::small(), &["images"]));
    assert_eq!((run.code, run.stdout.as_str()), (0, "There are no images\n"), "{}", run.stderr);
}
