//! An object in the project's storage: which one a public URL names, and where it is written.

use percent_encoding::percent_decode_str;
use url::Url;

/// Below it lies what everybody may read.
const PUBLIC: &str = "/storage/v1/object/public/";
/// Below it objects are written.
const WRITE: &str = "/storage/v1/object/";

/// The same object whatever the URL it was found by looks like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its bucket and its path in there, with `/` between them.
    pub name: String,
    public: Url,
    write: Url,
}

impl Object {
    /// The object that a URL names; none where that is elsewhere. The error is why it cannot be
    /// replaced, as the rest of a sentence about it.
    pub fn of(storage: Option<&Url>, url: &str) -> Result<Option<Self>, String> {
        let Some(url) = Url::parse(url).ok().filter(|url| is_at(storage, url)) else {
            return Ok(None);
        };
        let Some(path) = url.path().strip_prefix(PUBLIC) else { return Ok(None) };
        let name = percent_decode_str(path).decode_utf8();
        let name = name.map_err(|_| "has a name that is not UTF-8")?.into_owned();
        if !is_file_name(&name) {
            return Err("has a name that no copy of it can have here".to_owned());
        }
        let at = |folder: &str| {
            let mut at = url.clone();
            at.set_query(None);
            at.set_fragment(None);
            if let Ok(mut segments) = at.path_segments_mut() {
                segments.clear().extend(folder.trim_matches('/').split('/').chain(name.split('/')));
            }
            at
        };
        let (public, write) = (at(PUBLIC), at(WRITE));
        Ok(Some(Self { name, public, write }))
    }

    /// Where it is read, past all caches.
    pub fn fresh(&self) -> Url {
        let mut url = self.public.clone();
        url.query_pairs_mut().append_pair("frieze", &uuid::Uuid::new_v4().simple().to_string());
        url
    }

    pub fn public(&self) -> &Url {
        &self.public
    }

    pub fn write(&self) -> &Url {
        &self.write
    }
}

fn is_at(storage: Option<&Url>, url: &Url) -> bool {
    let web = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    web && url.password().is_none() && storage.is_some_and(|it| it.origin() == url.origin())
}

/// Whether a bucket and a path in it are a path below a folder of ours as well.
fn is_file_name(name: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    name.split('/').all(plain) && name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORAGE: &str = "https://abc.supabase.co";

    fn of(path: &str) -> Result<Option<Object>, String> {
        Object::of(Some(&Url::parse(STORAGE).unwrap()), path)
    }

    fn public(path: &str) -> Result<Option<Object>, String> {
        of(&format!("{STORAGE}/storage/v1/object/public/{path}"))
    }

    #[test]
    fn a_public_url_names_an_object() {
        let object = public("photos/a%20b/%C3%A9t%C3%A9.jpg?v=3#top").unwrap().unwrap();
        assert_eq!(object.name, "photos/a b/été.jpg");
        let write = format!("{STORAGE}/storage/v1/object/photos/a%20b/%C3%A9t%C3%A9.jpg");
        assert_eq!(object.write().as_str(), write);
        let (one, other) = (object.fresh(), object.fresh());
        assert!(one.as_str().starts_with(&format!("{}?frieze=", object.public())), "{one}");
        assert_ne!(one, other);
    }

    #[test]
    fn an_object_is_the_same_however_it_is_written() {
        let object = public("photos/A.jpg").unwrap();
        assert_eq!(public("photos/%41.jpg?width=3").unwrap(), object);
        assert_ne!(public("photos/a.jpg").unwrap(), object);
    }

    #[test]
    fn what_is_elsewhere_is_no_object_of_ours() {
        for url in [
            "https://other.supabase.co/storage/v1/object/public/photos/a.jpg",
            "http://abc.supabase.co/storage/v1/object/public/photos/a.jpg",
            "https://me@abc.supabase.co/storage/v1/object/public/photos/a.jpg",
            "https://abc.supabase.co/storage/v1/object/sign/photos/a.jpg",
            "https://abc.supabase.co/a.jpg",
            "a.jpg",
        ] {
            assert_eq!(of(url), Ok(None), "{url}");
        }
        let url = format!("{STORAGE}/storage/v1/object/public/photos/a.jpg");
        assert_eq!(Object::of(None, &url), Ok(None));
    }

    #[test]
    fn names_that_would_leave_the_folder_of_copies_are_refused() {
        for path in ["photos/a%2F..%2F..%2Fb.jpg", "photos//a.jpg", "a.jpg", "photos/a%5C.jpg"] {
            assert!(public(path).is_err(), "{path}");
        }
        assert!(public("photos/%FF.jpg").unwrap_err().contains("UTF-8"));
    }
}
