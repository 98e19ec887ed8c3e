// SPDX-License-Identifier: MIT
//! How long calls may take: each server, and each tool of it, has a time in which the backend must
//! answer or say how far it is, and one bound that no progress extends.
//!
//! ```text
//! sent ──silence──> deadline          no progress: given up here
//! sent ─────p──────p────silence──>    progress sets the clock again …
//! sent ───────────────────────────────────whole> … and this is the end of it
//! ```

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::Gateway;
use super::call::Call;
use super::exchange::open::Incoming;
use super::snapshot::{Server, ServerId};
use crate::base::{Key, Span};
use crate::mcp::method::Method;
use crate::wire::json::scan;

/// The bound on progress without a word in the configuration: as long as an idle session lives, so
/// that a call cannot outlive what it belongs to.
const WHOLE: Duration = Duration::from_secs(6 * 3600);

/// What the configuration says beyond `tool_timeout`.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    whole: Option<Duration>,
    /// By precedence: the first row that fits a tool is its row.
    tools: Vec<(Box<str>, Duration)>,
}

/// How long one call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    /// From the request, or from its latest progress, to the answer.
    pub silence: Duration,
    /// From the request to the answer, whatever happens in between.
    pub whole: Duration,
}

/// What progress does to the deadline of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// It is so far away again.
    pub by: Duration,
    /// But not beyond this.
    pub until: Instant,
}

impl TimeLimit {
    /// No time at all: for a call to a backend that is gone.
    pub const NONE: Self = Self { silence: Duration::ZERO, whole: Duration::ZERO };

    /// What progress does to a call that is sent at `now`.
    #[must_use]
    pub fn extension(self, now: Instant) -> Extension {
        Extension { by: self.silence, until: now + self.whole }
    }
}

impl Patience {
    /// `whole` bounds calls with progress; `None`: six hours, or longer if a timeout is. `tools`
    /// are timeouts of tools by name, in which `*` stands for any characters; a name goes before a
    /// pattern, and a pattern before one that says less.
    #[must_use]
    pub fn new(whole: Option<Duration>, mut tools: Vec<(Box<str>, Duration)>) -> Self {
        let said = |pattern: &str| pattern.bytes().filter(|byte| *byte != b'*').count();
        tools.sort_by(|(one, _), (other, _)| {
            let order = |pattern: &str| (pattern.contains('*'), Reverse(said(pattern)));
            order(one).cmp(&order(other)).then_with(|| one.cmp(other))
        });
        Self { whole, tools }
    }

    /// The row of a tool: the pattern that fits it best, and its timeout.
    #[must_use]
    pub fn row_of(&self, tool: &str) -> Option<(&str, Duration)> {
        let row = self.tools.iter().find(|(pattern, _)| fits(pattern.as_bytes(), tool.as_bytes()));
        row.map(|(pattern, timeout)| (&**pattern, *timeout))
    }
}

impl Server {
    /// How long a call may take; `tool`: the name, decoded, if it is a `tools/call`.
    #[must_use]
    pub fn time_limit(&self, tool: Option<&str>) -> TimeLimit {
        let own = tool.and_then(|tool| self.patience.row_of(tool)).map(|(_, timeout)| timeout);
        let silence = own.unwrap_or(self.tool_timeout);
        let whole = self.patience.whole.unwrap_or(WHOLE.max(silence));
        TimeLimit { silence: silence.min(whole), whole }
    }

    /// Which key of the configuration says how long a call may be silent.
    fn silence_key(&self, tool: Option<&str>) -> String {
        let name = &self.name;
        let row = tool.and_then(|tool| self.patience.row_of(tool));
        let said = row.map_or(self.tool_timeout, |(_, timeout)| timeout);
        match (self.patience.whole, row) {
            (Some(whole), _) if whole < said => format!("servers.{name}.tool_timeout_max"),
            (_, Some((pattern, _))) => format!("servers.{name}.tool_timeouts.\"{pattern}\""),
            _ => format!("servers.{name}.tool_timeout"),
        }
    }
}

impl Call {
    /// A sign of life of the backend: the deadline is as far away again, within its bound. The
    /// alarm is left as it is; when it rings too early, it is set anew.
    pub fn extend(&mut self, now: Instant) {
        if let Some(extension) = self.extension {
            self.deadline = self.deadline.max((now + extension.by).min(extension.until));
        }
    }

    /// Whether no progress can move the deadline any more.
    fn is_at_its_bound(&self) -> bool {
        self.extension.is_some_and(|extension| extension.until <= self.deadline)
    }

    /// The tool's name, decoded.
    fn tool_name(&self) -> Option<String> {
        let quoted = [b"\"", self.tool.as_deref()?, b"\""].concat();
        scan::string(&quoted, Span::new(0, quoted.len())).map(|name| name.into_owned())
    }
}

impl Gateway {
    /// The limit of a client's request.
    pub(crate) fn time_limit_of(&self, server: ServerId, one: &Incoming) -> TimeLimit {
        let server = self.server(server);
        if server.patience.tools.is_empty() || one.method != Method::ToolsCall {
            return server.time_limit(None);
        }
        let name = one.envelope.name.and_then(|span| scan::string(&one.message, span));
        server.time_limit(name.as_deref())
    }

    /// A backend has said how far a call is.
    pub(crate) fn extend_call(&mut self, key: Key<Call>) {
        let now = self.now.mono;
        if let Some(call) = self.calls.get_mut(key).filter(|call| !call.cancelled) {
            call.extend(now);
        }
    }

    /// Why a call was given up, and which key sets the limit.
    pub(crate) fn timeout_text(&self, call: &Call, server: &Server) -> String {
        let name = String::from_utf8_lossy(&call.name);
        let tool = call.tool_name();
        let limit = server.time_limit(tool.as_deref());
        let key = server.silence_key(tool.as_deref());
        if limit.silence < limit.whole && call.is_at_its_bound() {
            let (seconds, server) = (limit.whole.as_secs_f64(), &server.name);
            return format!(
                "no answer to {name} within {seconds}s, whatever its progress (context \
                 deadline exceeded); servers.{server}.tool_timeout_max is the limit"
            );
        }
        let seconds = limit.silence.as_secs_f64();
        let what = if call.deadline > call.sent_at + limit.silence {
            format!("no answer to {name} and no further progress within {seconds}s")
        } else {
            format!("no answer to {name} within {seconds}s")
        };
        format!("{what} (context deadline exceeded); {key} is the limit")
    }
}

/// Whether `name` is what `pattern` describes; `*` stands for any characters, also none. Costs at
/// most the product of both lengths.
#[must_use]
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where to go on if what follows the last star does not fit: behind the star, one byte later.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(byte) if *byte == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((behind, from)) = star else { return false };
                star = Some((behind, from + 1));
                (at, seen) = (behind, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience(rows: &[(&str, u32)]) -> Patience {
        let row = |(name, n): &(&str, u32)| (Box::from(*name), SECOND * *n);
        Patience::new(None, rows.iter().map(row).collect())
    }

    #[test]
    fn a_name_goes_before_a_pattern_and_a_pattern_before_a_vaguer_one() {
        let rows = [("*", 1), ("build*", 2), ("build_all", 3), ("*_all", 4), ("build_*", 5)];
        for turn in 0..rows.len() {
            let mut rows = rows;
            rows.rotate_left(turn);
            let patience = patience(&rows);
            let of = |tool| patience.row_of(tool).map(|(_, timeout)| timeout.as_secs());
            assert_eq!(of("build_all"), Some(3));
            assert_eq!(of("build_one"), Some(5));
            assert_eq!(of("builder"), Some(2));
            assert_eq!(of("test_all"), Some(4));
            assert_eq!(of("x"), Some(1));
        }
        assert_eq!(patience(&[("a*", 1)]).row_of("b"), None);
    }

    #[test]
    fn stars_stand_for_anything_and_nothing() {
        for (pattern, name, want) in [
            ("", "", true),
            ("*", "", true),
            ("a", "", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-bb-b-c", true),
            ("a*b*c", "a-b-cd", false),
            ("**x**", "x", true),
            ("*aab", "aaaab", true),
            ("get_*", "forget_it", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_what_a_slow_reading_of_them_fits(
            pattern in "[ab*]{0,8}", name in "[ab]{0,10}",
        ) {
            fn slowly(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|n| slowly(rest, &name[n..])),
                    Some((byte, rest)) => name.first() == Some(byte) && slowly(rest, &name[1..]),
                }
            }
            let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(fits(pattern, name), slowly(pattern, name));
        }
    }
}
