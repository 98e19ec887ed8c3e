// SPDX-License-Identifier: MIT
//! A schema in the words of 2020-12, and then in those that a client understands.
//!
//! What a client does not understand is left out, so the schema accepts more than it did; the
//! server has the last word anyway. Only a client that wants closed objects gets them closed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::keyword::{self, TYPES};
use super::node::{Member, Node, Value};
use super::profile::Profile;
use super::{Flaw, excerpt};
use crate::base::Span;
use crate::wire::json::{scan, write};

/// Mends `node`, the top of a schema whose data lie in `text`.
///
/// Errors: [`Flaw::Property`].
pub(super) fn reshape(text: &[u8], node: &mut Node, profile: &Profile) -> Result<(), Flaw> {
    let cx = Cx { text, profile };
    if profile.flat {
        cx.flatten(node);
    }
    cx.mend(node);
    let refused = node
        .named("properties")
        .iter()
        .find(|(name, _)| profile.arguments.is_some_and(|rule| !rule.allows(name)));
    refused.map_or(Ok(()), |(name, _)| Err(Flaw::Property(excerpt(name))))
}

struct Cx<'c> {
    text: &'c [u8],
    profile: &'c Profile,
}

impl Cx<'_> {
    fn mend(&self, node: &mut Node) {
        self.drop_nonsense(node);
        self.mend_bounds(node);
        self.mend_type(node);
        self.mend_required(node);
        self.mend_tuple(node);
        if !self.profile.all_of {
            self.merge_all_of(node);
        }
        if let Node::Object(members) = node {
            for member in members {
                self.mend_below(&mut member.value);
            }
        }
        self.keep_known(node);
        if self.profile.items
            && self.is_a(node, "array")
            && node.get("items").is_none()
            && node.get("prefixItems").is_none()
        {
            node.set("items", Value::One(Node::any()));
        }
        self.close(node);
    }

    fn mend_below(&self, value: &mut Value) {
        match value {
            Value::Data(_) | Value::Own(_) => {}
            Value::One(node) => self.mend(node),
            Value::Many(nodes) => nodes.iter_mut().for_each(|node| self.mend(node)),
            Value::Named(all) => all.iter_mut().for_each(|(_, node)| self.mend(node)),
        }
    }

    /// Leaves out what cannot mean anything: numbers where a text belongs, choices among nothing.
    fn drop_nonsense(&self, node: &mut Node) {
        let Node::Object(members) = node else { return };
        members.retain(|member| match &member.value {
            // An older draft says so with a truth value; see below.
            Value::Data(_) if member.name.starts_with("exclusiveM") => true,
            Value::Data(place) => keyword::may_be(&member.name, place.of(self.text)),
            Value::Many(nodes) => !nodes.is_empty(),
            _ => true,
        });
    }

    /// `exclusiveMinimum: true` made `minimum` exclusive in draft-04.
    fn mend_bounds(&self, node: &mut Node) {
        for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
        {
            let Some(Value::Data(place)) = node.get(exclusive).cloned() else { continue };
            let said = place.of(self.text);
            if keyword::may_be(exclusive, said) {
                continue;
            }
            node.take(exclusive);
            if said == b"true"
                && let Some(value) = node.take(bound)
            {
                node.set(exclusive, value);
            }
        }
    }

    /// Types that do not exist are left out; `STRING` is `string`.
    fn mend_type(&self, node: &mut Node) {
        let Some(Value::Data(place)) = node.get("type").cloned() else { return };
        let known = |place: Span| {
            let said = scan::string(self.text, place)?.to_ascii_lowercase();
            TYPES.into_iter().find(|own| *own == said)
        };
        let is_list = place.of(self.text).starts_with(b"[");
        let places: Vec<Span> =
            if is_list { scan::elements(self.text, place).collect() } else { vec![place] };
        let mut kinds: Vec<&str> = Vec::new();
        for kind in places.iter().filter_map(|place| known(*place)) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let quoted: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
        let json = match quoted.as_slice() {
            [] => {
                node.take("type");
                return;
            }
            [one] if !is_list => one.clone(),
            several => format!("[{}]", several.join(",")),
        };
        node.set("type", Value::Own(json.into()));
    }

    /// Names that are no text, and those that stand twice, are left out.
    fn mend_required(&self, node: &mut Node) {
        if let Some(Value::Data(place)) = node.get("required") {
            let n_said = scan::elements(self.text, *place).count();
            let names = self.required(node);
            if names.len() != n_said {
                set_required(node, &names);
            }
        }
    }

    /// Until 2019 a tuple was spelled `items: […]`; who does not know tuples gets a choice.
    fn mend_tuple(&self, node: &mut Node) {
        let rest = node.take("additionalItems");
        if let Some(Value::Many(_)) = node.get("items") {
            let tuple = node.take("items");
            if let (Some(tuple), None) = (tuple, node.get("prefixItems")) {
                node.set("prefixItems", tuple);
            }
            if let Some(rest) = rest {
                node.set("items", rest);
            }
        }
        if self.profile.tuples {
            return;
        }
        let Some(Value::Many(mut choices)) = node.take("prefixItems") else { return };
        match node.take("items") {
            Some(Value::One(Node::Bool(false))) if node.get("maxItems").is_none() => {
                node.set("maxItems", Value::Own(choices.len().to_string().into()));
            }
            Some(Value::One(rest)) if rest != Node::Bool(false) => choices.push(rest),
            _ => {}
        }
        node.set("items", Value::One(self.joined(choices, "anyOf")));
    }

    fn keep_known(&self, node: &mut Node) {
        let Some(known) = self.profile.keywords else { return };
        if node.get("anyOf").is_none()
            && let Some(choices) = node.take("oneOf")
        {
            node.set("anyOf", choices);
        }
        let is_known = |member: &Member| match (&*member.name, &member.value) {
            ("format", Value::Data(place)) => {
                let format = scan::string(self.text, *place).unwrap_or_default();
                self.profile.formats.is_none_or(|known| known.contains(&&*format))
            }
            (name, _) => known.contains(&name),
        };
        if let Node::Object(members) = node {
            members.retain(is_known);
        }
    }

    /// For clients that want it: no members but those that are described.
    fn close(&self, node: &mut Node) {
        let is_object = self.is_a(node, "object") || node.get("properties").is_some();
        if !self.profile.closed || !is_object {
            return;
        }
        if node.get("properties").is_none() {
            node.set("properties", Value::Named(Vec::new()));
        }
        let names = self.required(node);
        let properties: BTreeSet<&str> =
            node.named("properties").iter().map(|(name, _)| &**name).collect();
        let kept: Vec<String> =
            names.iter().filter(|name| properties.contains(&***name)).cloned().collect();
        if kept.len() < names.len() {
            set_required(node, &kept);
        }
        node.set("additionalProperties", Value::One(Node::Bool(false)));
    }

    /// Takes the parts of `allOf` into the schema itself.
    fn merge_all_of(&self, node: &mut Node) {
        let Some(Value::Many(parts)) = node.take("allOf") else { return };
        let mend = |mut part| {
            self.mend(&mut part);
            part
        };
        self.absorb(node, parts.into_iter().map(mend));
    }

    /// An object without choices at its top: what any of them describes, none of it required but
    /// what all of them require.
    fn flatten(&self, node: &mut Node) {
        if let Some(Value::Many(parts)) = node.take("allOf") {
            let flatten = |mut part| {
                self.flatten(&mut part);
                part
            };
            self.absorb(node, parts.into_iter().map(flatten));
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(Value::Many(branches)) = node.take(name) {
                self.absorb_branches(node, branches, true);
            }
        }
        let conditional = ["then", "else"].map(|name| node.take(name));
        for value in conditional.into_iter().flatten() {
            if let Value::One(branch) = value {
                self.absorb_branches(node, vec![branch], false);
            }
        }
        for name in ["not", "if", "enum", "const"] {
            node.take(name);
        }
    }

    fn absorb_branches(&self, node: &mut Node, branches: Vec<Node>, one_holds: bool) {
        let (mut properties, mut kind) = (Vec::new(), None);
        let mut required: Option<Vec<String>> = None;
        for mut branch in branches {
            self.flatten(&mut branch);
            let own = self.required(&branch);
            required = Some(match required {
                None => own,
                Some(shared) => {
                    let own: BTreeSet<String> = own.into_iter().collect();
                    shared.into_iter().filter(|name| own.contains(name)).collect()
                }
            });
            if let Some(Value::Named(all)) = branch.take("properties") {
                properties.push(all);
            }
            kind = kind.or(branch.take("type"));
        }
        self.add_properties(node, properties, Some("anyOf"));
        if let (Some(kind), None) = (kind, node.get("type")) {
            node.set("type", kind);
        }
        self.require(node, required.filter(|_| one_holds).unwrap_or_default());
    }

    /// Demands of `node` what all of the others demand, as far as one schema can say that.
    fn absorb(&self, node: &mut Node, others: impl Iterator<Item = Node>) {
        let (mut properties, mut required, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for mut other in others {
            if let Some(Value::Named(all)) = other.take("properties") {
                properties.push(all);
            }
            required.extend(self.required(&other));
            // Beside the members of the other parts it would forbid what they describe.
            other.take("additionalProperties");
            other.take("required");
            if let Node::Object(members) = other {
                rest.extend(members);
            }
        }
        self.add_properties(node, properties, self.profile.all_of.then_some("allOf"));
        self.require(node, required);
        let mut known: BTreeSet<_> = node.members().iter().map(|one| one.name.clone()).collect();
        if let Node::Object(members) = node {
            members.extend(rest.into_iter().filter(|one| known.insert(one.name.clone())));
        }
    }

    /// These under `word`, `anyOf` or `allOf`: one among others of its kind is taken apart, what
    /// stands there already is left out, and one alone is itself.
    fn joined(&self, nodes: Vec<Node>, word: &str) -> Node {
        let (mut parts, mut seen) = (Vec::new(), BTreeSet::new());
        for mut node in nodes {
            let inner = match (node.members().len(), node.take(word)) {
                (1, Some(Value::Many(inner))) => inner,
                (_, Some(value)) => {
                    node.set(word, value);
                    vec![node]
                }
                (_, None) => vec![node],
            };
            parts.extend(inner.into_iter().filter(|node| seen.insert(node.to_json(self.text))));
        }
        if parts.len() == 1 {
            return parts.remove(0);
        }
        Node::Object(vec![Member { name: word.into(), value: Value::Many(parts) }])
    }

    /// Adds properties. What is said otherwise of one is joined under `word`; without it the first
    /// stays. It is joined once, at the end: of thousands one within the other would be too deep.
    fn add_properties(
        &self,
        node: &mut Node,
        more: Vec<Vec<(Box<str>, Node)>>,
        word: Option<&str>,
    ) {
        if more.is_empty() {
            return;
        }
        let mut all = match node.get("properties") {
            Some(Value::Named(all)) => all.clone(),
            _ => Vec::new(),
        };
        let mut places: BTreeMap<Box<str>, usize> =
            all.iter().zip(0..).map(|((name, _), at)| (name.clone(), at)).collect();
        let mut others: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        for (name, new) in more.into_iter().flatten() {
            match places.get(&name) {
                Some(at) => others.entry(*at).or_default().push(new),
                None => {
                    places.insert(name.clone(), all.len());
                    all.push((name, new));
                }
            }
        }
        let Some(word) = word else { return node.set("properties", Value::Named(all)) };
        for (at, mut nodes) in others {
            let (_, old) = &mut all[at];
            let said = old.to_json(self.text);
            nodes.retain(|new| new.to_json(self.text) != said);
            if !nodes.is_empty() {
                nodes.insert(0, old.clone());
                *old = self.joined(nodes, word);
            }
        }
        node.set("properties", Value::Named(all));
    }

    fn require(&self, node: &mut Node, more: Vec<String>) {
        let mut names = self.required(node);
        let mut known: BTreeSet<String> = names.iter().cloned().collect();
        let before = names.len();
        names.extend(more.into_iter().filter(|name| known.insert(name.clone())));
        if names.len() > before {
            set_required(node, &names);
        }
    }

    /// The names that a schema requires, each once.
    fn required(&self, node: &Node) -> Vec<String> {
        let Some(value) = node.get("required") else { return Vec::new() };
        let json = value.to_json(self.text);
        let places = scan::elements(&json, Span::new(0, json.len()));
        let names = places.filter_map(|place| scan::string(&json, place));
        let mut seen = BTreeSet::new();
        names.filter(|name| seen.insert(name.clone())).map(Cow::into_owned).collect()
    }

    /// Whether a value of this type is among those that a schema names.
    fn is_a(&self, node: &Node, kind: &str) -> bool {
        let Some(value) = node.get("type") else { return false };
        let json = value.to_json(self.text);
        let quoted = format!("\"{kind}\"");
        json.windows(quoted.len()).any(|part| part == quoted.as_bytes())
    }
}

fn set_required(node: &mut Node, names: &[String]) {
    let mut json = Vec::new();
    write::array(&mut json, |list| {
        for name in names {
            list.str(name);
        }
    });
    let json = String::from_utf8_lossy(&json).into_owned();
    node.set("required", Value::Own(json.into()));
}
