// SPDX-License-Identifier: MIT
//! Whose resource it is: remembered from the lists that a client has seen.

use std::collections::HashMap;

use crate::gateway::snapshot::ServerId;
use crate::mcp::pattern;

/// Which server has listed which resources and templates, up to a bound.
#[derive(Debug, Default)]
pub struct Uris {
    resources: HashMap<Box<str>, ServerId>,
    templates: Vec<(Box<str>, ServerId)>,
    /// The same, to be looked up: a server may list as many as there is room for.
    known: HashMap<Box<str>, ServerId>,
    bytes: usize,
}

impl Uris {
    /// Notes that `server` has the resource. `Some`: it is known as another one's, and stays so.
    pub fn note(&mut self, uri: &str, server: ServerId, bytes_max: usize) -> Option<ServerId> {
        if let Some(owner) = self.resources.get(uri) {
            return Some(*owner).filter(|owner| *owner != server);
        }
        if self.has_room(uri, bytes_max) {
            self.resources.insert(uri.into(), server);
        }
        None
    }

    /// The same of a template. `Some`: it is known as another one's, and stays so.
    pub fn note_template(
        &mut self,
        template: &str,
        server: ServerId,
        bytes_max: usize,
    ) -> Option<ServerId> {
        if let Some(owner) = self.known.get(template) {
            return Some(*owner).filter(|owner| *owner != server);
        }
        if self.has_room(template, bytes_max) {
            self.known.insert(template.into(), server);
            self.templates.push((template.into(), server));
        }
        None
    }

    /// Forgets the templates, because they are listed from the beginning.
    pub fn forget_templates(&mut self) {
        self.bytes -= self.templates.iter().map(|(template, _)| template.len()).sum::<usize>();
        self.templates.clear();
        self.known.clear();
    }

    /// Forgets the resources, because they are listed from the beginning.
    pub fn forget_resources(&mut self) {
        self.bytes -= self.resources.keys().map(|uri| uri.len()).sum::<usize>();
        self.resources.clear();
    }

    /// Whose resource it is: of whom it was listed, else of whom a template fits.
    #[must_use]
    pub fn owner(&self, uri: &str) -> Option<ServerId> {
        let by_template = || {
            let fits =
                |own: &&(Box<str>, ServerId)| *own.0 == *uri || pattern::fits_template(&own.0, uri);
            self.templates.iter().find(fits).map(|(_, server)| *server)
        };
        self.resources.get(uri).copied().or_else(by_template)
    }

    fn has_room(&mut self, text: &str, bytes_max: usize) -> bool {
        let has_room = self.bytes + text.len() <= bytes_max;
        if has_room {
            self.bytes += text.len();
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_list_a_resource_has_it() {
        let (a, b) = (ServerId(0), ServerId(1));
        let mut uris = Uris::default();
        assert_eq!(uris.note("x://1", a, 100), None);
        assert_eq!(uris.note("x://1", a, 100), None);
        assert_eq!(uris.note("x://1", b, 100), Some(a));
        assert_eq!(uris.note_template("x://{n}", b, 100), None);
        assert_eq!(uris.note_template("x://{n}", b, 100), None);
        assert_eq!(uris.note_template("x://{n}", a, 100), Some(b));
        assert_eq!(uris.owner("x://1"), Some(a));
        assert_eq!(uris.owner("x://2"), Some(b));
        assert_eq!(uris.owner("x://{n}"), Some(b));
        assert_eq!(uris.owner("y://2"), None);
        uris.forget_resources();
        assert_eq!(uris.owner("x://1"), Some(b));
        uris.forget_templates();
        assert_eq!(uris.owner("x://1"), None);
        assert_eq!(uris.bytes, 0);
    }

    #[test]
    fn as_many_templates_as_there_is_room_for_are_noted_at_once() {
        let mut uris = Uris::default();
        let start = std::time::Instant::now();
        for n in 0..100_000 {
            uris.note_template(&format!("{n}"), ServerId((n % 2) as u16), usize::MAX);
        }
        assert_eq!(uris.templates.len(), 100_000);
        assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut uris = Uris::default();
        assert_eq!(uris.note("12345", ServerId(0), 8), None);
        assert_eq!(uris.note("6789", ServerId(0), 8), None);
        assert_eq!(uris.owner("6789"), None);
        assert_eq!(uris.note("678", ServerId(0), 8), None);
        assert_eq!(uris.owner("678"), Some(ServerId(0)));
        uris.forget_resources();
        assert_eq!(uris.note("6789", ServerId(1), 8), None);
        assert_eq!(uris.owner("6789"), Some(ServerId(1)));
    }
}
