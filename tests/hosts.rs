//! What hosts make of the files that a build and this repository hand them, by the hosts' own tools.
//! `scripts/test-host-tools.sh` fetches those, once; they are used without a network.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/site.rs"]
mod site;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use site::{Run, Site};

const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-host-tools.sh");

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The path of node, and the folder of the tools.
fn tools() -> (PathBuf, PathBuf) {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let lock = File::create(target.join("test-host-tools.lock")).unwrap();
    lock.lock().unwrap();
    let output = Command::new("sh").arg(FETCH).env("CARGO_TARGET_DIR", target).output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no tools of the hosts: {why}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(PathBuf::from);
    lines.next().zip(lines.next()).unwrap()
}

/// Runs a module of JavaScript in the tools' folder; gives what it prints.
fn node(script: &str, arguments: &[&Path]) -> Value {
    let (node, folder) = tools();
    let mut node = Command::new(node);
    node.current_dir(folder).args(["--input-type=module", "--eval", script, "--"]).args(arguments);
    let run = Run::of(node.output().expect("node"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

/// A site as a repository has it, whose build script runs the program at hand.
fn hosted_site() -> Site {
    let site = Site::small();
    let redirect = "\n[[redirects]]\nfrom = \"/old/*\"\nto = \"/new/:splat\"\n\n[[redirects]]\nfrom = \"/one\"\nto = \"https://other.example/\"\nstatus = 302\n";
    let toml = fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", toml + redirect);
    for file in ["vercel.json", "netlify.toml"] {
        fs::copy(repository(file), site.root.join(file)).unwrap();
    }
    let script =
        format!("exec '{}' build --target \"${{1:-static}}\"\n", env!("CARGO_BIN_EXE_frieze"));
    site.write("scripts/host-build.sh", script);
    site
}

#[test]
fn vercel_builds_what_is_in_the_repository() {
    let site = hosted_site();
    site.write(
        ".vercel/project.json",
        r#"{"projectId": "prj_x", "orgId": "team_x", "settings": {"framework": null}}"#,
    );
    let home = tempfile::tempdir().unwrap();
    let (node, folder) = tools();
    let mut vercel = Command::new(node);
    vercel.arg(folder.join("node_modules/vercel/dist/index.js"));
    vercel.args(["build", "--prod", "--yes", "--token", "x"]).current_dir(&site.root);
    vercel
        .env("HOME", home.path())
        .env("VERCEL_TELEMETRY_DISABLED", "1")
        .env("NO_UPDATE_NOTIFIER", "1");
    vercel.env("FRIEZE_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/image-cache"));
    vercel.env_remove("DATABASE_URL").env_remove("CI");
    let run = Run::of(vercel.output().expect("node"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);

    let output = site.root.join(".vercel/output");
    let page = fs::read_to_string(output.join("static/index.html")).unwrap();
    assert!(page.contains("Hello"), "{page}");
    assert!(output.join("static/health.json").exists());
    let config: Value =
        serde_json::from_slice(&fs::read(output.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["version"], 3);
    let routes = config["routes"].as_array().unwrap();
    let headers = |name: &str| {
        let set = routes.iter().filter_map(|route| route["headers"].get(name)?.as_str());
        set.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(headers("X-Content-Type-Options").contains(&"nosniff".to_owned()), "{config:#}");
    let caching = headers("Cache-Control");
    assert!(caching.contains(&"public, max-age=31536000, immutable".to_owned()), "{config:#}");
    assert!(caching.contains(&"public, max-age=0, must-revalidate".to_owned()), "{config:#}");
}

/// The test above would notice: Vercel's own program looks at what the file holds.
#[test]
fn vercel_refuses_a_file_that_is_wrong() {
    let site = hosted_site();
    site.edit("vercel.json", "\"trailingSlash\": true", "\"trailingSlash\": \"always\"");
    site.write(
        ".vercel/project.json",
        r#"{"projectId": "prj_x", "orgId": "team_x", "settings": {"framework": null}}"#,
    );
    let (node, folder) = tools();
    let mut vercel = Command::new(node);
    vercel.arg(folder.join("node_modules/vercel/dist/index.js"));
    vercel.args(["build", "--prod", "--yes", "--token", "x"]).current_dir(&site.root);
    let home = tempfile::tempdir().unwrap();
    let run = Run::of(vercel.env("HOME", home.path()).output().expect("node"));
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("trailingSlash"), "{}", run.stderr);
}

#[test]
fn netlify_reads_every_header_and_redirect() {
    let site = hosted_site();
    site.build();
    let read = node(
        "import { parseAllHeaders } from 'netlify-headers-parser';
         import { parseAllRedirects } from 'netlify-redirect-parser';
         const [dist, toml] = process.argv.slice(1);
         const headers = await parseAllHeaders({ headersFiles: [`${dist}/_headers`], netlifyConfigPath: toml, configHeaders: [], minimal: true });
         const redirects = await parseAllRedirects({ redirectsFiles: [`${dist}/_redirects`], netlifyConfigPath: toml, configRedirects: [], minimal: true });
         console.log(JSON.stringify({ headers: headers.headers, headerErrors: headers.errors.map(String), redirects: redirects.redirects, redirectErrors: redirects.errors.map(String) }));",
        &[&site.root.join("dist"), &site.root.join("netlify.toml")],
    );
    assert_eq!(read["headerErrors"], serde_json::json!([]), "{read:#}");
    assert_eq!(read["redirectErrors"], serde_json::json!([]), "{read:#}");
    let headers = read["headers"].as_array().unwrap();
    let value = |path: &str, name: &str| {
        headers
            .iter()
            .filter(|rule| rule["for"] == path)
            .find_map(|rule| rule["values"][name].as_str())
    };
    assert!(value("/*", "Content-Security-Policy").unwrap().contains("default-src"), "{read:#}");
    assert_eq!(value("/*", "X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(value("/_assets/*", "Cache-Control"), Some("public, max-age=31536000, immutable"));
    let redirects = read["redirects"].as_array().unwrap();
    let found: Vec<_> = redirects
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it["from"].as_str().unwrap(),
                it["to"].as_str().unwrap(),
                it["status"]
            )
        })
        .collect();
    assert_eq!(found, ["/old/* /new/:splat 301", "/one https://other.example/ 302"], "{read:#}");
}

#[test]
fn netlify_takes_the_configuration_as_it_is_meant() {
    let site = hosted_site();
    site.build();
    let read = node(
        "import { resolveConfig } from '@netlify/config';
         const [root] = process.argv.slice(1);
         const read = await resolveConfig({ repositoryRoot: root, cwd: root, offline: true, mode: 'buildbot', branch: 'main', context: 'production', siteId: 'x', token: '' });
         console.log(JSON.stringify({ build: read.config.build, headers: read.config.headers.length }));",
        &[&site.root.canonicalize().unwrap()],
    );
    let build = &read["build"];
    assert_eq!(build["command"], "sh scripts/host-build.sh");
    assert_eq!(build["ignore"], "sh scripts/host-build.sh changed");
    assert!(build["publish"].as_str().unwrap().ends_with("/dist"), "{read:#}");
    assert!(read["headers"].as_u64().unwrap() >= 2, "{read:#}");
}

/// Without a binary at hand, hosts are told to build; with one, what it says.
#[test]
fn the_build_script_answers_hosts_that_ask() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("scripts")).unwrap();
    fs::copy(repository("scripts/host-build.sh"), root.join("scripts/host-build.sh")).unwrap();
    fs::write(root.join("Cargo.toml"), "").unwrap();
    let ask = || {
        let mut sh = Command::new("sh");
        sh.arg(root.join("scripts/host-build.sh")).args(["changed", "vercel"]);
        sh.env_remove("FRIEZE_DOWNLOAD").env_remove("DATABASE_URL");
        Run::of(sh.output().unwrap())
    };
    let run = ask();
    assert_eq!(
        (run.code, run.stdout.contains("no binary is at hand")),
        (1, true),
        "{}",
        run.stderr
    );

    // What a build leaves: the script's own name for it is found by letting it make one.
    let bin = root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(root.join("target/release")).unwrap();
    executable(&bin.join("cargo"), "#!/bin/sh\nexit 0\n");
    executable(&root.join("target/release/frieze"), "#!/bin/sh\necho \"$@\"; exit ${CODE:-0}\n");
    let mut build = Command::new("sh");
    build
        .arg(root.join("scripts/host-build.sh"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("DATABASE_URL");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = Run::of(build.env("PATH", path).output().unwrap());
    assert_eq!(run.stdout, "build --target static\n", "{}", run.stderr);
    assert_eq!((ask().code, ask().stdout.as_str()), (0, "changed --target vercel\n"));
    for code in ["1", "3", "101", "127"] {
        let mut sh = Command::new("sh");
        sh.arg(root.join("scripts/host-build.sh")).arg("changed").env("CODE", code);
        sh.env_remove("FRIEZE_DOWNLOAD").env_remove("DATABASE_URL");
        assert_eq!(Run::of(sh.output().unwrap()).code, 1, "{code}");
    }
}

/// A site's own repository, in which nothing of frieze lies but the script.
#[test]
fn the_build_script_finds_frieze_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("site");
    let (bin, source) = (folder.path().join("bin"), folder.path().join("frieze"));
    for folder in [&root.join("scripts"), &bin, &source] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::copy(repository("scripts/host-build.sh"), root.join("scripts/host-build.sh")).unwrap();
    executable(
        &bin.join("cargo"),
        "#!/bin/sh\necho \"$@\" >>cargo.log\nmkdir -p target/host/install/bin\nprintf '#!/bin/sh\\necho \"$@\"\\n' >target/host/install/bin/frieze\nchmod +x target/host/install/bin/frieze\n",
    );
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&source).args(["-c", "user.name=x", "-c", "user.email=x@x.example"]);
        let run = Run::of(git.args(arguments).output().unwrap());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        run.stdout.trim().to_owned()
    };
    let commit = || {
        git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
        git(&["rev-parse", "HEAD"])
    };
    git(&["init", "--quiet", "-b", "main"]);
    let first = commit();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = |arguments: &[&str], env: &[(&str, &str)]| {
        let mut sh = Command::new("sh");
        sh.arg(root.join("scripts/host-build.sh")).args(arguments).env("PATH", &path);
        sh.env_remove("FRIEZE_DOWNLOAD").env_remove("FRIEZE_REV").env_remove("FRIEZE_GIT");
        Run::of(sh.env_remove("DATABASE_URL").envs(env.iter().copied()).output().unwrap())
    };
    let none = run(&[], &[]);
    assert!(none.code == 1 && none.stderr.contains("set FRIEZE_DOWNLOAD or FRIEZE_GIT"));
    let here = [("FRIEZE_GIT", source.to_str().unwrap()), ("DATABASE_URL", "postgres://x/y")];
    assert_eq!(run(&["changed"], &here).code, 1, "nothing is compiled for a question");
    for _ in 0..2 {
        let built = run(&[], &here);
        assert_eq!(
            (built.code, &*built.stdout),
            (0, "build --target static\n"),
            "{}",
            built.stderr
        );
    }
    let asked = run(&["changed"], &here);
    assert_eq!((asked.code, &*asked.stdout), (0, "changed --target static\n"));
    let log = || fs::read_to_string(root.join("cargo.log")).unwrap();
    assert_eq!(log().lines().count(), 1, "once: {}", log());
    assert!(log().contains("--no-default-features --features avif"), "{}", log());
    assert!(log().contains(&format!("--rev {first} frieze")), "{}", log());
    let second = commit();
    assert_eq!(run(&["changed"], &here).code, 1, "another frieze");
    assert_eq!(run(&[], &here).code, 0);
    assert!(log().contains(&second), "{}", log());
    let gone = [("FRIEZE_GIT", "/nowhere/at/all")];
    assert_eq!((run(&["changed"], &gone).code, run(&[], &gone).code), (1, 1));
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
