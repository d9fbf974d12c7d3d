use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use serde_json::Value;

use crate::site::{Site, tree};
use crate::{command, copy, optimize, photo};

#[test]
fn a_large_photograph_is_replaced_and_its_original_is_kept() {
    let site = Site::small();
    let original = photo::upside_down(4000, 3000);
    assert!(photo::holds(&original, b"GPS 43"));
    site.write("content/images/a photo.jpg", &original);
    let path = site.root.join("content/images/a photo.jpg");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("4000 × 3000 to ") && run.stdout.contains("3200 × 2400"));
    assert!(run.stdout.contains("Recompressed 1 of "), "{}", run.stdout);
    let new = fs::read(&path).unwrap();
    photo::assert_upright(&new, 3200, 2400);
    assert!(new.len() * 3 < original.len(), "{} of {}", new.len(), original.len());
    assert!(!photo::holds(&new, b"GPS 43") && !photo::holds(&new, b"Exif"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(copy(&site, "content/images/a photo.jpg").unwrap() == original);

    let again = optimize(&site, &[]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("Nothing was recompressed"), "{}", again.stdout);
    assert!(fs::read(&path).unwrap() == new, "what is light stays");
    assert_eq!(tree(&site.root.join(".frieze/originals")).len(), 1);
    site.build();
}

#[test]
fn a_dry_run_writes_nothing() {
    let site = Site::small();
    site.write("content/images/photo.jpg", photo::jpeg(900, 600));
    let before = tree(&site.root.join("content"));
    let run = optimize(&site, &["--dry-run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("images/photo.jpg\n  would be replaced: "), "{}", run.stdout);
    assert!(run.stdout.contains("1 of ") && run.stdout.contains(" would save "), "{}", run.stdout);
    assert!(tree(&site.root.join("content")) == before);
    assert!(!site.root.join(".frieze/originals").exists());
    assert!(!site.root.join(".frieze/originals.lock").exists());
}

#[test]
fn files_in_static_are_replaced_too_and_wide_ones_scaled_as_asked() {
    let site = Site::small();
    site.write("static/_assets/art/photo.jpg", photo::jpeg(900, 600));
    let run = optimize(&site, &["--max-width", "300", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let new = fs::read(site.root.join("static/_assets/art/photo.jpg")).unwrap();
    photo::assert_upright(&new, 300, 200);
    assert!(copy(&site, "static/_assets/art/photo.jpg").unwrap() == photo::jpeg(900, 600));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let photo = &report["images"][0];
    assert_eq!((&photo["image"], &photo["fate"]), (&"art/photo.jpg".into(), &"replaced".into()));
    assert_eq!((&photo["width"], &photo["new"]["width"]), (&900.into(), &300.into()));
    assert_eq!(photo["new"]["bytes"], new.len());
    assert_eq!((&report["replaced"], &report["failed"]), (&1.into(), &0.into()));
    let saved = photo["bytes"].as_u64().unwrap() - new.len() as u64;
    assert_eq!(report["saved"], saved);
}

#[test]
fn what_stays_says_why() {
    let site = Site::small();
    let light = photo::encoded(&photo::picture(300, 200), 80, None);
    let drawing = image::GrayImage::from_fn(64, 64, |x, _| image::Luma([u8::from(x < 9) * 255]));
    site.write("content/images/light.jpg", light);
    site.write(
        "content/images/art.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    );
    site.write("content/images/broken.jpg", "no image");
    drawing.save(site.root.join("content/images/drawing.png")).unwrap();
    let before = tree(&site.root.join("content"));
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (name, reason) in [
        ("images/light.jpg", "smaller"),
        ("images/art.svg", "is an SVG"),
        ("images/broken.jpg", "is no image"),
        ("images/drawing.png", "would not get smaller"),
    ] {
        let (_, rest) = run.stdout.split_once(&format!("{name}\n  stays: it ")).unwrap();
        assert!(rest.lines().next().unwrap().contains(reason), "{}", run.stdout);
    }
    assert!(run.stdout.contains("Nothing was recompressed (4 images)"), "{}", run.stdout);
    assert!(tree(&site.root.join("content")) == before);
    assert!(!site.root.join(".frieze/originals").exists());
}

#[test]
fn an_older_copy_is_not_written_over() {
    let site = Site::small();
    let original = photo::jpeg(900, 600);
    site.write("content/images/photo.jpg", &original);
    site.write(".frieze/originals/content/images/photo.jpg", "an older one");
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(copy(&site, "content/images/photo.jpg").unwrap(), b"an older one");
    assert!(copy(&site, "content/images/photo.2.jpg").unwrap() == original);
    assert!(run.stdout.contains("originals/content/images/photo.2.jpg"), "{}", run.stdout);
}

#[test]
fn what_fails_stops_no_other() {
    let site = Site::small();
    let original = photo::jpeg(900, 600);
    site.write("content/a/photo.jpg", &original);
    site.write("content/b/photo.jpg", photo::jpeg(600, 400));
    // Where the new file is written first, there is a folder.
    fs::create_dir(site.root.join("content/a/.frieze-new")).unwrap();
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(
        run.stderr.contains("1 image could not be recompressed: a/photo.jpg"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("a/photo.jpg\n  error: "), "{}", run.stdout);
    assert!(fs::read(site.root.join("content/a/photo.jpg")).unwrap() == original);
    assert!(fs::read(site.root.join("content/b/photo.jpg")).unwrap().len() < 100_000);
    assert!(copy(&site, "content/b/photo.jpg").unwrap() == photo::jpeg(600, 400));
    assert!(run.stdout.contains("Recompressed 1 of "), "{}", run.stdout);
}

#[test]
fn nothing_is_replaced_where_no_copy_can_be_kept() {
    let site = Site::small();
    let original = photo::jpeg(900, 600);
    site.write("content/images/photo.jpg", &original);
    site.write(".frieze/originals/content", "a file where a folder must be");
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(fs::read(site.root.join("content/images/photo.jpg")).unwrap() == original);
}

#[test]
fn links_lead_to_nothing_that_is_not_the_sites() {
    let site = Site::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let original = photo::jpeg(600, 400);
    fs::write(elsewhere.path().join("photo.jpg"), &original).unwrap();
    fs::create_dir_all(site.root.join("content/images")).unwrap();
    symlink(elsewhere.path(), site.root.join("content/shared")).unwrap();
    symlink(elsewhere.path().join("photo.jpg"), site.root.join("content/images/link.jpg")).unwrap();
    let run = optimize(&site, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("images/link.jpg\n  stays: it is a link"), "{}", run.stdout);
    assert!(run.stdout.contains("shared/photo.jpg\n  stays: it is reached by a link"));
    assert!(fs::read(elsewhere.path().join("photo.jpg")).unwrap() == original);
    assert!(site.root.join("content/images/link.jpg").is_symlink());
}

/// Stops the program at whatever point it is when a file appears.
#[test]
fn whoever_is_stopped_leaves_the_original_or_its_copy() {
    for sign in ["content/images/.frieze-new", ".frieze/originals/content/images/photo.jpg"] {
        let site = Site::small();
        let original = photo::jpeg(900, 600);
        site.write("content/images/photo.jpg", &original);
        let mut command = command(&site, &["images", "--optimize-storage"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !site.root.join(sign).exists() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
        let now = fs::read(site.root.join("content/images/photo.jpg")).unwrap();
        if now != original {
            photo::assert_upright(&now, 900, 600);
            assert!(copy(&site, "content/images/photo.jpg").unwrap() == original);
        }
        // A later run takes up where this one ended.
        let run = optimize(&site, &[]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let now = fs::read(site.root.join("content/images/photo.jpg")).unwrap();
        assert!(now.len() * 2 < original.len());
        assert!(copy(&site, "content/images/photo.jpg").unwrap() == original);
        assert!(!site.root.join("content/images/.frieze-new").exists());
    }
}
