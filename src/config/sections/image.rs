// SPDX-License-Identifier: MIT
//! How images are named.

/// Whether `text` names an image: a path of lower-case parts, perhaps with a registry and its port
/// in front and a tag or digest behind.
#[must_use]
pub fn is_image(text: &str) -> bool {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, digits)| {
            !algorithm.is_empty()
                && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b"+._-".contains(&b))
                && digits.len() >= 32
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let (rest, last) = match name.rsplit_once('/') {
        Some((rest, last)) => (Some(rest), last),
        None => (None, name),
    };
    let (last, tag) = match last.split_once(':') {
        Some((last, tag)) => (last, Some(tag)),
        None => (last, None),
    };
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let is_registry = |part: &str| match part.split_once(':') {
        Some((host, port)) => is_part(host) && port.parse::<u16>().is_ok(),
        None => is_part(part),
    };
    let mut parts = rest.map(|rest| rest.split('/')).into_iter().flatten();
    name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && is_part(last)
        && tag.is_none_or(|tag| is_part(tag) && tag.len() <= 128)
        && digest.is_none_or(is_digest)
        && parts.next().is_none_or(is_registry)
        && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_may_have_registries_ports_tags_and_digests() {
        let digest = "a".repeat(64);
        for image in [
            "alpine",
            "node:20-slim",
            "ghcr.io/github/github-mcp-server:latest",
            "localhost:5000/a/b",
            "host:5000/img:tag",
            &format!("img@sha256:{digest}"),
            &format!("r.io:1/i:t@sha256:{digest}"),
        ] {
            assert!(is_image(image), "{image}");
        }
        for image in ["", "-x", "a b", "a:", "a::b", "a@sha256:1", "/a", "a//b", "a/b:c/d", "a;b"] {
            assert!(!is_image(image), "{image}");
        }
    }
}
