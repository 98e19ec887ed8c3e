// SPDX-License-Identifier: MIT
//! Any bytes as an answer, however they are cut, and whatever becomes of long messages.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::body::START_BYTES_MAX;
use super::{ClientEvent, ClientRequest, HttpClient};
use crate::base::{Limits, Message};

/// See [`super::fuzz()`].
pub(super) fn check(input: &[u8]) {
    let Some((&first, input)) = input.split_first() else { return };
    let limits = Limits { backend_message_bytes_max: 60, ..Limits::TEST_MIN };
    let answers = |size: usize, passes_from: Option<usize>| {
        let stream_from_bytes = passes_from.unwrap_or(usize::MAX);
        let mut client = HttpClient::new(Arc::new(Limits { stream_from_bytes, ..limits }));
        let method = if first & 0x80 == 0 { "GET" } else { "HEAD" };
        client.send(&ClientRequest { method, target: "/", host: "h", fields: &[], body: None });
        client.wrote(client.outbox().len());
        for piece in input.chunks(size) {
            client.feed(piece);
            match first & 0x40 {
                0 => client.gather(),
                _ => client.pass(),
            }
        }
        let is_idle = client.is_idle();
        client.end_of_input();
        assert!(!client.is_idle());
        (gathered(client.events), is_idle)
    };
    let size = usize::from(first & 0x0f) + 1;
    let (whole, idle) = answers(input.len().max(1), None);
    for passes_from in [None, Some(10)] {
        let (cut, cut_idle) = answers(size, passes_from);
        assert_eq!((&whole, idle), (&cut, cut_idle));
    }
    let ends =
        |event: &&ClientEvent| matches!(event, ClientEvent::Done { .. } | ClientEvent::Failed(_));
    assert_eq!(whole.iter().filter(ends).count(), 1, "one end");
    assert!(whole.last().is_some_and(|last| ends(&last)), "nothing after the end");
    for event in &whole {
        if let ClientEvent::Message { message, .. } = event {
            assert!(message.len() <= START_BYTES_MAX);
        }
    }
}

/// The events with messages that passed as if they had been gathered.
fn gathered(events: VecDeque<ClientEvent>) -> Vec<ClientEvent> {
    let (mut all, mut passing) = (Vec::new(), Vec::new());
    let message = |text: &[u8]| {
        let message = Message::copy_of(text);
        ClientEvent::Message { message, name: None, id: None, retry_ms: None }
    };
    for event in events {
        match event {
            ClientEvent::Begins(start) => passing = start.to_vec(),
            ClientEvent::Part(part) => passing.extend_from_slice(&part),
            ClientEvent::End => all.push(message(mem::take(&mut passing).trim_ascii())),
            ClientEvent::Message { message: text, name, id, retry_ms } => {
                // It was asked about and gathered.
                passing.clear();
                // The blanks around a message that passes have left before it was known to end.
                let message = Message::copy_of(text.trim_ascii());
                all.push(ClientEvent::Message { message, name, id, retry_ms });
            }
            // Bytes after the answer are seen before or after it is told, as they come.
            ClientEvent::Done { .. } => all.push(ClientEvent::Done { reusable: false }),
            event => all.push(event),
        }
    }
    all
}
