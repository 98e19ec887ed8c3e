// SPDX-License-Identifier: MIT
//! What is left of the answer to a query: each part of the plan is judged where it stands.
//!
//! All parts are judged on the answer as it came, and what goes is taken out at once, so that
//! nothing that one part hides is shown by another one.

use super::remains::{Judged, Left, Reader, pointers};
use crate::base::Message;
use crate::github_proxy::graphql::{Form, Part};
use crate::github_proxy::shape::{self, Found};
use crate::policy::guard::{Findings, GuardError, Labelled, Mode};
use crate::wire::json::scan;

/// A part, and what the guard has said of its call.
pub struct Labelling<'p> {
    /// The part.
    pub part: &'p Part,
    /// Its labels.
    pub labelled: Labelled,
}

/// Labels a text as the answer to the call of a part.
pub type Label<'a> = &'a dyn Fn(&Part, Message) -> Result<Findings, GuardError>;

/// An answer under judgement.
pub struct Answer<'a> {
    text: &'a [u8],
    reader: &'a Reader,
    /// What goes.
    gone: Vec<String>,
    /// The minutes of all parts.
    pub judged: Judged,
}

impl<'a> Answer<'a> {
    /// Before any part was judged. `text` is JSON.
    #[must_use]
    pub const fn new(text: &'a [u8], reader: &'a Reader) -> Self {
        Self { text, reader, gone: Vec::new(), judged: Judged::NONE }
    }

    /// What is left; `None`: all of it.
    #[must_use]
    pub fn rest(&self) -> Option<Vec<u8>> {
        if self.gone.is_empty() {
            return None;
        }
        let gone = self.gone.iter().map(String::as_str);
        let rest = shape::remove(self.text, gone);
        Some(rest.unwrap_or_else(|| shape::empty(self.text).to_vec()))
    }

    /// Judges one part wherever it stands.
    ///
    /// # Errors
    ///
    /// There are no labels: nothing of the answer may pass.
    pub fn judge(&mut self, labelling: &Labelling<'_>, label: Label<'_>) -> Result<(), Box<str>> {
        let part = labelling.part;
        for found in shape::places(self.text, &part.at) {
            match part.form {
                Form::Whole => self.judge_whole(&found, labelling, label)?,
                Form::Items => self.judge_items(&found, labelling, label)?,
            }
        }
        Ok(())
    }

    /// Judges a part by its call alone: what a change answers.
    pub fn judge_by_call(&mut self, labelling: &Labelling<'_>) {
        let labels = &labelling.labelled.object.labels;
        // All that a change can answer is names and addresses, in which nobody's words are.
        if self.reader.mode == Mode::Propagate {
            return self.judged.kept.push(labels.clone());
        }
        if labels.secrecy.flows_into(&self.reader.labels.secrecy) {
            return;
        }
        for found in shape::places(self.text, &labelling.part.at) {
            self.gone.push(found.pointer);
        }
    }

    fn judge_whole(
        &mut self,
        found: &Found,
        labelling: &Labelling<'_>,
        label: Label<'_>,
    ) -> Result<(), Box<str>> {
        let text = found.span.of(self.text);
        let guard = |result| label(labelling.part, result);
        let judged = self.reader.judge(text, &labelling.labelled, guard)?;
        if judged.left != Left::All {
            self.gone.push(found.pointer.clone());
        }
        self.count(judged);
        Ok(())
    }

    fn judge_items(
        &mut self,
        connection: &Found,
        labelling: &Labelling<'_>,
        label: Label<'_>,
    ) -> Result<(), Box<str>> {
        let lists = shape::lists(self.text, connection);
        if lists.is_empty() {
            // How many there are is said even without them.
            let judged = self.reader.by_call(&labelling.labelled);
            if judged.left != Left::All {
                self.gone.push(connection.pointer.clone());
            }
            self.count(judged);
        }
        for list in lists {
            let view = shape::view(self.text, &list);
            let guard = |result| label(labelling.part, result);
            let judged = self.reader.judge(&view, &labelling.labelled, guard)?;
            self.gone.extend(gone(&view, &list, &judged.left));
            self.count(judged);
        }
        Ok(())
    }

    fn count(&mut self, judged: Judged) {
        let all = &mut self.judged;
        all.n_items += judged.n_items;
        all.n_removed += judged.n_removed;
        all.records.extend(judged.records);
        all.kept.extend(judged.kept);
    }
}

/// The places in the answer of those items of `list` that go. Of an item that is touched at all,
/// nothing stays.
fn gone(view: &[u8], list: &[Found], left: &Left) -> Vec<String> {
    let all = || list.iter().map(|item| item.pointer.clone()).collect();
    let places = match left {
        Left::All => return Vec::new(),
        Left::Without(places) => places,
        Left::Nothing | Left::NothingByCall | Left::Instead(_) => return all(),
    };
    let Some(pointers) = pointers(view, places) else { return all() };
    let whole = crate::wire::json::edit::whole(view);
    let n_elements = scan::elements(view, whole).count();
    let index = |pointer: &String| pointer.split('/').nth(1)?.parse::<usize>().ok();
    let mut gone = Vec::new();
    for pointer in &pointers {
        match index(pointer).and_then(|at| list.get(at)) {
            Some(item) if n_elements == list.len() => gone.push(item.pointer.clone()),
            _ => return all(),
        }
    }
    gone
}
