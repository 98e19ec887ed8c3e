// SPDX-License-Identifier: MIT
//! What clients of the proxy are told when it speaks itself, and which fields pass it.

use super::Care;
use crate::base::Secret;
use crate::wire::json::write;

/// An answer of our own: a status and a body in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a request is not answered by the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The monitor says no; its reason.
    Denied(String),
    /// So many items of so many may not be seen, and one is enough.
    Withheld {
        /// How many may not be seen.
        n_removed: usize,
        /// How many there were.
        n_items: usize,
    },
    /// Nobody knows what the request asks for.
    UnknownEndpoint,
    /// Nobody knows what the query asks for.
    UnknownQuery,
    /// The body of the request could not be read.
    Unreadable,
    /// The guard has failed.
    Unlabelled,
    /// The forge cannot be reached.
    Unreachable,
    /// The forge has broken off its answer.
    BrokenOff,
    /// There is no policy.
    NoPolicy,
}

/// That the proxy lives.
#[must_use]
pub fn health() -> Answer {
    Answer { status: 200, body: br#"{"status":"ok"}"#.to_vec() }
}

impl Refusal {
    /// What the client is told.
    #[must_use]
    pub fn answer(&self) -> Answer {
        const UNKNOWN_QUERY: &[u8] =
            br#"{"data":null,"errors":[{"message":"access denied: unrecognized GraphQL operation"}]}"#;
        let (status, error, message) = match self {
            Self::UnknownQuery => return Answer { status: 403, body: UNKNOWN_QUERY.to_vec() },
            Self::Denied(reason) => {
                (403, "difc_forbidden", format!("DIFC policy violation: {reason}"))
            }
            Self::Withheld { n_removed, n_items } => {
                let what = format!("{n_removed} of {n_items} items not accessible");
                (403, "difc_forbidden", format!("DIFC policy violation: {what}"))
            }
            Self::UnknownEndpoint => {
                (403, "difc_forbidden", "DIFC policy violation: unrecognized endpoint".into())
            }
            Self::Unreadable => (400, "bad_request", "failed to read request body".into()),
            Self::Unlabelled => (502, "bad_gateway", "resource labeling failed".into()),
            Self::Unreachable => (502, "bad_gateway", "upstream request failed".into()),
            Self::BrokenOff => (502, "bad_gateway", "failed to read upstream response".into()),
            Self::NoPolicy => {
                (503, "service_unavailable", "proxy enforcement not configured".into())
            }
        };
        let mut body = Vec::new();
        write::object(&mut body, |object| {
            object.str("error", error).str("message", &message);
        });
        Answer { status, body }
    }
}

/// What becomes of an answer that no guard has labelled: it is no JSON, or there was nothing to
/// say.
#[must_use]
pub fn passes_unlabelled(may_read_call: bool, is_json: bool, care: Care) -> bool {
    may_read_call || !is_json && care == Care::Compat
}

/// Whether an answer with `status` is judged by a guard. A redirect or an error holds nothing that
/// it could label, and passes.
#[must_use]
pub fn is_judged(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether a field of the forge's answer passes.
#[must_use]
pub fn passes_field(name: &str) -> bool {
    const FIELDS: &[&str] = &[
        "content-type",
        "content-disposition",
        "location",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-resource",
        "x-ratelimit-used",
        "link",
        "x-github-request-id",
    ];
    FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// What the forge is sent instead of the client's fields.
///
/// `authorization` is the client's own; without it the token of the proxy is used. `content_type`
/// is that of a body; `None`: there is no body.
#[must_use]
pub fn request_fields(
    authorization: Option<&[u8]>,
    token: Option<&Secret>,
    content_type: Option<&[u8]>,
) -> Vec<(&'static str, Secret)> {
    let mut fields = vec![
        ("Accept", Secret::new(b"application/vnd.github+json")),
        ("User-Agent", Secret::new(b"awmg/1.0")),
    ];
    let own = || token.map(|token| Secret::new(&[b"token ", token.expose()].concat()));
    if let Some(value) = authorization.map(Secret::new).or_else(own) {
        fields.insert(0, ("Authorization", value));
    }
    if let Some(value) = content_type {
        fields.push(("Content-Type", Secret::new(value)));
    }
    fields
}

/// The seconds of `Retry-After`, if the forge has had enough of us: until `reset` (Unix seconds)
/// and one more, between a second and an hour; a minute if nobody knows.
#[must_use]
pub fn retry_after(
    status: u16,
    remaining: Option<&str>,
    reset: Option<&str>,
    unix_s: u64,
) -> Option<u64> {
    const UNKNOWN_S: u64 = 60;
    const HOUR_S: u64 = 3600;
    if status != 429 && remaining.map(str::trim) != Some("0") {
        return None;
    }
    let reset: Option<u64> = reset.and_then(|text| text.trim().parse().ok());
    let left = reset.and_then(|reset| reset.checked_sub(unix_s)).filter(|left| *left > 0);
    Some(left.map_or(UNKNOWN_S, |left| left.saturating_add(1).clamp(1, HOUR_S)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(refusal: Refusal, status: u16, want: &str) {
        let answer = refusal.answer();
        assert_eq!(answer.status, status);
        assert_eq!(String::from_utf8(answer.body).unwrap(), want);
    }

    #[test]
    fn refusals_have_their_words() {
        check(
            Refusal::Denied("Resource 'x' is \"private\"".into()),
            403,
            r#"{"error":"difc_forbidden","message":"DIFC policy violation: Resource 'x' is \"private\""}"#,
        );
        check(
            Refusal::Withheld { n_removed: 2, n_items: 5 },
            403,
            r#"{"error":"difc_forbidden","message":"DIFC policy violation: 2 of 5 items not accessible"}"#,
        );
        check(
            Refusal::UnknownQuery,
            403,
            r#"{"data":null,"errors":[{"message":"access denied: unrecognized GraphQL operation"}]}"#,
        );
        check(
            Refusal::Unlabelled,
            502,
            r#"{"error":"bad_gateway","message":"resource labeling failed"}"#,
        );
        check(
            Refusal::Unreachable,
            502,
            r#"{"error":"bad_gateway","message":"upstream request failed"}"#,
        );
        check(
            Refusal::NoPolicy,
            503,
            r#"{"error":"service_unavailable","message":"proxy enforcement not configured"}"#,
        );
        check(
            Refusal::Unreadable,
            400,
            r#"{"error":"bad_request","message":"failed to read request body"}"#,
        );
        assert_eq!(Refusal::UnknownEndpoint.answer().status, 403);
        assert_eq!(Refusal::BrokenOff.answer().status, 502);
        assert_eq!(health().body, br#"{"status":"ok"}"#);
    }

    #[test]
    fn what_is_no_json_passes_with_its_call_alone() {
        assert!(passes_unlabelled(true, false, Care::Strict));
        assert!(!passes_unlabelled(false, false, Care::Strict));
        assert!(passes_unlabelled(false, false, Care::Compat), "as it always did");
        assert!(!passes_unlabelled(false, true, Care::Compat));
    }

    #[test]
    fn few_fields_pass() {
        assert!(passes_field("Link") && passes_field("X-RateLimit-Reset"));
        for name in ["ETag", "Set-Cookie", "X-OAuth-Scopes", "Content-Length", ""] {
            assert!(!passes_field(name), "{name}");
        }
    }

    #[test]
    fn the_forge_is_sent_fields_of_our_own() {
        let names = |fields: &[(&'static str, Secret)]| {
            let texts = fields.iter().map(|(name, value)| {
                format!("{name}: {}", String::from_utf8_lossy(value.expose()))
            });
            texts.collect::<Vec<_>>()
        };
        let token = Secret::new(b"t");
        let own = request_fields(None, Some(&token), None);
        let always = ["Accept: application/vnd.github+json", "User-Agent: awmg/1.0"];
        assert_eq!(names(&own), [&["Authorization: token t"], &always[..]].concat());
        let given = request_fields(Some(b"Bearer c"), Some(&token), Some(b"application/json"));
        assert_eq!(names(&given)[0], "Authorization: Bearer c");
        assert_eq!(names(&given)[3], "Content-Type: application/json");
        assert_eq!(names(&request_fields(None, None, None)), always);
    }

    #[test]
    fn whoever_is_too_fast_is_told_when_to_come_back() {
        let now = 1000;
        assert_eq!(retry_after(200, Some("1"), Some("1010"), now), None);
        assert_eq!(retry_after(200, Some("0"), Some("1010"), now), Some(11));
        assert_eq!(retry_after(429, None, Some("1010"), now), Some(11));
        assert_eq!(retry_after(429, None, None, now), Some(60));
        assert_eq!(retry_after(429, None, Some("soon"), now), Some(60));
        assert_eq!(retry_after(429, None, Some("900"), now), Some(60));
        assert_eq!(retry_after(429, None, Some("99999999"), now), Some(3600));
        assert_eq!(retry_after(429, None, Some("18446744073709551615"), 1), Some(3600));
    }
}
