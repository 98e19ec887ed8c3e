// SPDX-License-Identifier: MIT
//! What comes back from the workers, and where it goes on.

use super::Judging;
use super::begin::beginning;
use super::deny::Denial;
use super::piece::{INTRODUCTION, Piece, Reached, Verdict};
use crate::base::Key;
use crate::gateway::Gateway;
use crate::gateway::io::{EventKind, Level};
use crate::gateway::snapshot::ServerId;
use crate::gateway::work::Work;

impl Gateway {
    /// A worker has done a piece of a judgement. Who has asked for it may be gone.
    pub(crate) fn worked(&mut self, key: Key<Judging>, task: Box<dyn Work>) {
        let Ok(mut piece) = task.into_any().downcast::<Piece>() else { return };
        let server = piece.server();
        self.note_guard_logs(server, std::mem::take(&mut piece.logs));
        if key == beginning(server) {
            return self.begins(key, *piece);
        }
        if !self.judgings.contains(key) {
            return self.take_back(server, piece.into_running());
        }
        match std::mem::replace(&mut piece.reached, Reached::More) {
            Reached::More => self.work_on(key, *piece),
            Reached::Needs(need) => self.guard_needs(key, *piece, &need),
            Reached::Labelled(labelled) => {
                self.take_back(server, piece.into_running());
                let who = self.judgings.get(key).map(|judging| judging.who);
                match who.map_or(Ok(()), |who| self.introduce(who, Some(server))) {
                    Ok(()) => self.call_labelled(key, labelled),
                    Err(denial) => self.refuse_judged(key, denial),
                }
            }
            Reached::Verdict(verdict) => {
                self.take_back(server, piece.into_running());
                self.answer_judged(key, *verdict);
            }
            Reached::Refused(denial) => {
                self.take_back(server, piece.into_running());
                self.refuse_judged(key, denial);
            }
            Reached::Failed(error) => {
                self.take_back(server, piece.into_running());
                self.guard_failed(key, &error.text);
            }
        }
    }

    /// There is no label: nothing passes, unless nothing is withheld anyway.
    pub(super) fn guard_failed(&mut self, key: Key<Judging>, why: &str) {
        let Some(judging) = self.judgings.get(key) else { return };
        let is_answer = judging.held.is_some();
        let text = match is_answer {
            _ if why.starts_with(INTRODUCTION) => why.to_owned(),
            true => format!("response labeling failed: response labeling failed: {why}"),
            false => format!("guard labeling failed: resource labeling failed: {why}"),
        };
        let is_shadow = self.watch_of(judging.server).is_some_and(|watch| watch.shadow);
        if is_shadow {
            self.note_shadow(key, "guard.failed", &text);
            return if is_answer { self.show(key, None) } else { self.send_judged(key) };
        }
        self.refuse_judged(
            key,
            Denial::new("guard.failed", &text, "calls that the guard can label"),
        );
    }

    fn note_guard_logs(&mut self, server: ServerId, logs: Vec<(u32, String)>) {
        for (level, text) in logs {
            match level {
                2 => self.note(Level::Warn, "guard", Some(server), text),
                3 => self.note(Level::Error, "guard", Some(server), text),
                _ => self.debug("gateway:guard", || text),
            }
        }
    }

    /// Writes down what was removed from an answer.
    pub(super) fn note_filtered(&mut self, key: Key<Judging>, verdict: &Verdict) {
        let Some(judging) = self.judgings.get(key) else { return };
        let (server, tool) = (judging.server, judging.tool.clone());
        for filtered in &verdict.filtered {
            let (tool, filtered) = ((*tool).into(), Box::new(filtered.clone()));
            self.emit(Some(server), EventKind::Filtered { tool, filtered });
        }
        if verdict.n_filtered > 0 {
            let would = if verdict.shadow { "would remove" } else { "removed" };
            let text = format!("{would} {} item(s) of an answer of {tool}", verdict.n_filtered);
            self.note(Level::Info, "guard", Some(server), text);
        }
    }
}
