// SPDX-License-Identifier: MIT
//! What may be kept of a server's answers, for whom and for how long.
//!
//! ```text
//! request ── Question::of ──> what was asked, without who asked it and under which id
//! result ─── Freshness::read ──> how long it holds, and for whom; None: not to be kept
//! ```
//!
//! It knows no clock and keeps nothing.
//!
//! Spec: MCP 2026-07-28, server/utilities/caching.

use std::time::Duration;

use crate::base::bytes::parse_u64;
use crate::base::{Message, Span};
use crate::wire::json::scan;
use crate::wire::{Patch, Splice};

/// Longer is a mistake, and sums of moments and durations must not overflow.
const TTL_MAX: Duration = Duration::from_secs(365 * 86_400);

/// A longer cursor, URI or set of capabilities makes a question that is not worth keeping.
const PART_BYTES_MAX: usize = 4096;

/// The requests whose answers may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `server/discover`
    Discover,
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
    /// `resources/read`
    Read,
}

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    Public,
    /// Those with the credential that it was made for.
    Private,
}

/// How long a result holds, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// From its arrival on; zero: it is stale at once. At most a year.
    pub ttl: Duration,
    /// For whom.
    pub scope: Scope,
}

/// What was asked: two requests with equal questions have one answer, as far as the server is
/// concerned, if they come with the same credential.
///
/// Capabilities belong to it: a server may list what a client can use.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// The method.
    pub kind: Kind,
    /// The cursor or the URI, decoded; no cursor and an empty one are different questions.
    pub subject: Option<Box<str>>,
    /// What the client says that it can do, as it is spelled; empty if it says nothing.
    pub capabilities: Box<[u8]>,
}

impl Kind {
    /// From the name of a method, decoded and without quotes; `None`: its answers are never kept.
    #[must_use]
    pub fn of(method: &str) -> Option<Self> {
        Some(match method {
            "server/discover" => Self::Discover,
            "tools/list" => Self::Tools,
            "prompts/list" => Self::Prompts,
            "resources/list" => Self::Resources,
            "resources/templates/list" => Self::Templates,
            "resources/read" => Self::Read,
            _ => return None,
        })
    }

    /// Whether an answer of this kind is another one after the notification `method`. `uri`: what
    /// it names; `subject`: what was read. A part of something that was read may have changed, or
    /// the whole of it.
    #[must_use]
    pub fn is_changed_by(self, method: &str, uri: Option<&str>, subject: Option<&str>) -> bool {
        match method {
            "notifications/tools/list_changed" => self == Self::Tools,
            "notifications/prompts/list_changed" => self == Self::Prompts,
            "notifications/resources/list_changed" => {
                matches!(self, Self::Resources | Self::Templates)
            }
            "notifications/resources/updated" if self == Self::Read => match (uri, subject) {
                (Some(uri), Some(subject)) => uri.starts_with(subject) || subject.starts_with(uri),
                _ => true,
            },
            _ => false,
        }
    }
}

impl Question {
    /// What a request asks; `None`: its answer is not to be kept. `method` is decoded; `params` is
    /// an object; `capabilities` are those of the client that asks.
    ///
    /// A member of `params` that we do not know may decide about the answer. Among them are
    /// `inputResponses` and `requestState`: what they lead to is never kept.
    #[must_use]
    pub fn of(
        text: &[u8],
        method: &str,
        params: Option<Span>,
        capabilities: &[u8],
    ) -> Option<Self> {
        let kind = Kind::of(method)?;
        let wanted = match kind {
            Kind::Discover => None,
            Kind::Read => Some("uri"),
            _ => Some("cursor"),
        };
        let mut subject = None;
        for (name, value) in params.into_iter().flat_map(|params| scan::members(text, params)) {
            match scan::string(text, name)? {
                name if name == "_meta" => {}
                name if Some(&*name) == wanted && subject.is_none() => {
                    subject = Some(Box::from(scan::string(text, value)?));
                }
                _ => return None,
            }
        }
        let bytes = subject.as_deref().map_or(0, str::len).max(capabilities.len());
        let is_whole = kind != Kind::Read || subject.is_some();
        (is_whole && bytes <= PART_BYTES_MAX).then(|| Self {
            kind,
            subject,
            capabilities: capabilities.into(),
        })
    }

    /// Bytes that it takes, roughly.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subject.as_deref().map_or(0, str::len) + self.capabilities.len()
    }

    /// Whether it is nothing but its kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Freshness {
    /// What `result` says of itself; `None`: it is not complete and must not be kept.
    ///
    /// What is missing or no number of milliseconds is zero, and what is not said to be for
    /// everybody is not.
    #[must_use]
    pub fn read(text: &[u8], result: Span) -> Option<Self> {
        let kind = scan::member(text, result, "resultType");
        // Servers of earlier revisions do not say it, and have complete results alone.
        if kind.is_some_and(|kind| scan::string(text, kind).as_deref() != Some("complete")) {
            return None;
        }
        let ttl = scan::member(text, result, "ttlMs").and_then(|ttl| parse_u64(ttl.of(text)));
        let scope = scan::member(text, result, "cacheScope");
        let scope = match scope.and_then(|scope| scan::string(text, scope)).as_deref() {
            Some("public") => Scope::Public,
            _ => Scope::Private,
        };
        let ttl = Duration::from_millis(ttl.unwrap_or(0)).min(TTL_MAX);
        Some(Self { ttl, scope })
    }
}

/// `result`, a JSON object with `ttlMs`, of whose time so much is `left`.
#[must_use]
pub fn with_time_left(result: &Message, left: Duration) -> Message {
    let place = scan::member(result, Span::new(0, result.len()), "ttlMs");
    let Some(place) = place else { return result.clone() };
    let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    Splice::whole(result.clone()).with(place, Patch::Number(ms)).to_message()
}

/// Any JSON object can be a request and a result: what is read is bounded, what may be kept is
/// complete, and an answer made of it is the same result with another `ttlMs`.
pub fn fuzz(input: &[u8]) {
    if scan::validate(input, 64).is_err() || !input.trim_ascii().starts_with(b"{") {
        return;
    }
    let trimmed = Message::copy_of(input.trim_ascii());
    let whole = Span::new(0, trimmed.len());
    for method in ["tools/list", "resources/read", "server/discover", "tools/call"] {
        if let Some(question) = Question::of(&trimmed, method, Some(whole), b"") {
            assert!(question.len() <= PART_BYTES_MAX);
            assert!(scan::member(&trimmed, whole, "requestState").is_none());
        }
    }
    let Some(freshness) = Freshness::read(&trimmed, whole) else { return };
    assert!(freshness.ttl <= TTL_MAX);
    let kept = with_time_left(&trimmed, Duration::from_millis(5));
    assert!(scan::validate(&kept, 64).is_ok());
    let again = Freshness::read(&kept, Span::new(0, kept.len()));
    if freshness.ttl > Duration::ZERO {
        let left = Duration::from_millis(5);
        assert_eq!(again, Some(Freshness { ttl: left, scope: freshness.scope }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Freshness> {
        Freshness::read(text.as_bytes(), Span::new(0, text.len()))
    }

    fn question(method: &str, params: &str) -> Option<Question> {
        Question::of(params.as_bytes(), method, Some(Span::new(0, params.len())), b"{}")
    }

    // Checklist 86.
    #[test]
    fn what_is_not_said_holds_for_nobody_and_no_time() {
        let of = |ms, scope| Some(Freshness { ttl: Duration::from_millis(ms), scope });
        let (public, private) = (Scope::Public, Scope::Private);
        for (text, want) in [
            (r#"{}"#, of(0, private)),
            (r#"{"ttlMs":5,"cacheScope":"public"}"#, of(5, public)),
            (r#"{"resultType":"complete","ttlMs":5,"cacheScope":"p\u0075blic"}"#, of(5, public)),
            (r#"{"resultType":"complete","ttlMs":-5,"cacheScope":"private"}"#, of(0, private)),
            (r#"{"ttlMs":1.5,"cacheScope":"shared"}"#, of(0, private)),
            (r#"{"ttlMs":"5","cacheScope":7}"#, of(0, private)),
            (r#"{"ttlMs":18446744073709551615}"#, of(365 * 86_400_000, private)),
            (r#"{"ttlMs":99999999999999999999}"#, of(0, private)),
            (r#"{"resultType":"input_required","ttlMs":5,"cacheScope":"public"}"#, None),
            (r#"{"resultType":"task","ttlMs":5}"#, None),
            (r#"{"resultType":null,"ttlMs":5}"#, None),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn a_question_is_what_decides_about_the_answer() {
        let tools = question("tools/list", r#"{"_meta":{"progressToken":1}}"#).unwrap();
        assert_eq!(tools, question("tools/list", "{}").unwrap());
        let page = question("tools/list", r#"{"cursor":""}"#).unwrap();
        assert_ne!(tools, page, "an empty cursor is a cursor");
        assert_eq!(page.subject.as_deref(), Some(""));
        let one = question("resources/read", r#"{"uri":"a:\/b"}"#);
        assert_eq!(one, question("resources/read", r#"{"\u0075ri":"a:/b"}"#));
        assert!(one.is_some());
        assert_ne!(
            Question::of(b"", "tools/list", None, b"{}"),
            Question::of(b"", "tools/list", None, b"{\"roots\":{}}")
        );
    }

    #[test]
    fn what_else_is_asked_is_not_kept() {
        for (method, params) in [
            ("tools/call", r#"{"name":"x"}"#),
            ("resources/read", "{}"),
            ("resources/read", r#"{"uri":7}"#),
            ("resources/read", r#"{"uri":"a","requestState":"x"}"#),
            ("resources/read", r#"{"uri":"a","inputResponses":{}}"#),
            ("tools/list", r#"{"cursor":null}"#),
            ("tools/list", r#"{"cursor":"a","cursor":"b"}"#),
            ("tools/list", r#"{"filter":"x"}"#),
            ("server/discover", r#"{"cursor":"x"}"#),
        ] {
            assert_eq!(question(method, params), None, "{method} {params}");
        }
        let long = format!(r#"{{"uri":"{}"}}"#, "x".repeat(PART_BYTES_MAX + 1));
        assert_eq!(question("resources/read", &long), None);
    }

    #[test]
    fn a_notification_changes_what_it_is_about() {
        let read = |uri, subject| {
            let method = "notifications/resources/updated";
            Kind::Read.is_changed_by(method, Some(uri), Some(subject))
        };
        assert!(read("file:///a", "file:///a") && read("file:///a/b", "file:///a"));
        assert!(read("file:///a", "file:///a/b") && !read("file:///b", "file:///a"));
        assert!(Kind::Read.is_changed_by("notifications/resources/updated", None, Some("a")));
        let lists = [Kind::Tools, Kind::Prompts, Kind::Resources, Kind::Templates];
        for (method, want) in [
            ("notifications/tools/list_changed", [true, false, false, false]),
            ("notifications/prompts/list_changed", [false, true, false, false]),
            ("notifications/resources/list_changed", [false, false, true, true]),
            ("notifications/resources/updated", [false; 4]),
            ("notifications/message", [false; 4]),
        ] {
            assert_eq!(lists.map(|kind| kind.is_changed_by(method, None, None)), want, "{method}");
        }
    }

    #[test]
    fn a_kept_result_says_how_much_time_is_left_and_nothing_else_is_changed() {
        let result = Message::from(r#"{"tools":[ 1.0 ], "ttlMs" : 60000 ,"cacheScope":"public"}"#);
        let kept = with_time_left(&result, Duration::from_micros(41_500_900));
        let want = r#"{"tools":[ 1.0 ], "ttlMs" : 41500 ,"cacheScope":"public"}"#;
        assert_eq!(std::str::from_utf8(&kept).unwrap(), want);
    }
}
