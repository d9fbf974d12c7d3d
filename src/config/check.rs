//! From the file as written to the checked [`Config`]. Each raw struct is taken apart by name, so
//! that a new key does not compile until somebody decides what it means.

use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use url::Url;

use super::raw::{
    Raw, RawBuild, RawDatabase, RawJsonField, RawNavItem, RawPage, RawRedirect, RawSite,
};
use super::{
    Build, Config, Database, FixedPage, JsonField, JsonFile, NavItem, OnUnreachable, Overrides,
    PathTemplate, Redirect, Secret, Site, Target, collections, images, order,
};
use crate::error::{Error, Result, nearest};

/// A server that restarts is back within this.
const RETRY_SECONDS: u64 = 30;

pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub fn check(root: &Path, raw: Raw, overrides: &Overrides, env: Env) -> Result<Config> {
    let Raw {
        site,
        build,
        database,
        layouts,
        images,
        cache,
        enrich,
        hook,
        collections,
        pages,
        json,
        redirects,
    } = raw;
    let collections = collections
        .into_iter()
        .map(|(name, raw)| Ok((name.clone(), collections::collection(name, raw, env)?)))
        .collect::<Result<IndexMap<_, _>>>()?;
    let config = Config {
        root: root.to_owned(),
        site: site_of(site, overrides, env)?,
        build: build_of(root, build, overrides, env)?,
        database: database_of(root, database, overrides, env)?,
        layouts: layouts.map(|layouts| layouts.table),
        images: images::images(images, env, overrides.allow_missing_images)?,
        cache: images::cache(root, cache, env)?,
        enrich: super::enrich::enrich(enrich, overrides, env)?,
        hook: super::hook::hook(root, hook, overrides, env)?,
        collections,
        pages: pages.into_iter().map(page).collect::<Result<_>>()?,
        json: json.into_iter().map(json_file).collect::<Result<_>>()?,
        redirects: redirects.into_iter().map(redirect).collect::<Result<_>>()?,
    };
    references(&config)?;
    Ok(config)
}

pub fn invalid(key: &str, what: &str, help: &str) -> Error {
    Error::config(format!("frieze.toml: {key}: {what}")).help(help)
}

fn site_of(raw: RawSite, overrides: &Overrides, env: Env) -> Result<Site> {
    let RawSite {
        title,
        base_url,
        description,
        language,
        author,
        image,
        theme_color,
        background_color,
        shared,
        nav,
        extra,
    } = raw;
    let base_url =
        overrides.base_url.clone().or_else(|| env("FRIEZE_BASE_URL").filter(|url| !url.is_empty())).or(base_url).ok_or_else(
            || {
                invalid("site.base_url", "missing", "write where the site will live, as in base_url = \"https://example.com\", or set FRIEZE_BASE_URL")
            },
        )?;
    let extra = serde_json::to_value(extra).map_err(|error| {
        invalid("site.extra", "cannot be used", "use plain TOML values").because(error)
    })?;
    Ok(Site {
        title,
        base_url: checked_base_url(&base_url)?,
        description,
        language: language.unwrap_or_else(|| "en".to_owned()),
        author,
        image,
        theme_color: theme_color.unwrap_or_else(|| "#f5f4f1".to_owned()),
        background_color: background_color.unwrap_or_else(|| "#f5f4f1".to_owned()),
        shared,
        nav: nav.into_iter().map(|RawNavItem { label, href }| NavItem { label, href }).collect(),
        extra,
    })
}

fn checked_base_url(text: &str) -> Result<String> {
    let wrong = |what: &str| {
        invalid("site.base_url", &format!("\"{text}\" {what}"), "write it like https://example.com")
    };
    let url = Url::parse(text).map_err(|error| wrong("is not a URL").because(error))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("is not an http or https address"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            "has more than scheme and host: a frozen site lives at the root of its host",
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn build_of(root: &Path, raw: RawBuild, overrides: &Overrides, env: Env) -> Result<Build> {
    let RawBuild {
        output,
        content,
        templates,
        static_files,
        migrations,
        target,
        highlight,
        minify,
    } = raw;
    let target = match (overrides.target, target.as_deref()) {
        (Some(target), _) => target,
        (None, None | Some("static")) => Target::Static,
        (None, Some("vercel")) => Target::Vercel,
        (None, Some(other)) => {
            return Err(invalid(
                "build.target",
                &format!("\"{other}\" is not a target"),
                "write \"static\" (any host, Netlify, Cloudflare Pages) or \"vercel\"",
            ));
        }
    };
    let default_output = if target == Target::Vercel { ".vercel/output" } else { "dist" };
    let below = |value: Option<String>, default: &str| {
        root.join(value.unwrap_or_else(|| default.to_owned()))
    };
    let output = match &overrides.output {
        Some(path) => path.clone(),
        None => below(output.filter(|_| target == Target::Static), default_output),
    };
    Ok(Build {
        output,
        content: below(content, "content"),
        templates: below(templates, "templates"),
        static_files: below(static_files, "static"),
        migrations: below(migrations, "migrations"),
        target,
        highlight: highlight.unwrap_or(true),
        minify: minify.unwrap_or(true),
        allow_shrink: overrides.allow_shrink
            || env("FRIEZE_ALLOW_SHRINK").is_some_and(|word| word == "1"),
    })
}

fn database_of(root: &Path, raw: RawDatabase, overrides: &Overrides, env: Env) -> Result<Database> {
    let RawDatabase { url_env, data_dir, role, kits, retry_seconds, on_unreachable } = raw;
    let url_env = url_env.unwrap_or_else(|| "DATABASE_URL".to_owned());
    if url_env.contains("://") {
        return Err(Error::config(
            "frieze.toml: database.url_env: holds an address, but must name an environment variable",
        )
        .help("write url_env = \"DATABASE_URL\" and keep the address out of the file"));
    }
    Ok(Database {
        url: env(&url_env).filter(|url| !url.trim().is_empty()).map(Secret::new),
        url_env,
        data_dir: root.join(data_dir.unwrap_or_else(|| ".frieze/postgres".to_owned())),
        role: role.unwrap_or_else(|| "anon".to_owned()),
        kits: kits.unwrap_or_else(|| vec!["portfolio".to_owned()]),
        patience: Duration::from_secs(retry_seconds.unwrap_or(RETRY_SECONDS)),
        offline: overrides.offline,
        on_unreachable: match on_unreachable.as_deref() {
            None | Some("fail") => OnUnreachable::Fail,
            Some("snapshot") => OnUnreachable::Snapshot,
            Some(other) => {
                return Err(invalid(
                    "database.on_unreachable",
                    &format!("\"{other}\" is unknown"),
                    "write \"fail\", or \"snapshot\" to build from what the last read left",
                ));
            }
        },
    })
}

fn page(raw: RawPage) -> Result<FixedPage> {
    let RawPage { path, template, title, description, collections, limit } = raw;
    let key = format!("pages \"{path}\"");
    if let Some(stray) = limit.keys().find(|name| !collections.contains(name)) {
        let what = format!("limit names \"{stray}\", which is not among its collections");
        return Err(invalid(&key, &what, "add it to collections"));
    }
    Ok(FixedPage {
        path: fixed(&path, &key)?,
        template,
        title: title.unwrap_or_default(),
        description,
        collections: collections
            .into_iter()
            .map(|name| {
                let most = limit.get(&name).copied();
                (name, most)
            })
            .collect(),
    })
}

fn json_file((path, fields): (String, IndexMap<String, RawJsonField>)) -> Result<JsonFile> {
    let path = fixed(&path, &format!("json.\"{path}\""))?;
    let fields = fields.into_iter().map(|(name, raw)| {
        let RawJsonField { collection, order_by, first, omit } = raw;
        let key = format!("json.\"{path}\".{name}.order_by");
        let order_by = order::parse(order_by.as_deref().unwrap_or_default(), &key)?;
        Ok(JsonField { name, collection, order_by, first, omit })
    });
    Ok(JsonFile { fields: fields.collect::<Result<_>>()?, path })
}

fn redirect(raw: RawRedirect) -> Result<Redirect> {
    let RawRedirect { from, to, status } = raw;
    let status = status.unwrap_or(301);
    let key = format!("redirects \"{from}\"");
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Err(invalid(&key, &format!("{status} is not a redirect status"), "use 301 or 302"));
    }
    if !from.starts_with('/') || [&from, &to].iter().any(|path| path.contains(char::is_whitespace))
    {
        return Err(invalid(&key, "is not a rooted path without spaces", "write it like /old"));
    }
    Ok(Redirect { from, to, status })
}

/// A path without placeholders.
pub fn fixed(path: &str, key: &str) -> Result<String> {
    let template = PathTemplate::parse(path, key)?;
    if template.is_fixed() {
        return Ok(path.to_owned());
    }
    Err(invalid(
        key,
        &format!("\"{path}\" has a placeholder, but there is only one such file"),
        "write a plain path",
    ))
}

pub fn positive(number: usize, key: &str) -> Result<usize> {
    if number > 0 {
        return Ok(number);
    }
    Err(invalid(key, "is 0", "write how many rows a page shows, at least 1"))
}

/// Every collection that something refers to must exist.
fn references(config: &Config) -> Result<()> {
    let shared = config.site.shared.iter().map(|name| ("site.shared".to_owned(), name));
    let pages = config.pages.iter().flat_map(|page| {
        let key = format!("pages \"{}\": collections", page.path);
        page.collections.iter().map(move |(name, _)| (key.clone(), name))
    });
    let json = config.json.iter().flat_map(|file| {
        file.fields
            .iter()
            .map(move |field| (format!("json.\"{}\".{}", file.path, field.name), &field.collection))
    });
    let rows = config.collections.values().flat_map(|collection| {
        let key = format!("collections.{}.page.collections", collection.name);
        let names = collection.page.iter().flat_map(|page| &page.collections);
        names.map(move |name| (key.clone(), name))
    });
    let related = config.collections.values().filter_map(|collection| {
        let key = format!("collections.{}.related.in", collection.name);
        collection.related.as_ref().map(|related| (key, &related.of))
    });
    for (key, name) in shared.chain(pages).chain(json).chain(rows).chain(related) {
        if !config.collections.contains_key(name) {
            let known = config.collections.keys().map(String::as_str);
            let help = nearest(name, known).map_or_else(
                || format!("add a [collections.{name}] section"),
                |near| {
                    format!("did you mean \"{near}\"? Otherwise add a [collections.{name}] section")
                },
            );
            return Err(invalid(&key, &format!("there is no collection \"{name}\""), &help));
        }
    }
    Ok(())
}
