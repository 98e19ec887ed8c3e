// SPDX-License-Identifier: MIT
//! What a client is answered, and which fields of the forge's answer it sees.

use std::borrow::Cow;

use crate::base::Message;
use crate::github_proxy::answer::{self, Refusal, passes_field};
use crate::run::fetch::Answered;
use crate::wire::http1::{Content, ResponseHead};
use crate::wire::json::{edit, scan, write};

/// The fields that may pass, as they are spelled to clients.
const SPELLED: [&str; 10] = [
    "Content-Type",
    "Content-Disposition",
    "Location",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Resource",
    "X-RateLimit-Used",
    "Link",
    "X-GitHub-Request-Id",
];

/// What a change may answer to those who may not read it: names and addresses, in which nobody's
/// words are.
const ECHOED: [&str; 6] = ["id", "node_id", "number", "url", "html_url", "sha"];

/// What one request is answered.
#[derive(Debug)]
pub struct Reply {
    /// Status and fields.
    pub head: ResponseHead,
    /// The body.
    pub body: Message,
}

impl Reply {
    /// An answer of our own.
    #[must_use]
    pub fn own(answer: answer::Answer) -> Self {
        let head = ResponseHead::new(answer.status, Content::Json);
        Self { head, body: Message::new(answer.body) }
    }

    /// That the request is refused.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::own(refusal.answer())
    }

    /// The forge's answer, with `body` in place of its own if there is one.
    #[must_use]
    pub fn forges(answered: Answered, body: Option<Vec<u8>>, unix_ms: u64) -> Self {
        let is_changed = body.is_some();
        let content = if is_changed { Content::Json } else { Content::None };
        let mut head = ResponseHead::new(answered.status, content);
        let retry_after = retry_after(&answered, unix_ms);
        for (name, value) in answered.fields {
            let spelled = SPELLED.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let Some(&spelled) = spelled.filter(|_| passes_field(&name)) else { continue };
            if !(is_changed && spelled == SPELLED[0]) {
                head.fields.push((spelled, Cow::Owned(value)));
            }
        }
        if let Some(seconds) = retry_after {
            head = head.with("Retry-After", seconds.to_string());
        }
        Self { head, body: Message::new(body.unwrap_or(answered.body)) }
    }
}

fn retry_after(answered: &Answered, unix_ms: u64) -> Option<u64> {
    const MS: u64 = 1000;
    let (remaining, reset) = ("X-RateLimit-Remaining", "X-RateLimit-Reset");
    let (remaining, reset) = (answered.field(remaining), answered.field(reset));
    answer::retry_after(answered.status, remaining, reset, unix_ms / MS)
}

/// What is shown of the answer to a change that may not be read: where to find what was changed.
#[must_use]
pub fn echo(text: &[u8]) -> Vec<u8> {
    let whole = edit::whole(text);
    let mut out = Vec::new();
    write::object(&mut out, |out| {
        for name in ECHOED {
            let value = scan::member(text, whole, name).map(|span| span.of(text));
            if let Some(value) =
                value.filter(|value| !value.starts_with(b"{") && !value.starts_with(b"["))
            {
                out.raw(name, value);
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, fields: &[(&str, &str)]) -> Answered {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Answered { status, fields: fields.collect(), body: b"[1]".to_vec() }
    }

    #[test]
    fn few_fields_pass_and_a_changed_body_is_json() {
        const OK: u16 = 200;
        let fields = [
            ("content-type", "application/json; charset=utf-8"),
            ("ETag", "x"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "20"),
        ];
        let reply = Reply::forges(answered(OK, &fields), None, 10_000);
        let names: Vec<_> = reply.head.fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["Content-Type", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"]
        );
        assert_eq!(reply.head.fields[3].1, "11");
        let reply = Reply::forges(answered(OK, &fields), Some(b"[]".to_vec()), 10_000);
        assert_eq!(reply.head.content, Content::Json);
        assert_eq!(reply.head.fields[0].0, "X-RateLimit-Remaining");
        assert_eq!(reply.body.as_bytes(), b"[]");
    }

    #[test]
    fn a_change_echoes_where_it_is_and_nothing_that_was_written() {
        let text = br#"{"url":"u","id":7,"title":"secret","number":{"x":1},"body":"secret"}"#;
        assert_eq!(echo(text), br#"{"id":7,"url":"u"}"#);
        assert_eq!(echo(b"[1]"), b"{}");
    }
}
