// SPDX-License-Identifier: MIT
//! The head that came last on a connection: clients often send the same one again.

use crate::wire::http1::head::Request;

/// A longer head is not remembered, since every connection would keep one.
const BYTES_MAX: usize = 1024;

/// At most one head and what it says. The same bytes say the same.
#[derive(Default)]
pub(super) struct Recent(Option<Request>);

impl Recent {
    /// What the head says that `input` begins with, and its length, if it came last.
    pub(super) fn find(&self, input: &[u8]) -> Option<(Request, usize)> {
        let recent = self.0.as_ref().filter(|recent| input.starts_with(&recent.head.bytes))?;
        Some((recent.clone(), recent.head.bytes.len()))
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Remembers `request`, whose head is `len` bytes long as it came.
    pub(super) fn keep(&mut self, request: &Request, len: usize) {
        // A head to which something was appended is another text.
        let is_fit = len <= BYTES_MAX && request.head.bytes.len() == len;
        self.0 = is_fit.then(|| request.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::head;

    #[test]
    fn the_same_bytes_are_found_and_no_others() {
        let text = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut recent = Recent::default();
        assert!(recent.find(text).is_none());
        recent.keep(&head::parse(text, 9).expect("it is a head"), text.len());
        let (request, len) = recent.find(&[text, &b"body"[..]].concat()).expect("it is the same");
        assert_eq!((request.head.path(), len), (&b"/a"[..], text.len()));
        assert!(recent.find(&text[..text.len() - 1]).is_none());
        assert!(recent.find(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n").is_none());
    }

    #[test]
    fn a_head_that_was_rewritten_is_not_remembered() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: a\r\nAccept: b\r\n\r\n";
        let mut recent = Recent::default();
        recent.keep(&head::parse(text, 9).expect("it is a head"), text.len());
        assert!(recent.find(text).is_none());
    }
}
