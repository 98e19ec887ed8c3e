// SPDX-License-Identifier: MIT
//! What the engine needs to fetch an image from a registry that asks who is there: what `docker
//! login` has written into `config.json`, in the form of a header field.
//!
//! Credentials that are kept in a program of their own are not asked for: the command line does.
//!
//! Spec: Docker Engine API, "Authentication" (`X-Registry-Auth`).

use crate::base::base64;
use crate::wire::json::{tree, write};

/// The registry of images that name none, as `docker login` writes it.
const HUB: &str = "https://index.docker.io/v1/";

/// Which registry `image` comes from, as `config.json` names it.
#[must_use]
pub fn registry_of(image: &str) -> &str {
    let first = image.split_once('/').map(|(first, _)| first);
    let is_host = |word: &&str| word.contains(['.', ':']) || *word == "localhost";
    match first.filter(is_host) {
        None | Some("docker.io" | "index.docker.io") => HUB,
        Some(host) => host,
    }
}

/// The value of `X-Registry-Auth` for `image`; `None` if `config`, the text of `config.json`, has
/// no credentials for its registry.
#[must_use]
pub fn header(config: &[u8], image: &str) -> Option<String> {
    let registry = registry_of(image);
    let config = tree::parse(config, 8).ok()?;
    let (_, entry) = config.get("auths")?.as_object()?.iter().find(|(name, _)| {
        let name = name.text.as_str();
        // Old versions wrote addresses.
        name == registry || host_of(name) == registry
    })?;
    let auth = base64::decode(entry.get("auth")?.as_str()?.as_bytes())?;
    let (user, password) = std::str::from_utf8(&auth).ok()?.split_once(':')?;
    let mut out = Vec::new();
    write::object(&mut out, |object| {
        object.str("username", user).str("password", password.trim_end_matches('\0'));
        object.str("serveraddress", registry);
    });
    // The alphabet of addresses: RFC 4648 §5.
    Some(base64::encode(&out).replace('+', "-").replace('/', "_"))
}

fn host_of(name: &str) -> &str {
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://"));
    name.and_then(|name| name.split('/').next()).unwrap_or_default()
}

/// Any text has credentials that fit into a field, or none.
pub fn fuzz(input: &[u8]) {
    for image in ["img", "ghcr.io/a/b", "localhost:5000/c"] {
        if let Some(value) = header(input, image) {
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"auths":{"ghcr.io":{"auth":"bWU6cGFzczp3b3Jk"},
        "https://index.docker.io/v1/":{"auth":"aHViOng="},"https://old.io/v2/":{"auth":"bzpw"},
        "empty.io":{}},"credsStore":"desktop"}"#;

    #[track_caller]
    fn check(image: &str, want: Option<&str>) {
        let found = header(CONFIG.as_bytes(), image).map(|value| {
            let value = value.replace('-', "+").replace('_', "/");
            String::from_utf8(base64::decode(value.as_bytes()).expect("base64")).expect("text")
        });
        assert_eq!(found.as_deref(), want, "{image}");
    }

    #[test]
    fn images_come_from_the_registry_that_they_name() {
        for (image, registry) in [
            ("img", HUB),
            ("library/img:1", HUB),
            ("docker.io/a/b", HUB),
            ("ghcr.io/a/b@sha256:1", "ghcr.io"),
            ("localhost:5000/a", "localhost:5000"),
            ("localhost/a", "localhost"),
        ] {
            assert_eq!(registry_of(image), registry, "{image}");
        }
    }

    #[test]
    fn a_registry_gets_its_own_credentials_and_no_others() {
        check(
            "ghcr.io/a/b",
            Some(r#"{"username":"me","password":"pass:word","serveraddress":"ghcr.io"}"#),
        );
        check(
            "img",
            Some(
                r#"{"username":"hub","password":"x","serveraddress":"https://index.docker.io/v1/"}"#,
            ),
        );
        check("old.io/a", Some(r#"{"username":"o","password":"p","serveraddress":"old.io"}"#));
        check("empty.io/a", None);
        check("other.io/a", None);
        assert_eq!(header(b"{", "img"), None);
        fuzz(CONFIG.as_bytes());
    }
}
