// SPDX-License-Identifier: MIT
//! A schema taken apart as far as it is mended; everything else in it stays a place in its text.

use crate::base::Span;
use crate::wire::json::write;

/// One schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// `true` accepts everything, `false` nothing.
    Bool(bool),
    /// Its keywords in their order, none of them twice.
    Object(Vec<Member>),
}

/// A keyword and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Unescaped.
    pub name: Box<str>,
    pub value: Value,
}

/// What stands behind a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// As it is spelled in the text.
    Data(Span),
    /// JSON of our own.
    Own(Box<str>),
    One(Node),
    Many(Vec<Node>),
    Named(Vec<(Box<str>, Node)>),
}

impl Node {
    /// A schema that accepts everything.
    pub const fn any() -> Self {
        Self::Object(Vec::new())
    }

    /// The members; none of a truth value.
    pub fn members(&self) -> &[Member] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The value of a keyword.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members().iter().find(|member| &*member.name == name).map(|member| &member.value)
    }

    /// The schemas by name behind a keyword; none if it has none.
    pub fn named(&self, name: &str) -> &[(Box<str>, Self)] {
        if let Some(Value::Named(all)) = self.get(name) { all } else { &[] }
    }

    /// Takes a keyword out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let Self::Object(members) = self else { return None };
        let at = members.iter().position(|member| &*member.name == name)?;
        Some(members.remove(at).value)
    }

    /// Replaces the value of a keyword where it stands, or adds it at the end.
    pub fn set(&mut self, name: &str, value: Value) {
        let Self::Object(members) = self else { return };
        match members.iter_mut().find(|member| &*member.name == name) {
            Some(member) => member.value = value,
            None => members.push(Member { name: name.into(), value }),
        }
    }

    /// As it would be written.
    pub fn to_json(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(text, &mut out);
        out
    }

    /// Appends the schema as JSON; `text` is where its data lie.
    pub fn encode(&self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Object(members) => {
                let pairs = members.iter().map(|member| (&*member.name, &member.value));
                encode_object(out, pairs, |value, out| value.encode(text, out));
            }
        }
    }
}

impl Value {
    /// As it would be written.
    pub fn to_json(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(text, &mut out);
        out
    }

    fn encode(&self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Data(place) => out.extend_from_slice(place.of(text)),
            Self::Own(json) => out.extend_from_slice(json.as_bytes()),
            Self::One(node) => node.encode(text, out),
            Self::Many(nodes) => {
                out.push(b'[');
                for (node, n) in nodes.iter().zip(0..) {
                    if n > 0 {
                        out.push(b',');
                    }
                    node.encode(text, out);
                }
                out.push(b']');
            }
            Self::Named(all) => {
                let pairs = all.iter().map(|(name, node)| (&**name, node));
                encode_object(out, pairs, |node, out| node.encode(text, out));
            }
        }
    }
}

fn encode_object<'n, T>(
    out: &mut Vec<u8>,
    pairs: impl Iterator<Item = (&'n str, T)>,
    mut each: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'{');
    for ((name, value), n) in pairs.zip(0..) {
        if n > 0 {
            out.push(b',');
        }
        write::push_str(out, name);
        out.push(b':');
        each(value, out);
    }
    out.push(b'}');
}
