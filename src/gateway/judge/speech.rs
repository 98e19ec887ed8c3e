// SPDX-License-Identifier: MIT
//! What clients tell servers beside their calls: free words, which whoever carries a secret may not
//! say where it may not go.
//!
//! | message | what is left of it |
//! |---|---|
//! | initialized | the notice |
//! | a cancellation | the id |
//! | any other notification | nothing |
//! | an answer to the server | nothing; the server is told |
//! | a call without an id | nothing: nobody would judge it |
//! | a list or a subscription | the method; with parameters nothing, and the client is told |
//! | a call that reads at a guarded server | nothing, if it may not hold what was read elsewhere |
//! | who the client is, and what it can do | the gateway's own name |

use super::Judging;
use super::deny::Denial;
use crate::base::{Key, Message, Span};
use crate::gateway::Gateway;
use crate::gateway::exchange::Exchange;
use crate::gateway::exchange::open::Incoming;
use crate::gateway::session::{Asked, Session};
use crate::gateway::snapshot::{ServerId, WatchKind};
use crate::mcp::meta::{self, Identity};
use crate::mcp::method::Method;
use crate::mcp::subscription::Filter;
use crate::mcp::{Era, legacy};
use crate::policy::auth::Principal;
use crate::policy::guard::monitor::Check;
use crate::policy::guard::{Label, Labelled, Operation, write_sink};
use crate::wire::json::{edit, scan, write};

/// What a server is told whose client may not answer.
pub(crate) const SILENCED: &str = "its client carries secrets that may not go there";

impl Gateway {
    /// Whether the client of this session may tell its server what it likes.
    pub(crate) fn may_speak(&self, session: Key<Session>) -> bool {
        let Some(session) = self.sessions.get(session) else { return true };
        self.may_speak_to(session.server, session.principal)
    }

    /// Whether somebody may tell a server what they like, their own name included: nothing that
    /// they carry is more secret than the server.
    pub(crate) fn may_speak_to(&self, server: ServerId, who: Principal) -> bool {
        if !self.snapshot.guards.is_enabled {
            return true;
        }
        let Some(watch) = self.watch_of(server).filter(|watch| !watch.shadow) else {
            return true;
        };
        let accepted = match &watch.kind {
            WatchKind::WriteSink(sink) => write_sink::label("", sink).object.labels.secrecy,
            _ => Label::EMPTY,
        };
        self.labels_of(who).secrecy.flows_into(&accepted)
    }

    /// What is left of a notification of a client that may not speak freely.
    pub(crate) fn without_words(&self, one: &Incoming) -> Option<Incoming> {
        let bare = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        match one.method {
            Method::Initialized => self.read_again(Message::fixed(bare)),
            _ => None,
        }
    }

    /// Whether a client's answer to what its server has asked does not go there; that is told.
    pub(crate) fn is_silenced(
        &mut self,
        session: Key<Session>,
        to: &Asked,
        one: &Incoming,
    ) -> bool {
        let behind = to.behind.as_ref();
        let (session, id) = behind.map_or((session, &to.id), |(member, id)| (*member, id));
        let Some((backend, _)) = self.backend_of(session) else { return false };
        // What a modern server has asked is part of a call, which is judged again.
        if self.era_of(backend) == Era::Modern || self.may_speak(session) {
            return false;
        }
        let says_nothing = one.envelope.result.is_some_and(|span| span.of(&one.message) == b"{}");
        match says_nothing {
            true => self.answer_below(backend, legacy::empty_response(id)),
            false => self.refuse_asked(backend, id, SILENCED),
        }
        true
    }

    /// Whether somebody may ask a server in words of their own: nothing that they have been shown
    /// elsewhere is more secret than it.
    pub(crate) fn may_ask_in_words(&self, server: ServerId, who: Principal) -> bool {
        let is_own =
            || self.is_guarded(server) && self.secrets_from_elsewhere(server, who).is_empty();
        self.may_speak_to(server, who) || is_own()
    }

    /// What somebody has been shown that the guard of this server knows nothing of.
    pub(super) fn secrets_from_elsewhere(&self, server: ServerId, who: Principal) -> Label {
        self.origins.elsewhere(who, server, &self.guards.secrecy_given(server))
    }

    /// Why the words of a call that reads do not go to a guarded server.
    pub(super) fn read_tells_too_much(
        &self,
        server: ServerId,
        who: Principal,
        labelled: &Labelled,
    ) -> Option<Denial> {
        let reads = labelled.operation == Operation::Read && self.is_guarded(server);
        if !reads || self.snapshot.guards.compat {
            return None;
        }
        let object = &labelled.object;
        let secrets = self.secrets_from_elsewhere(server, who).beyond(&object.labels.secrecy);
        if secrets.is_empty() {
            return None;
        }
        let reason = format!(
            "The agent has read secrets {secrets} elsewhere, which the words of its call could \
             take to '{}'.",
            object.description
        );
        let allowed = format!("calls about resources that have secrecy {secrets}");
        Some(Denial::new(Check::WriteSecrecy.rule(), &reason, &allowed))
    }

    /// Whether a guard may ask on behalf of a call before it is known where its words may go.
    pub(super) fn may_be_asked_about(&self, judging: &Judging) -> bool {
        let is_shadow = self.watch_of(judging.server).is_none_or(|watch| watch.shadow);
        let passes = judging.held.is_some() || is_shadow || self.snapshot.guards.compat;
        passes || self.secrets_from_elsewhere(judging.server, judging.who).is_empty()
    }

    /// Whether something is no notification and has no id either: nobody would judge it, and its
    /// server could do it.
    pub(crate) fn is_call_without_id(&self, session: Key<Session>, one: &Incoming) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let method = one.envelope.method.and_then(|span| scan::string(&one.message, span));
        let is_notice = method.is_some_and(|name| name.starts_with("notifications/"));
        !is_notice && self.is_looked_into(session.server)
    }

    /// What is left of a request that no guard judges: all of it (`None`), or what says nothing of
    /// its client.
    ///
    /// # Errors
    ///
    /// Its parameters are words of the client, which may not go there.
    pub(super) fn in_plain_words(
        &self,
        exchange: Key<Exchange>,
        session: Key<Session>,
        one: &Incoming,
    ) -> Result<Option<Incoming>, Denial> {
        let Some(state) = self.sessions.get(session) else { return Ok(None) };
        let (server, who) = (state.server, state.principal);
        let names_resources = one.method == Method::Listen
            && !Filter::read(&one.message, one.envelope.params).uris.is_empty();
        let is_free = match names_resources {
            true => self.may_speak_to(server, who),
            false => self.may_ask_in_words(server, who),
        };
        // Of a list of several servers each is told only what it may know, before.
        if is_free || self.is_part_of_list(exchange) {
            return Ok(None);
        }
        let is_plain = says_nothing(one) && !names_resources;
        let plain = is_plain.then(|| self.plain_request(state.era(), one, None)).flatten();
        plain.map(Some).ok_or_else(|| {
            let reason = "The agent carries secrets that its words may not take to this server.";
            let allowed = "the same request without parameters";
            Denial::new(Check::WriteSecrecy.rule(), reason, allowed)
        })
    }

    /// A request in the gateway's words. Of its client's there is the method, which we know, and
    /// the id, which stays here; of its parameters `cursor`, which is the server's, and what it
    /// subscribes to.
    pub(crate) fn plain_request(
        &self,
        era: Era,
        one: &Incoming,
        cursor: Option<&[u8]>,
    ) -> Option<Incoming> {
        let method = scan::string(&one.message, one.envelope.method?)?;
        let listens = one.method == Method::Listen;
        let filter = Filter::read(&one.message, one.envelope.params);
        let mut out = Vec::new();
        write::object(&mut out, |out| {
            out.str("jsonrpc", "2.0").raw("id", one.id().unwrap_or(b"null"));
            out.str("method", &method);
            if let Some(cursor) = cursor {
                out.object("params", |out| {
                    out.raw("cursor", cursor);
                });
            } else if listens {
                out.object("params", |out| {
                    out.object("notifications", |out| filter.write_flags(out));
                });
            }
        });
        let plain = self.read_again(Message::new(out))?;
        if era == Era::Legacy {
            return Some(plain);
        }
        let info = self.own_info();
        let identity = Identity { client_info: Some(&info), capabilities: b"{}", log_level: None };
        self.read_again(meta::with_ours(&plain.message, &plain.envelope, &identity))
    }
}

/// Whether a request says nothing but which one it is. What a modern one says of its client in
/// `_meta` and to what it subscribes is said anew.
fn says_nothing(one: &Incoming) -> bool {
    let text = &one.message;
    let has_only = |span: Span, known: &[&str]| {
        let mut names = scan::members(text, span).map(|(name, _)| scan::string(text, name));
        names.all(|name| name.is_some_and(|name| known.contains(&&*name)))
    };
    let known: &[&str] = match one.method {
        Method::Listen => &["_meta", "notifications"],
        _ if one.envelope.meta_version.is_some() => &["_meta"],
        _ => &[],
    };
    let is_bare = |params: Span| params.of(text).starts_with(b"{") && has_only(params, known);
    has_only(edit::whole(text), &["jsonrpc", "id", "method", "params"])
        && one.envelope.params.is_none_or(is_bare)
}
