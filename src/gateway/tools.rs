// SPDX-License-Identifier: MIT
//! The tools of a server as its clients see them: which, under what names, and what is said when
//! one cannot be shown.
//!
//! What is done with a list is decided in `mcp::tools`; here is for whom, and what is remembered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Gateway;
use super::call::{Call, CallFor};
use super::exchange::open::{Incoming, incoming};
use super::fault::{ClientFault, Fault};
use super::io::{EventKind, Level};
use super::snapshot::{Server, ServerId};
use crate::base::{Message, Span};
use crate::mcp::Era;
use crate::mcp::method::Method;
use crate::mcp::schema::Care;
use crate::mcp::tool_name::{self, NameMap, Rule};
use crate::mcp::tools::{self, Options, Withheld};
use crate::policy::auth::Principal;
use crate::wire::json::{edit, scan, write};
use crate::wire::jsonrpc::{self, Parsed};
use crate::wire::{Patch, Splice};

/// A server that always finds something new to be warned of is not listened to for ever.
const WARNINGS_MAX: usize = 1000;

/// What is remembered of the tools of one server.
#[derive(Debug)]
pub struct KnownTools {
    /// The names that clients with little room for names see.
    names: NameMap,
    /// What was warned of.
    warned: BTreeSet<Box<str>>,
}

impl Default for KnownTools {
    fn default() -> Self {
        Self { names: NameMap::new(Rule::MODEL), warned: BTreeSet::new() }
    }
}

impl Gateway {
    /// Refuses a tool that the configuration does not list.
    pub(crate) fn check_tool(&self, server: ServerId, one: &Incoming) -> Result<(), Fault> {
        if one.method != Method::ToolsCall || self.snapshot.view(server).is_some() {
            return Ok(());
        }
        let Some(allowed) = &self.server(server).tools else { return Ok(()) };
        let name = one.envelope.name.and_then(|span| scan::string(&one.message, span));
        let name = name.unwrap_or(Cow::Borrowed(""));
        if tools::is_allowed(allowed, &name) {
            return Ok(());
        }
        Err(ClientFault::UnknownTool(name.into()).into())
    }

    /// What this caller needs of the schemas and names of a server's tools.
    pub(crate) fn care(&self, server: ServerId, principal: Principal) -> Care {
        let own = self.snapshot.schemas.get(usize::from(principal.0)).copied().flatten();
        own.unwrap_or(self.server(server).schema)
    }

    /// The result of a list of tools for the client that asked; `None`: as it came.
    pub(crate) fn published(
        &mut self,
        call: &Call,
        message: &Message,
        result: Span,
    ) -> Option<(Span, Message)> {
        if call.method != Method::ToolsList {
            return None;
        }
        let server = self.backends.get(call.backend)?.server;
        let CallFor::Exchange(exchange) = call.whom else { return None };
        let session = self.sessions.get(self.session_of(exchange)?)?;
        let (principal, is_modern) = (session.principal, session.era() == Era::Modern);
        let care = self.care(server, principal);
        let mirrored = !is_modern && self.compares_itself(call.backend);
        let snapshot = Arc::clone(&self.snapshot);
        let options = Options {
            care,
            object_results: !is_modern,
            mirrored,
            ..options(snapshot.server(server))
        };
        let names = &mut self.servers[usize::from(server.0)].tools.names;
        let list = tools::published(message, result, &options, names)?;
        self.warn_of_withheld(server, &list.withheld);
        Some((list.place, list.result))
    }

    /// A call under the name that its server knows; `None`: it is already.
    pub(crate) fn under_own_name(
        &self,
        server: ServerId,
        principal: Principal,
        one: &Incoming,
    ) -> Option<Incoming> {
        let known = &self.servers.get(usize::from(server.0))?.tools;
        if known.names.is_empty() || one.method != Method::ToolsCall {
            return None;
        }
        self.care(server, principal).names()?;
        let place = one.envelope.name?;
        let name = scan::string(&one.message, place)?;
        let original = known.names.original(&name)?;
        let mut quoted = Vec::new();
        write::push_str(&mut quoted, original);
        let patch = Patch::Bytes(Message::new(quoted));
        let message = Splice::whole(one.message.clone()).with(place, patch).to_message();
        match jsonrpc::parse(&message, self.limits()) {
            Ok(Parsed::Single(envelope)) => Some(incoming(message, envelope)),
            _ => None,
        }
    }

    /// All pages of a server's tools are there: the first thing that is known of them.
    pub(crate) fn tools_listed(&mut self, server: ServerId, pages: &[Message]) {
        self.guard_learns_tools(server, pages);
        let snapshot = Arc::clone(&self.snapshot);
        let configured = snapshot.server(server);
        let options = Options { care: configured.schema, ..options(configured) };
        let mut known = std::mem::take(&mut self.servers[usize::from(server.0)].tools);
        let cares = snapshot.schemas.iter().flatten().chain([&configured.schema]);
        let is_renamed = cares.into_iter().any(|care| care.names().is_some());
        if is_renamed {
            // A client may still know these names from before the gateway was started.
            let names: Vec<_> =
                pages.iter().flat_map(|page| tools::names_in(page, edit::whole(page))).collect();
            known.names.extend(names.iter().map(AsRef::as_ref));
        }
        let mut withheld = Vec::new();
        let mut shown = Vec::new();
        for page in pages {
            let (page, more) = tools::page(page, &options, &mut known.names);
            shown.push(page);
            withheld.extend(more);
        }
        let changed = known.names.changed();
        let renamed: Vec<_> = changed.map(|(own, name)| (own.into(), name.into())).collect();
        let unified =
            if is_renamed { self.named_together(server, &shown, &renamed) } else { vec![] };
        self.servers[usize::from(server.0)].tools = known;
        self.warn_of_missing(server, configured, pages);
        self.warn_of_withheld(server, &withheld);
        self.emit(Some(server), EventKind::Tools { pages: shown, renamed, unified, withheld });
    }

    /// The names at common addresses that are too long or not legal for models: a server's own
    /// names, and what becomes of them there.
    fn named_together(
        &mut self,
        server: ServerId,
        pages: &[Message],
        renamed: &[(Box<str>, Box<str>)],
    ) -> Vec<(Box<str>, Box<str>)> {
        let title = self.server(server).name.to_string();
        let names = pages.iter().flat_map(|page| tools::names_in(page, edit::whole(page)));
        let renamed: BTreeMap<&str, &str> =
            renamed.iter().map(|(own, short)| (&**own, &**short)).collect();
        let mut found = Vec::new();
        for own in names {
            let short = renamed.get(&*own).copied().unwrap_or(&own);
            let joined = tool_name::join(&title, short);
            let name = self.unified_names.publish(&joined);
            if *name != *joined {
                found.push((own.as_ref().into(), name.as_ref().into()));
            }
        }
        found
    }

    /// Names in the configuration that the server does not have: most likely a slip.
    fn warn_of_missing(&mut self, server: ServerId, configured: &Server, pages: &[Message]) {
        for pattern in configured.tools.iter().flat_map(|tools| tools.iter()) {
            let one = std::slice::from_ref(pattern);
            let is_met = pages.iter().any(|page| {
                let mut names = tools::names_in(page, edit::whole(page));
                names.any(|name| tools::is_allowed(one, &name))
            });
            if !is_met {
                let text = format!("it has no tool '{pattern}', which its configuration lists");
                self.warn_once(server, text);
            }
        }
    }

    fn warn_of_withheld(&mut self, server: ServerId, withheld: &[Withheld]) {
        for Withheld { tool, reason } in withheld {
            self.warn_once(server, format!("its tool '{tool}' is withheld: {reason}"));
        }
    }

    pub(crate) fn warn_once(&mut self, server: ServerId, text: String) {
        let warned = &mut self.servers[usize::from(server.0)].tools.warned;
        if warned.len() < WARNINGS_MAX && warned.insert(text.as_str().into()) {
            self.note(Level::Warn, "backend", Some(server), text);
        }
    }
}

fn options(server: &Server) -> Options<'_> {
    Options { allowed: server.tools.as_deref(), ..Options::default() }
}
