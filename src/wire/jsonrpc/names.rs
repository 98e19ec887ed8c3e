// SPDX-License-Identifier: MIT
//! The names of the members that route, by the object in which they stand.

use crate::base::Span;
use crate::wire::json::scan::{self, Key};

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

/// The members that route in one kind of object.
pub(in crate::wire) struct Names {
    /// The one of exactly this name. A `match` compares a few bytes in place; to walk through `all`
    /// would cost a call for each name, for each key of each message.
    pub(in crate::wire) exact: fn(&[u8]) -> Option<Member>,
    all: &'static [(&'static [u8], Member)],
}

impl Names {
    /// The member of this name in any case of ASCII letters, with its exact name.
    fn lookup(&self, key: &[u8]) -> Option<(&'static [u8], Member)> {
        self.all.iter().copied().find(|(name, _)| name.eq_ignore_ascii_case(key))
    }

    /// What a key of `text` that is not spelled as one of them means, and whether it is one of them
    /// in escapes.
    pub(in crate::wire) fn other(&self, text: &[u8], key: Key) -> Option<(Member, bool)> {
        let spelled = key.span.of(text);
        let plain = spelled.get(1..spelled.len() - 1).unwrap_or_default();
        if !key.has_escapes && plain.is_ascii() {
            return self.lookup(plain).map(|(_, member)| (member, false));
        }
        let decoded = scan::string(text, key.span)?;
        // The two letters that have an ASCII letter for their other case.
        let folded = decoded.replace('\u{17f}', "s").replace('\u{212a}', "k");
        self.lookup(folded.as_bytes()).map(|(name, member)| (member, decoded.as_bytes() == name))
    }

    /// What a name means that stands alone, with its quotes, and whether it is spelled exactly so
    /// once its escapes are read.
    pub(in crate::wire) fn meaning(&self, spelled: &[u8]) -> Option<(Member, bool)> {
        let plain = spelled.get(1..spelled.len().saturating_sub(1)).unwrap_or_default();
        if let Some(member) = (self.exact)(plain) {
            return Some((member, true));
        }
        let has_escapes = plain.contains(&b'\\');
        self.other(spelled, Key { span: Span::new(0, spelled.len()), has_escapes })
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
