// SPDX-License-Identifier: MIT
//! Answers that come in two parts, with anything between them.

use super::world::{To, World};
use crate::base::{Message, Span};
use crate::gateway::io::{FetchEvent, Input};

/// An answer whose beginning was told.
pub struct Half {
    pub to: To,
    whole: Message,
    start: Span,
    /// Whether it passes, once that was said.
    passes: Option<bool>,
}

/// One good answer in so many comes like this.
const EVERY: u32 = 3;

impl World {
    /// Tells the beginning of a good answer, now and then; `false`: it is to be told as a whole.
    pub fn begins(&mut self, to: To, whole: &Message) -> bool {
        self.n_well += 1;
        if !self.n_well.is_multiple_of(EVERY) || self.halves.iter().any(|half| half.to == to) {
            return false;
        }
        // Something of the result is there, and its end is not.
        let start = Span::new(0, whole.len().saturating_sub(2));
        self.halves.push(Half { to, whole: whole.clone(), start, passes: None });
        let start = whole.slice(start);
        self.input(match to {
            To::Child(backend) => Input::LineBegins { backend, start },
            To::Fetch(fetch) => Input::FetchBegins { fetch, start },
        });
        let undecided = |half: &Half| half.to == to && half.passes.is_none();
        assert!(!self.halves.iter().any(undecided), "nobody says what becomes of an answer");
        true
    }

    /// The core says what becomes of an answer.
    pub fn half_is_decided(&mut self, to: To, passes: bool) {
        if let Some(half) = self.halves.iter_mut().find(|half| half.to == to) {
            assert!(half.passes.replace(passes).is_none(), "decided twice");
        }
    }

    /// Tells the rest of the answer that has begun first; `false`: none has.
    pub fn ends_a_half(&mut self) -> bool {
        if self.halves.is_empty() {
            return false;
        }
        let Half { to, whole, start, passes } = self.halves.remove(0);
        let block = whole.slice(Span::new(start.len(), whole.len()));
        match (to, passes == Some(true)) {
            (To::Child(backend), true) => {
                self.input(Input::LinePart { backend, block });
                self.input(Input::LineEnd { backend });
            }
            (To::Child(backend), false) => self.input(Input::Line { backend, line: whole }),
            (To::Fetch(fetch), true) => {
                self.input(Input::FetchPart { fetch, block });
                if self.is_under_way(fetch) {
                    self.input(Input::FetchEnd { fetch });
                }
            }
            (To::Fetch(fetch), false) => {
                let event = FetchEvent::default();
                self.input(Input::FetchMessage { fetch, message: whole, event });
            }
        }
        if let To::Fetch(fetch) = to
            && self.forget_fetch(fetch)
        {
            self.input(Input::FetchDone { fetch, end: Ok(()) });
        }
        true
    }
}
