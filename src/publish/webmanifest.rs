//! `site.webmanifest`: name, icons and colours for a site on a home screen.

use serde_json::{Map, Value, json};

use crate::config::Site;

const ICONS: [(&str, &str); 2] = [("icon-192.png", "192x192"), ("icon-512.png", "512x512")];

/// The manifest, which lies beside its icons at the top of the site. Its addresses are relative, so
/// that a site may live below a path.
pub fn webmanifest(site: &Site) -> Vec<u8> {
    let icon = |(src, sizes)| json!({ "src": src, "sizes": sizes, "type": "image/png" });
    let mut manifest = Map::new();
    let texts = [
        ("name", &site.title),
        ("description", &site.description),
        ("lang", &site.language),
        ("theme_color", &site.theme_color),
        ("background_color", &site.background_color),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        manifest.insert(name.to_owned(), json!(text));
    }
    manifest.insert("start_url".to_owned(), json!("./"));
    manifest.insert("display".to_owned(), json!("browser"));
    manifest.insert("icons".to_owned(), ICONS.map(icon).into_iter().collect());
    format!("{:#}\n", Value::Object(manifest)).into_bytes()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn the_manifest_names_the_site_its_icons_and_colours() {
        let site = Site {
            title: "Ann \"A\" Bee".into(),
            base_url: "https://a.org".into(),
            description: String::new(),
            language: "en".into(),
            author: String::new(),
            image: None,
            theme_color: "#123456".into(),
            background_color: "#ffffff".into(),
            shared: vec![],
            nav: vec![],
            extra: Value::Null,
        };
        let icon = |size: &str| json!({ "src": format!("icon-{size}.png"), "sizes": format!("{size}x{size}"), "type": "image/png" });
        assert_eq!(
            serde_json::from_slice::<Value>(&webmanifest(&site)).unwrap(),
            json!({
                "name": "Ann \"A\" Bee",
                "lang": "en",
                "theme_color": "#123456",
                "background_color": "#ffffff",
                "start_url": "./",
                "display": "browser",
                "icons": [icon("192"), icon("512")],
            })
        );
    }
}
