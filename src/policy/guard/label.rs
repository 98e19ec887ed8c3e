// SPDX-License-Identifier: MIT
//! Secrecy and integrity: sets of tags, and how they compare.
//!
//! ```text
//!  may read:   object.secrecy   ⊆ agent.secrecy     object.integrity ⊇ agent.integrity
//!  may write:  agent.secrecy    ⊆ object.secrecy    agent.integrity  ⊇ object.integrity
//! ```

use std::fmt;
use std::sync::Arc;

/// An opaque word that means something to guards alone. Case matters.
pub type Tag = Arc<str>;

/// On the side that has to be the larger one, this tag stands for all others.
pub const WILDCARD: &str = "*";

/// A set of tags, sorted; the order in which they were given says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label(Vec<Tag>);

impl Label {
    /// No tags: public, or untrusted.
    pub const EMPTY: Self = Self(Vec::new());

    /// The set of these tags, as they are.
    pub fn new<T: Into<Tag>>(tags: impl IntoIterator<Item = T>) -> Self {
        let mut tags: Vec<Tag> = tags.into_iter().map(Into::into).collect();
        tags.sort_unstable();
        tags.dedup();
        Self(tags)
    }

    /// The tags in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tag> {
        self.0.iter()
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this very tag is in the set.
    #[must_use]
    pub fn contains(&self, tag: &str) -> bool {
        self.0.binary_search_by(|own| (**own).cmp(tag)).is_ok()
    }

    /// Puts a tag into the set.
    pub fn insert(&mut self, tag: impl Into<Tag>) {
        let tag = tag.into();
        if let Err(at) = self.0.binary_search(&tag) {
            self.0.insert(at, tag);
        }
    }

    /// Whether each tag of `self` is in `other`, or `other` holds the wildcard.
    #[must_use]
    pub fn flows_into(&self, other: &Self) -> bool {
        other.contains(WILDCARD) || self.iter().all(|tag| other.contains(tag))
    }

    /// The tags that keep `self` from flowing into `other`.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        if other.contains(WILDCARD) {
            return Self::EMPTY;
        }
        Self(self.0.iter().filter(|tag| !other.contains(tag)).cloned().collect())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(&other.0).cloned())
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|tag| other.contains(tag)).cloned().collect())
    }
}

/// As `[a b c]`, the way denials quote a label.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, tag) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            f.write_str(tag)?;
        }
        f.write_str("]")
    }
}

/// What something, or somebody, carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// Whose secrets it holds; empty: public.
    pub secrecy: Label,
    /// Who vouches for it; empty: nobody.
    pub integrity: Label,
}

impl Labels {
    /// Public, and vouched for by nobody.
    pub const NONE: Self = Self { secrecy: Label::EMPTY, integrity: Label::EMPTY };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_set_and_case_matters() {
        let label = Label::new(["b", "a", "b", "A"]);
        assert_eq!(label.to_string(), "[A a b]");
        assert!(label.contains("a") && !label.contains("B"));
        assert_eq!(label, Label::new(["A", "a", "b"]));
    }

    #[test]
    fn the_wildcard_counts_on_the_larger_side_alone() {
        let (any, one) = (Label::new(["*"]), Label::new(["private:o/p"]));
        assert!(one.flows_into(&any) && one.beyond(&any).is_empty());
        assert!(!any.flows_into(&one));
        assert_eq!(any.beyond(&one), any);
        assert!(!one.flows_into(&Label::new(["private:o/*"])), "there are no other patterns");
    }

    #[test]
    fn union_and_intersection_are_those_of_sets() {
        let (a, b) = (Label::new(["x", "y"]), Label::new(["y", "z"]));
        assert_eq!(a.union(&b), Label::new(["x", "y", "z"]));
        assert_eq!(a.intersection(&b), Label::new(["y"]));
        assert_eq!(a.intersection(&Label::EMPTY), Label::EMPTY);
        let mut a = a;
        a.insert("w");
        a.insert("x");
        assert_eq!(a, Label::new(["w", "x", "y"]));
    }
}
