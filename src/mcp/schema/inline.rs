// SPDX-License-Identifier: MIT
//! A schema without references: each is replaced by what it refers to.
//!
//! A schema that refers to itself has no end, so where it meets itself again it is cut to its type.
//! What grows or nests too far is a flaw: a few references can stand for any number of copies.

use std::collections::BTreeMap;

use super::Flaw;
use super::keyword::{self, Holds};
use super::node::{Member, Node, Value};
use super::reference::Places;
use crate::base::Span;
use crate::wire::json::scan;

/// Deeper schemas have no reader: the interfaces of models allow ten levels or fewer.
pub(super) const DEPTH_MAX: usize = 64;

/// A larger schema fills the memory of a model with one tool.
const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// More different references are no longer a schema that somebody wrote.
const REFERENCES_MAX: usize = 1000;

/// The schema at `root`, a place in `text`, JSON that was validated.
pub(super) fn inline(text: &[u8], root: Span) -> Result<Node, Flaw> {
    if root.len() > SCHEMA_BYTES_MAX {
        return Err(Flaw::TooLarge);
    }
    let (places, known) = (Places::of(text, root), BTreeMap::new());
    let mut inliner = Inliner { text, inside: vec![root], places, known, bytes: 0 };
    inliner.node(root, 0)
}

struct Inliner<'t> {
    text: &'t [u8],
    /// What is being written out: meeting one of these again would have no end.
    inside: Vec<Span>,
    /// Where references may lead.
    places: Places<'t>,
    /// Where those lead that were met.
    known: BTreeMap<Box<str>, Span>,
    /// About as many bytes will be written.
    bytes: usize,
}

impl Inliner<'_> {
    fn node(&mut self, at: Span, depth: usize) -> Result<Node, Flaw> {
        if depth > DEPTH_MAX {
            return Err(Flaw::TooDeep);
        }
        self.count(2)?;
        match at.of(self.text) {
            b"true" => return Ok(Node::Bool(true)),
            b"false" => return Ok(Node::Bool(false)),
            // What is no schema refuses nothing.
            other if !other.starts_with(b"{") => return Ok(Node::any()),
            _ => {}
        }
        let members = self.members(at);
        let targets = self.targets(&members)?;
        let mut own = Vec::new();
        for (name, value) in members {
            if !keyword::is_bookkeeping(&name) {
                own.push(self.member(name, value, depth)?);
            }
        }
        let mut node = Node::Object(own);
        for target in targets {
            node = self.with_target(node, target, depth)?;
        }
        Ok(node)
    }

    fn targets(&mut self, members: &[(Box<str>, Span)]) -> Result<Vec<Span>, Flaw> {
        let mut targets = Vec::new();
        for (name, value) in members {
            if keyword::REFERENCES.contains(&&**name)
                && let Some(reference) = scan::string(self.text, *value)
            {
                targets.push(self.resolve(&reference)?);
            }
        }
        Ok(targets)
    }

    fn resolve(&mut self, reference: &str) -> Result<Span, Flaw> {
        if let Some(known) = self.known.get(reference) {
            return Ok(*known);
        }
        if self.known.len() >= REFERENCES_MAX {
            return Err(Flaw::TooLarge);
        }
        let found = self.places.resolve(reference)?;
        self.known.insert(reference.into(), found);
        Ok(found)
    }

    fn member(&mut self, name: Box<str>, value: Span, depth: usize) -> Result<Member, Flaw> {
        self.count(name.len() + 4)?;
        let is_array = value.of(self.text).starts_with(b"[");
        let is_object = value.of(self.text).starts_with(b"{");
        let value = match keyword::holds(&name) {
            Holds::Many | Holds::OneOrMany if is_array => {
                let places: Vec<Span> = scan::elements(self.text, value).collect();
                let nodes = places.into_iter().map(|place| self.node(place, depth + 1));
                Value::Many(nodes.collect::<Result<_, _>>()?)
            }
            Holds::Named if is_object => Value::Named(self.named(value, depth)?),
            Holds::One | Holds::OneOrMany => Value::One(self.node(value, depth + 1)?),
            Holds::Data => {
                self.count(value.len())?;
                Value::Data(value)
            }
            // Behind these stands no list and no table: nothing is said.
            Holds::Named => Value::Named(Vec::new()),
            Holds::Many => Value::Many(Vec::new()),
        };
        Ok(Member { name, value })
    }

    fn named(&mut self, value: Span, depth: usize) -> Result<Vec<(Box<str>, Node)>, Flaw> {
        let mut all: Vec<(Box<str>, Node)> = Vec::new();
        for (name, place) in self.members(value) {
            self.count(name.len() + 4)?;
            all.push((name, self.node(place, depth + 1)?));
        }
        Ok(all)
    }

    /// The members of an object; of those with one name the last, as for most readers.
    fn members(&self, object: Span) -> Vec<(Box<str>, Span)> {
        let name = |place| scan::string(self.text, place).unwrap_or_default().into();
        let members = scan::members(self.text, object);
        let mut members: Vec<(Box<str>, Span)> =
            members.map(|(place, value)| (name(place), value)).collect();
        let last: BTreeMap<Box<str>, Span> = members.iter().cloned().collect();
        if last.len() < members.len() {
            members.retain(|(name, value)| last.get(name) == Some(value));
        }
        members
    }

    /// `own` and the schema at `target`: one that only comments on it takes it in, any other one
    /// demands it as well.
    fn with_target(&mut self, own: Node, target: Span, depth: usize) -> Result<Node, Flaw> {
        let other = self.written_out(target, depth)?;
        let only_comments = own.members().iter().all(|one| keyword::is_annotation(&one.name));
        if !only_comments {
            let mut own = own;
            let mut all = match own.take("allOf") {
                Some(Value::Many(all)) => all,
                _ => Vec::new(),
            };
            all.push(other);
            own.set("allOf", Value::Many(all));
            return Ok(own);
        }
        let (Node::Object(mut members), Node::Object(theirs)) = (own, other.clone()) else {
            return Ok(other);
        };
        let is_new = |one: &Member, members: &[Member]| members.iter().all(|m| m.name != one.name);
        let theirs: Vec<_> = theirs.into_iter().filter(|one| is_new(one, &members)).collect();
        members.extend(theirs);
        Ok(Node::Object(members))
    }

    fn written_out(&mut self, target: Span, depth: usize) -> Result<Node, Flaw> {
        if self.inside.contains(&target) {
            let kind = scan::member(self.text, target, "type");
            let kind = kind.filter(|kind| scan::string(self.text, *kind).is_some());
            let member = |kind| Member { name: "type".into(), value: Value::Data(kind) };
            return Ok(Node::Object(kind.map(member).into_iter().collect()));
        }
        self.inside.push(target);
        let node = self.node(target, depth + 1);
        self.inside.pop();
        node
    }

    fn count(&mut self, bytes: usize) -> Result<(), Flaw> {
        self.bytes += bytes;
        if self.bytes > SCHEMA_BYTES_MAX { Err(Flaw::TooLarge) } else { Ok(()) }
    }
}
