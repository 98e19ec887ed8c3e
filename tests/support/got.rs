// SPDX-License-Identifier: MIT
//! What one client of the world in memory has got.

use std::collections::HashMap;

use penstock::wire::http1::ResponseHead;

/// What a client has got on its connection.
#[derive(Debug, Default)]
pub struct Got {
    pub status: u16,
    pub fields: HashMap<&'static str, String>,
    pub body: String,
    /// Events as `id|data`, comments as `:`, empty ones as `id|`.
    pub events: Vec<String>,
    pub is_stream: bool,
    /// Whether the body comes in parts, or an event does: what there is of it.
    pub part: Option<String>,
    pub finished: bool,
    pub closed: bool,
    pub receiving: bool,
}

impl Got {
    pub fn streams(&mut self, head: ResponseHead) {
        assert!(self.status == 0, "answered twice");
        self.status = head.status;
        self.is_stream = true;
        self.fields = head.fields.into_iter().map(|(k, v)| (k, v.into_owned())).collect();
    }

    /// An answer in parts.
    pub fn begins(&mut self, head: ResponseHead) {
        self.streams(head);
        self.is_stream = false;
        self.part = Some(String::new());
    }

    pub fn finishes(&mut self) {
        assert!(!self.finished, "finished twice");
        assert_ne!(self.is_stream, self.part.is_some(), "half an event at the end");
        self.body = self.part.take().unwrap_or_default();
        self.finished = true;
    }

    pub fn takes_part(&mut self, bytes: &[u8]) {
        assert!(self.status != 0 && !self.finished && !self.closed, "a part of nothing");
        let text =
            std::str::from_utf8(bytes).expect("blocks of the tests are not cut in characters");
        let part = self.part.get_or_insert_default();
        part.push_str(text);
        if self.is_stream
            && let Some(event) = part.strip_suffix("\n\n")
        {
            let (id, event) = match event.strip_prefix("id: ") {
                Some(rest) => rest.split_once('\n').unwrap(),
                None => ("", event),
            };
            let data = event.strip_prefix("event: message\ndata: ").unwrap();
            assert!(!data.contains(['\r', '\n']), "a line break in an event");
            self.events.push(format!("{id}|{data}"));
            self.part = None;
        }
    }
}
