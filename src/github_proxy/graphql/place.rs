// SPDX-License-Identifier: MIT
//! Where a walk through a query is, and what guards want to know there.

use super::QueryError;
use super::document::{Field, Selection, SelectionSet};
use super::schema::Family;
use crate::github_proxy::Call;

/// Where the walk is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub family: Family,
    /// Names that lead here in the answer.
    pub path: Vec<String>,
    /// Whether this is a connection, whose items are of that family.
    pub is_many: bool,
    /// Whether the object may be of any type until a fragment says of which.
    pub is_any: bool,
    /// The repository that it belongs to, as far as that is known from the query.
    pub owner: Option<String>,
    pub repo: Option<String>,
    /// The branch, tag or commit, if it is not the default one.
    pub git_ref: Option<String>,
    /// What guards want to know of items.
    pub wanted: &'static [&'static str],
}

impl Place {
    /// The outermost object.
    pub const fn at(family: Family, path: Vec<String>) -> Self {
        Self {
            family,
            path,
            is_many: false,
            is_any: false,
            owner: None,
            repo: None,
            git_ref: None,
            wanted: &[],
        }
    }

    /// The value of `field` in the object that is here.
    pub fn below(&self, field: &Field<'_>, family: Family) -> Self {
        let mut below = self.clone();
        below.path.push(field.key.to_owned());
        Self { family, is_many: false, is_any: false, wanted: &[], ..below }
    }

    /// A call that names the repository, if it is known which.
    pub fn call(&self, tool: &'static str) -> Call {
        let mut call = Call::new(tool);
        for (name, value) in [("owner", &self.owner), ("repo", &self.repo)] {
            if let Some(value) = value {
                call = call.with(name, value);
            }
        }
        call
    }
}

/// The types that an item of any type may turn out to be.
const ITEM_TYPES: &[&str] = &["Issue", "PullRequest"];

/// What a guard wants to know of an item, of a commit, and of what may be one item or another.
pub(super) const OF_ITEMS: &[&str] = &["author{login}", "authorAssociation", "url"];
pub(super) const OF_COMMITS: &[&str] = &["author{user{login}}"];
pub(super) const OF_ANY_ITEMS: &[&str] = &[
    "...on Issue{author{login}authorAssociation url}",
    "...on PullRequest{author{login}authorAssociation url}",
];

/// The same place, after a fragment has said of which type the object is.
pub(super) fn narrowed(place: &Place, on: Option<&str>) -> Result<Place, QueryError> {
    let mut place = place.clone();
    match on {
        Some(on) if place.is_any && !place.is_many => {
            if !ITEM_TYPES.contains(&on) {
                return Err(QueryError::Field(on.to_owned()));
            }
            place.is_any = false;
        }
        _ => (),
    }
    Ok(place)
}

/// Whether `set` selects, without any condition, what `wanted` says: `author{login}`.
pub(super) fn is_selected(set: &SelectionSet<'_>, wanted: &str) -> bool {
    let (name, inner) = match wanted.split_once('{') {
        Some((name, inner)) => (name, inner.strip_suffix('}')),
        None => (wanted, None),
    };
    set.selections.iter().any(|selection| match selection {
        Selection::Field(field) if field.name == name && field.key == name => {
            let is_inner = match (inner, &field.set) {
                (None, _) => true,
                (Some(inner), Some(set)) => is_selected(set, inner),
                (Some(_), None) => false,
            };
            is_inner && !field.is_conditional
        }
        Selection::Inline(inline) => {
            // For what may be of any type: the fragment for one, with all that is wanted of it.
            let of_type = name.strip_prefix("...on ").is_some_and(|on| inline.on == Some(on));
            let is_all = |set| OF_ITEMS.iter().all(|wanted| is_selected(set, wanted));
            of_type && !inline.is_conditional && is_all(&inline.set)
        }
        Selection::Field(_) | Selection::Spread(_) => false,
    })
}
