// SPDX-License-Identifier: MIT
//! A message with one or two places replaced, without copying the rest.
//!
//! This is how ids and progress tokens are rewritten: what we do not replace leaves as it came, to
//! the last space.

use crate::base::bytes::format_u64;
use crate::base::{Message, Outbox, Span};

/// What stands in a replaced place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// A number, in decimal.
    Number(u64),
    /// These bytes: usually a part of another message.
    Bytes(Message),
}

impl Patch {
    fn len(&self) -> usize {
        match self {
            Self::Number(value) => value.checked_ilog10().unwrap_or(0) as usize + 1,
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn write(&self, out: &mut impl Sink) {
        match self {
            Self::Number(value) => out.small(format_u64(*value, &mut [0; 20])),
            Self::Bytes(bytes) => out.lent(bytes.clone()),
        }
    }
}

/// A message and up to two replacements in it, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    message: Message,
    first: Option<(Span, Patch)>,
    second: Option<(Span, Patch)>,
}

impl Splice {
    /// All of `message`, unchanged.
    #[must_use]
    pub const fn whole(message: Message) -> Self {
        Self { message, first: None, second: None }
    }

    /// With the bytes at `place` replaced by `patch`.
    ///
    /// Invariant: places lie in the message and do not overlap; there are two at most.
    #[must_use]
    pub fn with(mut self, place: Span, patch: Patch) -> Self {
        debug_assert!(place.end as usize <= self.message.len() && self.second.is_none());
        match self.first.take() {
            None => self.first = Some((place, patch)),
            Some(old) if old.0.end <= place.start => {
                self.first = Some(old);
                self.second = Some((place, patch));
            }
            Some(old) => {
                debug_assert!(place.end <= old.0.start, "places overlap");
                self.first = Some((place, patch));
                self.second = Some(old);
            }
        }
        self
    }

    /// How many bytes leave.
    #[must_use]
    pub fn len(&self) -> usize {
        self.edits().fold(self.message.len(), |len, (place, patch)| len - place.len() + patch.len())
    }

    /// Whether nothing leaves.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a raw CR or LF stands in it. It may also say so if only a replaced place has one.
    ///
    /// Costs one pass over the message.
    #[must_use]
    pub fn has_line_break(&self) -> bool {
        let breaks = |bytes: &[u8]| memchr::memchr2(b'\r', b'\n', bytes).is_some();
        breaks(&self.message)
            || self.edits().any(|(_, patch)| matches!(patch, Patch::Bytes(bytes) if breaks(bytes)))
    }

    /// Owes all of it to `outbox`; the message is lent.
    pub fn write_to(&self, outbox: &mut Outbox) {
        self.write(outbox);
    }

    /// All of it, copied into one message; without replacements nothing is copied.
    #[must_use]
    pub fn to_message(&self) -> Message {
        if self.first.is_none() {
            return self.message.clone();
        }
        let mut bytes = Vec::with_capacity(self.len());
        self.write(&mut bytes);
        Message::new(bytes)
    }

    fn edits(&self) -> impl Iterator<Item = &(Span, Patch)> {
        self.first.iter().chain(&self.second)
    }

    fn write(&self, out: &mut impl Sink) {
        let mut from = 0;
        for (place, patch) in self.edits() {
            out.lent(self.message.slice(Span { start: from, end: place.start }));
            patch.write(out);
            from = place.end;
        }
        out.lent(self.message.slice(Span::new(from as usize, self.message.len())));
    }
}

impl From<Message> for Splice {
    fn from(message: Message) -> Self {
        Self::whole(message)
    }
}

trait Sink {
    fn small(&mut self, bytes: &[u8]);
    fn lent(&mut self, message: Message);
}

impl Sink for Outbox {
    fn small(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
    fn lent(&mut self, message: Message) {
        // A slice in the vector costs more than copying a few bytes.
        if message.len() <= LENT_BYTES_MIN {
            self.push(&message)
        } else {
            self.push_message(message)
        }
    }
}

impl Sink for Vec<u8> {
    fn small(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn lent(&mut self, message: Message) {
        self.extend_from_slice(&message);
    }
}

/// Pieces up to this many bytes are gathered instead of lent.
const LENT_BYTES_MIN: usize = 128;

/// Any two places of any bytes are replaced as by hand, in either order, however it leaves.
pub fn fuzz(input: &[u8]) {
    let [a, b, c, d, rest @ ..] = input else { return };
    let mut cuts = [a, b, c, d].map(|&byte| usize::from(byte).min(rest.len()));
    cuts.sort_unstable();
    let [start, end, later, last] = cuts;
    if start == last {
        // Two empty places at one point have no order but the one they are given in.
        return;
    }
    let (one, two) = (Span::new(start, end), Span::new(later, last));
    let number = u64::from(*a) << 32 | u64::from(*d);
    let bytes = Message::copy_of(&rest[end..later]);
    let number_text = number.to_string();
    let want = [&rest[..start], number_text.as_bytes(), &rest[end..later], &bytes, &rest[last..]];
    let whole = || Splice::whole(Message::copy_of(rest));
    let (number, bytes) = (Patch::Number(number), Patch::Bytes(bytes.clone()));
    let splices = [
        whole().with(one, number.clone()).with(two, bytes.clone()),
        whole().with(two, bytes).with(one, number),
    ];
    let want = want.concat();
    let has_break = want.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    for splice in splices {
        assert_eq!(splice.to_message().as_bytes(), want);
        assert_eq!(splice.len(), want.len());
        assert!(splice.has_line_break() || !has_break);
        let mut outbox = Outbox::new();
        splice.write_to(&mut outbox);
        assert_eq!(outbox.to_vec(), want);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, edits: &[(usize, usize, Patch)], want: &str) {
        let mut splice = Splice::whole(Message::from(text));
        for (start, end, patch) in edits {
            splice = splice.with(Span::new(*start, *end), patch.clone());
        }
        assert_eq!(splice.to_message().as_bytes(), want.as_bytes());
        assert_eq!(splice.len(), want.len());
        let mut outbox = Outbox::new();
        splice.write_to(&mut outbox);
        assert_eq!(outbox.to_vec(), want.as_bytes());
    }

    #[test]
    fn what_is_not_replaced_leaves_as_it_came() {
        check("{ \"id\" : 7 }", &[], "{ \"id\" : 7 }");
        check("{ \"id\" : 7 }", &[(9, 10, Patch::Number(0))], "{ \"id\" : 0 }");
        check("{\"id\":7}", &[(6, 7, Patch::Number(u64::MAX))], "{\"id\":18446744073709551615}");
        check("{\"id\":7}", &[(6, 7, Patch::Bytes(Message::from("\"é\"")))], "{\"id\":\"é\"}");
    }

    #[test]
    fn two_places_may_be_given_in_any_order() {
        let (one, two) = ((0, 1, Patch::Number(10)), (3, 5, Patch::Bytes(Message::from("x"))));
        check("a-bcde", &[one.clone(), two.clone()], "10-bxe");
        check("a-bcde", &[two, one], "10-bxe");
    }
}
