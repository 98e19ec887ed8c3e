// SPDX-License-Identifier: MIT
//! A walk through what a query selects, fragments opened where they are used.

use super::ask::Asker;
use super::document::{Document, Field, Operation, Selection, SelectionSet};
use super::inputs::Inputs;
use super::place::{Place, is_selected, narrowed};
use super::rewrite::Insertions;
use super::schema::{self, Ask, Family, Step};
use super::{Form, NESTING_MAX, PARTS_MAX, Part, QueryError, VISITS_MAX, mutations};
use crate::github_proxy::Call;

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub parts: Vec<Part>,
    pub insertions: Insertions,
}

/// What `operation`, a query, asks for.
pub(super) fn query(
    document: &Document<'_>,
    operation: &Operation<'_>,
    inputs: &Inputs<'_>,
) -> Result<Walked, QueryError> {
    let mut walk = Walk::new(document, inputs);
    let place = Place::at(Family::Query, vec!["data".to_owned()]);
    walk.set(&operation.set, &place)?;
    Ok(walk.walked)
}

/// What `operation`, a mutation, does: one part for each of its fields.
pub(super) fn mutation(
    document: &Document<'_>,
    operation: &Operation<'_>,
    inputs: &Inputs<'_>,
) -> Result<Walked, QueryError> {
    let mut walk = Walk::new(document, inputs);
    let place = Place::at(Family::Echo, vec!["data".to_owned()]);
    for field in walk.flat(&operation.set)? {
        if field.name == "__typename" {
            continue;
        }
        let unknown = || QueryError::Field(field.name.to_owned());
        let tool = mutations::tool(field.name).ok_or_else(unknown)?;
        let place = place.below(field, Family::Echo);
        walk.part(Call::new(tool), &place, Form::Whole)?;
        walk.set(field.set.as_ref().ok_or_else(unknown)?, &place)?;
    }
    Ok(walk.walked)
}

struct Walk<'d, 's> {
    document: &'d Document<'s>,
    asker: Asker<'d>,
    walked: Walked,
    n_visits: usize,
    depth: usize,
    /// The fragments that are open.
    open: Vec<&'s str>,
}

impl<'d, 's> Walk<'d, 's> {
    fn new(document: &'d Document<'s>, inputs: &'d Inputs<'d>) -> Self {
        let walked = Walked::default();
        Self { document, asker: Asker { inputs }, walked, n_visits: 0, depth: 0, open: Vec::new() }
    }

    /// Walks through the selections of `set`. Says whether anything of the object itself is asked
    /// for, more than its name.
    fn set(&mut self, set: &SelectionSet<'s>, place: &Place) -> Result<bool, QueryError> {
        if self.depth >= 2 * NESTING_MAX {
            return Err(QueryError::TooLarge);
        }
        self.depth += 1;
        let mut is_own = false;
        for selection in &set.selections {
            self.n_visits += 1;
            if self.n_visits > VISITS_MAX {
                return Err(QueryError::TooLarge);
            }
            is_own |= match selection {
                Selection::Field(field) => self.field(field, place)?,
                Selection::Inline(inline) => self.set(&inline.set, &narrowed(place, inline.on)?)?,
                Selection::Spread(name) => {
                    let document: &'d Document<'s> = self.document;
                    let fragment = document.fragment(name).ok_or(QueryError::Fragment)?;
                    if self.open.contains(name) {
                        return Err(QueryError::Fragment);
                    }
                    self.open.push(fragment.name);
                    let is_own = self.set(&fragment.set, &narrowed(place, Some(fragment.on))?)?;
                    self.open.pop();
                    is_own
                }
            };
        }
        self.depth -= 1;
        Ok(is_own)
    }

    /// The fields of `set`, fragments opened.
    fn flat<'a>(&mut self, set: &'a SelectionSet<'s>) -> Result<Vec<&'a Field<'s>>, QueryError> {
        set.selections
            .iter()
            .map(|selection| match selection {
                Selection::Field(field) => Ok(field),
                // Nobody writes mutations in fragments, and nobody has to understand them.
                Selection::Inline(_) | Selection::Spread(_) => Err(QueryError::Fragment),
            })
            .collect()
    }

    fn field(&mut self, field: &Field<'s>, place: &Place) -> Result<bool, QueryError> {
        let unknown = || QueryError::Field(field.name.to_owned());
        let hides = |name: &str| schema::GUARDED.contains(&name);
        if field.key != field.name && (hides(field.key) || is_structure(field.name)) {
            return Err(QueryError::Alias(field.key.to_owned()));
        }
        if place.is_many {
            return self.connection(field, place);
        }
        let Some(set) = &field.set else {
            return match (place.is_any, schema::is_introspection(field.name)) {
                (_, true) => Ok(false),
                (true, false) if field.name == "id" => Ok(false),
                (false, false) if schema::has_leaf(place.family, field.name) => {
                    Ok(!schema::only_names(field.name))
                }
                _ => Err(unknown()),
            };
        };
        if place.family == Family::Query && schema::is_introspection(field.name) {
            return Ok(false);
        }
        if place.is_any {
            return Err(unknown());
        }
        let step = schema::step(place.family, field.name).ok_or_else(unknown)?;
        self.step(field, set, place, step)
    }

    /// A field of a connection: its items, or something about all of them.
    fn connection(&mut self, field: &Field<'s>, place: &Place) -> Result<bool, QueryError> {
        let Some(set) = &field.set else { return Ok(true) };
        let mut below = place.below(field, place.family);
        match field.name {
            "pageInfo" => {
                below.family = Family::Plain;
                self.set(set, &below)
            }
            "edges" => {
                // The edge is no item itself; `node` in it is.
                below.is_many = true;
                (below.is_any, below.wanted) = (place.is_any, place.wanted);
                self.set(set, &below)
            }
            "nodes" | "node" => {
                (below.is_any, below.wanted) = (place.is_any, place.wanted);
                self.want(set, &below);
                self.set(set, &below)?;
                Ok(true)
            }
            _ => Err(QueryError::Field(field.name.to_owned())),
        }
    }

    fn step(
        &mut self,
        field: &Field<'s>,
        set: &SelectionSet<'s>,
        place: &Place,
        step: Step,
    ) -> Result<bool, QueryError> {
        let mut below = place.below(field, step.to);
        below.is_many = step.is_many;
        let asked = self.asker.ask(field, step.ask, &mut below)?;
        if !below.is_many {
            self.want(set, &below);
        }
        let n_before = self.walked.parts.len();
        let is_own = self.set(set, &below)?;
        let Some((call, form)) = asked else { return Ok(step.ask == Ask::Nobody && is_own) };
        // A repository that is only on the way to something else is named, and not looked at.
        let is_way = matches!(below.family, Family::Repository | Family::Organization)
            || step.ask == Ask::Person;
        if is_own || !is_way || self.walked.parts.len() == n_before {
            self.part(call, &below, form)?;
        }
        Ok(false)
    }

    fn part(&mut self, call: Call, place: &Place, form: Form) -> Result<(), QueryError> {
        let part = Part { call, at: place.path.clone(), form };
        if self.walked.parts.contains(&part) {
            return Ok(());
        }
        if self.walked.parts.len() >= PARTS_MAX {
            return Err(QueryError::TooLarge);
        }
        self.walked.parts.push(part);
        Ok(())
    }

    /// Notes what is missing in `set` of what guards want to know.
    fn want(&mut self, set: &SelectionSet<'s>, place: &Place) {
        let missing = place.wanted.iter().filter(|wanted| !is_selected(set, wanted));
        for text in missing {
            self.walked.insertions.entry(set.start).or_default().insert(text);
        }
    }
}

/// Names that make the shape of a connection.
fn is_structure(name: &str) -> bool {
    matches!(name, "nodes" | "edges" | "node" | "pageInfo" | "totalCount")
}
