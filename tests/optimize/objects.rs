use std::fs;
use std::process::Stdio;
use std::sync::mpsc::channel;

use serde_json::Value;

use crate::site::{Run, Site};
use crate::stub::{Fault, KEY, Stub};
use crate::{command, copy, finish, photo};

const NAME: &str = "photos/a%20photo.jpg";
const COPY: &str = "storage/photos/a photo.jpg";

/// A site whose one row shows an object in the storage.
fn site(stub: &Stub) -> (Site, Vec<u8>) {
    let site = Site::small();
    let original = photo::jpeg(900, 600);
    stub.put(NAME, &original);
    let url = stub.public(NAME);
    let row = format!("+++\ntitle = \"One\"\nslug = \"one\"\nthumbnail_url = \"{url}\"\n+++\n");
    site.write("content/projects/one.md", row);
    (site, original)
}

/// Runs the program with a key; whatever happens, nobody reads the key.
fn optimize_with(key: Option<&str>, site: &Site, stub: &Stub, more: &[&str]) -> Run {
    let mut command = command(site, &[&["images", "--optimize-storage"], more].concat());
    command.env("SUPABASE_URL", stub.url());
    if let Some(key) = key {
        command.env("SUPABASE_SERVICE_ROLE_KEY", key);
    }
    let run = finish(command);
    for key in key.iter().chain([&KEY]) {
        assert!(!run.stdout.contains(key) && !run.stderr.contains(key), "the key was shown");
    }
    run
}

fn optimize(site: &Site, stub: &Stub) -> Run {
    optimize_with(Some(KEY), site, stub, &["--yes"])
}

/// Saying all there is to say.
const LOUD: &str = "-vvvv";

fn assert_untouched(run: &Run, site: &Site, stub: &Stub, original: &[u8]) {
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains(&stub.public(NAME)), "the image is named: {}", run.stderr);
    assert!(stub.object(NAME) == original, "{}", run.stdout);
    assert!(copy(site, COPY).unwrap() == original);
}

#[test]
fn an_object_is_replaced_and_its_original_is_kept() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    stub.put("photos/unnamed.jpg", &original);
    let run = optimize_with(Some(KEY), &site, &stub, &["--yes", LOUD]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    let new = stub.object(NAME);
    photo::assert_upright(&new, 900, 600);
    assert!(new.len() * 2 < original.len());
    assert!(copy(&site, COPY).unwrap() == original);
    assert!(stub.object("photos/unnamed.jpg") == original, "only what the site shows");
    let [upload] = stub.uploads().try_into().ok().unwrap();
    assert_eq!(upload.path, format!("/storage/v1/object/{NAME}"));
    for (name, value) in [
        ("authorization", &*format!("Bearer {KEY}")),
        ("apikey", KEY),
        ("x-upsert", "true"),
        ("content-type", "image/jpeg"),
        ("cache-control", "max-age=7200"),
    ] {
        assert_eq!(upload.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    // The key goes with uploads alone, and what is uploaded is looked at past the caches.
    let reads: Vec<_> = stub.requests().into_iter().filter(|it| it.method == "GET").collect();
    let hidden = |name: &str| reads.iter().all(|request| !request.headers.contains_key(name));
    assert!(hidden("authorization") && hidden("apikey"));
    let fresh: std::collections::BTreeSet<_> = reads
        .iter()
        .map(|request| &request.path)
        .filter(|path| path.contains("?frieze="))
        .collect();
    assert_eq!(fresh.len(), 2);

    let again = optimize(&site, &stub);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("Nothing was recompressed"), "{}", again.stdout);
    assert_eq!(stub.uploads().len(), 1);
}

#[test]
fn without_leave_it_is_only_reported() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    site.write("content/images/here.jpg", photo::jpeg(600, 400));
    let run = optimize_with(None, &site, &stub, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let line = format!("{}\n  would be replaced with --yes: ", stub.public(NAME));
    assert!(run.stdout.contains(&line), "{}", run.stdout);
    assert!(run.stdout.contains("next: say --yes"), "{}", run.stdout);
    assert!(run.stdout.contains("images/here.jpg\n  replaced: "), "{}", run.stdout);
    assert!(stub.object(NAME) == original && stub.uploads().is_empty());
    assert!(copy(&site, COPY).is_none());
    // A dry run needs no key either, and does nothing, leave or not.
    let run = optimize_with(None, &site, &stub, &["--yes", "--dry-run", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["dry_run"], &report["proposed"]), (&true.into(), &1.into()));
    assert!(stub.uploads().is_empty());
}

#[test]
fn without_a_key_nothing_is_begun() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    let here = photo::jpeg(600, 400);
    site.write("content/images/here.jpg", &here);
    let run = optimize_with(None, &site, &stub, &["--yes"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("SUPABASE_SERVICE_ROLE_KEY is not set"), "{}", run.stderr);
    assert!(stub.object(NAME) == original && stub.uploads().is_empty());
    assert!(fs::read(site.root.join("content/images/here.jpg")).unwrap() == here);
    // Files alone need no key.
    fs::remove_file(site.root.join("content/projects/one.md")).unwrap();
    let run = optimize_with(None, &site, &stub, &["--yes"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_wrong_key_changes_nothing_and_is_not_shown() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    site.write("content/images/here.jpg", photo::jpeg(600, 400));
    for (form, more) in [("text", &["--yes", LOUD][..]), ("json", &["--yes", "--json"])] {
        let run = optimize_with(Some("another-secret"), &site, &stub, more);
        assert_untouched(&run, &site, &stub, &original);
        for word in ["403 Forbidden", "SUPABASE_SERVICE_ROLE_KEY", "the image is as it was"] {
            assert!(run.stdout.contains(word), "{form}: {}", run.stdout);
        }
    }
    assert_eq!(stub.uploads().len(), 2, "a refusal is final");
    let here = fs::read(site.root.join("content/images/here.jpg")).unwrap();
    assert!(here.len() < 100_000, "the others are done");
}

#[test]
fn what_is_stored_wrongly_is_put_back() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    stub.fail([Fault::Corrupt]);
    let run = optimize(&site, &stub);
    assert_untouched(&run, &site, &stub, &original);
    assert!(run.stdout.contains("the original was uploaded again"), "{}", run.stdout);
    assert_eq!(stub.uploads().len(), 2);
    // The storage is itself again: so is the command.
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(stub.object(NAME).len() * 2 < original.len());
}

#[test]
fn trouble_that_passes_is_waited_for() {
    for fault in [Fault::Error(500), Fault::Error(429), Fault::Half] {
        let stub = Stub::start();
        let (site, original) = site(&stub);
        stub.fail([fault]);
        let run = optimize(&site, &stub);
        assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
        assert_eq!(stub.uploads().len(), 2);
        photo::assert_upright(&stub.object(NAME), 900, 600);
        assert!(copy(&site, COPY).unwrap() == original);
    }
}

#[test]
fn trouble_that_stays_changes_nothing() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    stub.fail((0..3).map(|_| Fault::Error(503)));
    let run = optimize(&site, &stub);
    assert_untouched(&run, &site, &stub, &original);
    assert!(run.stdout.contains("503") && run.stdout.contains("again later"), "{}", run.stdout);
    assert_eq!(stub.uploads().len(), 3);
}

#[test]
fn half_an_upload_is_put_back_or_said_to_need_hands() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    stub.fail((0..3).map(|_| Fault::Half));
    let run = optimize(&site, &stub);
    assert_untouched(&run, &site, &stub, &original);
    assert!(run.stdout.contains("the original was uploaded again"), "{}", run.stdout);

    stub.fail((0..6).map(|_| Fault::Half));
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stdout.contains("could not be put back: upload it from "), "{}", run.stdout);
    assert!(run.stdout.contains(COPY), "{}", run.stdout);
    assert!(copy(&site, COPY).unwrap() == original);
}

#[test]
fn a_redirect_does_not_get_the_key() {
    let (stub, thief) = (Stub::start(), Stub::start());
    let (site, original) = site(&stub);
    stub.fail([Fault::Redirect(format!("{}/storage/v1/object/{NAME}", thief.url()))]);
    let run = optimize(&site, &stub);
    assert_untouched(&run, &site, &stub, &original);
    assert!(run.stdout.contains("redirects to another place"), "{}", run.stdout);
    assert!(thief.requests().is_empty());
}

#[test]
fn what_changed_in_the_storage_meanwhile_is_left_alone() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    stub.serve_fresh(&photo::jpeg(300, 200));
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stdout.contains("changed while it was recompressed"), "{}", run.stdout);
    assert!(stub.object(NAME) == original && stub.uploads().is_empty());
}

#[test]
fn what_the_storage_does_not_serve_is_named() {
    let stub = Stub::start();
    let (site, _) = site(&stub);
    let url = stub.public("photos/gone.jpg");
    let row = format!("+++\ntitle = \"Two\"\nslug = \"two\"\nthumbnail_url = \"{url}\"\n+++\n");
    site.write("content/projects/two.md", row);
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    let line = format!("{url}\n  is not there: ");
    assert!(run.stdout.contains(&line), "{}", run.stdout);
    assert!(run.stdout.contains("Recompressed 1 of 2 images"), "{}", run.stdout);
}

#[test]
fn two_urls_of_one_object_are_one_original() {
    let stub = Stub::start();
    let (site, _) = site(&stub);
    let url = stub.public("photos/%61%20photo.jpg");
    stub.put("photos/%61%20photo.jpg", &photo::jpeg(900, 600));
    let row = format!("+++\ntitle = \"Two\"\nslug = \"two\"\nthumbnail_url = \"{url}\"\n+++\n");
    site.write("content/projects/two.md", row);
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("stays: it is one of those above"), "{}", run.stdout);
    assert_eq!(stub.uploads().len(), 1);
}

#[test]
fn whoever_is_stopped_while_uploading_leaves_the_copy() {
    let stub = Stub::start();
    let (site, original) = site(&stub);
    let (sender, uploading) = channel();
    stub.fail([Fault::Silence(sender)]);
    let mut command = command(&site, &["images", "--optimize-storage", "--yes"]);
    command.env("SUPABASE_URL", stub.url()).env("SUPABASE_SERVICE_ROLE_KEY", KEY);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while uploading.try_recv().is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended without uploading anything");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(stub.object(NAME) == original);
    assert!(copy(&site, COPY).unwrap() == original);
    let run = optimize(&site, &stub);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(stub.object(NAME).len() * 2 < original.len());
}
