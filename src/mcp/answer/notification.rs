// SPDX-License-Identifier: MIT
//! Notifications on modern streams bear the id of the subscription that they belong to; those on
//! legacy streams do not.
//!
//! Spec: MCP 2026-07-28, basic/patterns/subscriptions.

use crate::base::{Message, Span};
use crate::mcp::meta::{self, MetaEdit, SUBSCRIPTION_ID};
use crate::wire::json::edit::{self, Edits};
use crate::wire::jsonrpc::Envelope;

/// The notification `message` with this subscription id, a number or a string in JSON: the id of
/// the request `subscriptions/listen`, in its spelling.
#[must_use]
pub fn tag(message: &Message, envelope: &Envelope, subscription_id: &[u8]) -> Message {
    let added = [(SUBSCRIPTION_ID, subscription_id)];
    match envelope.params {
        Some(params) => edited(message, params, &added),
        None => {
            let params = meta::object_of(&[("_meta", &meta::object_of(&added))]);
            let mut edits = Edits::of(message);
            edits.object(edit::whole(message), |_, _| true, &[("params", &params)]);
            Message::new(edits.apply())
        }
    }
}

/// The notification `message` without a subscription id.
#[must_use]
pub fn untag(message: &Message, envelope: &Envelope) -> Message {
    match envelope.params {
        // Most have none, and leave without being looked through.
        Some(params) if envelope.meta.is_some() => edited(message, params, &[]),
        _ => message.clone(),
    }
}

/// A notification of a modern server for a legacy client.
#[must_use]
pub fn to_legacy_notification(message: &Message, envelope: &Envelope) -> Message {
    untag(message, envelope)
}

/// A notification of a legacy server for a modern client: on the stream of `subscription_id` if
/// there is one, else on the stream of a call.
#[must_use]
pub fn to_modern_notification(
    message: &Message,
    envelope: &Envelope,
    subscription_id: Option<&[u8]>,
) -> Message {
    match subscription_id {
        Some(id) => tag(message, envelope, id),
        None => untag(message, envelope),
    }
}

fn edited(message: &Message, params: Span, added: &[(&str, &[u8])]) -> Message {
    let mut edits = Edits::of(message);
    let of_params = MetaEdit { is_kept: |name| name != SUBSCRIPTION_ID, added };
    meta::edit_with_meta(&mut edits, params, &of_params, |_| true, &[]);
    meta::finished(message, edits)
}

/// Fuzz body: a tag that is put on is read again, and taken off without a trace.
pub(super) fn fuzz(message: &Message, envelope: &Envelope) {
    use crate::base::Limits;
    use crate::wire::jsonrpc::{self, Parsed};

    if envelope.params.is_some_and(|params| params.of(message).starts_with(b"[")) {
        return;
    }
    let tagged = tag(message, envelope, b"7");
    let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&tagged, &Limits::DEFAULT) else { return };
    assert_eq!(envelope.subscription_id.map(|id| id.of(&tagged)), Some(&b"7"[..]));
    let bare = untag(&tagged, &envelope);
    let Ok(Parsed::Single(envelope)) = jsonrpc::parse(&bare, &Limits::DEFAULT) else {
        panic!("a notification stays one");
    };
    assert_eq!(envelope.subscription_id, None);
}
