// SPDX-License-Identifier: MIT
//! The names of the members that route, by the object in which they stand.

use crate::base::Span;
use crate::wire::json::{fold, scan};

/// A member that routes. Its number is its place among what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum Member {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Name,
    Uri,
    ProgressToken,
    RequestId,
    Meta,
    MetaProgressToken,
    MetaVersion,
    SubscriptionId,
    ResultType,
}

/// How many there are.
pub(super) const MEMBERS: usize = Member::ResultType as usize + 1;

/// The members of which a request has none in other letters: those of a message itself, and those
/// whose names belong to the protocol wherever they stand.
pub(super) const ROUTING: [Member; 10] = [
    Member::Jsonrpc,
    Member::Id,
    Member::Method,
    Member::Params,
    Member::Result,
    Member::Error,
    Member::Meta,
    Member::MetaProgressToken,
    Member::MetaVersion,
    Member::SubscriptionId,
];

/// The members that route in one kind of object.
pub(in crate::wire) struct Names {
    /// The one of exactly this name. A `match` compares a few bytes in place; to walk through `all`
    /// would cost a call for each name, for each key of each message.
    pub(super) exact: fn(&[u8]) -> Option<Member>,
    all: &'static [(&'static [u8], Member)],
}

impl Names {
    /// The member of this name in ASCII letters of any case.
    pub(super) fn lookup(&self, key: &[u8]) -> Option<Member> {
        let mut all = self.all.iter();
        all.find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, member)| *member)
    }

    /// The same of a name in any letters, and whether these are its own.
    pub(super) fn lookup_folded(&self, key: &str) -> Option<(Member, bool)> {
        let is_same = |name| str::from_utf8(name).is_ok_and(|name| fold::is_same(name, key));
        let found = self.all.iter().find(|(name, _)| is_same(name));
        found.map(|(name, member)| (*member, *name == key.as_bytes()))
    }

    /// What a name means that stands alone, with its quotes, and whether it is spelled exactly so
    /// once its escapes are read.
    pub(in crate::wire) fn meaning(&self, spelled: &[u8]) -> Option<(Member, bool)> {
        let plain = spelled.get(1..spelled.len().saturating_sub(1)).unwrap_or_default();
        if let Some(member) = (self.exact)(plain) {
            return Some((member, true));
        }
        self.lookup_folded(&scan::string(spelled, Span::new(0, spelled.len()))?)
    }
}

/// Both forms of a table from one list.
macro_rules! names {
    ($($name:literal => $member:ident),* $(,)?) => {
        Names {
            exact: |name| match name {
                $($name => Some(Member::$member),)*
                _ => None,
            },
            all: &[$(($name, Member::$member)),*],
        }
    };
}

pub(in crate::wire) static IN_MESSAGE: Names = names! {
    b"jsonrpc" => Jsonrpc,
    b"id" => Id,
    b"method" => Method,
    b"params" => Params,
    b"result" => Result,
    b"error" => Error,
};
pub(in crate::wire) static IN_PARAMS: Names = names! {
    b"name" => Name,
    b"uri" => Uri,
    b"progressToken" => ProgressToken,
    b"requestId" => RequestId,
    b"_meta" => Meta,
};
pub(in crate::wire) static IN_META: Names = names! {
    b"progressToken" => MetaProgressToken,
    b"io.modelcontextprotocol/protocolVersion" => MetaVersion,
    b"io.modelcontextprotocol/subscriptionId" => SubscriptionId,
};
pub(in crate::wire) static IN_RESULT: Names = names! { b"resultType" => ResultType };
