// SPDX-License-Identifier: MIT
//! A walk through what a query selects, fragments opened where they are used.

use super::document::{Document, Field, Operation, Selection, SelectionSet};
use super::inputs::Inputs;
use super::rewrite::Insertions;
use super::schema::{self, Ask, Family, Step};
use super::{Form, NESTING_MAX, PARTS_MAX, Part, QueryError, VISITS_MAX, mutations};
use crate::github_proxy::{Call, is_name, route};

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

/// Where the walk is.
#[derive(Clone, Debug)]
struct Place {
    family: Family,
    /// Names that lead here in the answer.
    path: Vec<String>,
    /// Whether this is a connection, whose items are of that family.
    is_many: bool,
    /// Whether the object may be of any type until a fragment says of which.
    is_any: bool,
    owner: Option<String>,
    repo: Option<String>,
    /// The branch, tag or commit, if it is not the default one.
    git_ref: Option<String>,
    /// What guards want to know of items.
    wanted: &'static [&'static str],
}

impl Place {
    const fn at(family: Family, path: Vec<String>) -> Self {
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
    fn below(&self, field: &Field<'_>, family: Family) -> Self {
        let mut below = self.clone();
        below.path.push(field.key.to_owned());
        Self { family, is_many: false, is_any: false, wanted: &[], ..below }
    }

    /// A call that names the repository, if it is known which.
    fn call(&self, tool: &'static str) -> Call {
        let mut call = Call::new(tool);
        for (name, value) in [("owner", &self.owner), ("repo", &self.repo)] {
            if let Some(value) = value {
                call = call.with(name, value);
            }
        }
        call
    }
}

/// What a guard wants to know of an item, of a commit, and of what may be one item or another.
const OF_ITEMS: &[&str] = &["author{login}", "authorAssociation", "url"];
const OF_COMMITS: &[&str] = &["author{user{login}}"];
const OF_ANY_ITEMS: &[&str] = &[
    "...on Issue{author{login}authorAssociation url}",
    "...on PullRequest{author{login}authorAssociation url}",
];

/// The types that an item of any type may turn out to be.
const ITEM_TYPES: &[&str] = &["Issue", "PullRequest"];

struct Walk<'d, 's> {
    document: &'d Document<'s>,
    inputs: &'d Inputs<'d>,
    walked: Walked,
    n_visits: usize,
    depth: usize,
    /// The fragments that are open.
    open: Vec<&'s str>,
}

impl<'d, 's> Walk<'d, 's> {
    fn new(document: &'d Document<'s>, inputs: &'d Inputs<'d>) -> Self {
        let walked = Walked::default();
        Self { document, inputs, walked, n_visits: 0, depth: 0, open: Vec::new() }
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
        let asked = self.ask(field, step.ask, &mut below)?;
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

    /// Who is asked about what `field` leads to, and how; `below` learns what is known of it.
    fn ask(
        &self,
        field: &Field<'s>,
        ask: Ask,
        below: &mut Place,
    ) -> Result<Option<(Call, Form)>, QueryError> {
        let (tool, form) = match ask {
            Ask::Nobody => return Ok(None),
            Ask::Search => return self.search(field, below).map(Some),
            Ask::Repository => ("get_file_contents", Form::Whole),
            Ask::Organization => ("search_orgs", Form::Whole),
            Ask::Person => ("search_users", Form::Whole),
            Ask::Viewer => ("get_me", Form::Whole),
            Ask::Node => ("search_issues", Form::Whole),
            Ask::Issue => ("issue_read", Form::Whole),
            Ask::Issues => ("list_issues", Form::Items),
            Ask::PullRequest => ("pull_request_read", Form::Whole),
            Ask::PullRequests => ("list_pull_requests", Form::Items),
            Ask::Elsewhere => ("search_issues", Form::Items),
            Ask::Comments if below.repo.is_some() => ("list_issues", Form::Items),
            Ask::Comments => ("search_issues", Form::Items),
            Ask::Discussion | Ask::Discussions => ("list_discussions", Form::Whole),
            Ask::DiscussionComments => ("get_discussion_comments", Form::Whole),
            Ask::Categories => ("list_discussion_categories", Form::Whole),
            Ask::Object | Ask::DefaultRef => ("get_file_contents", Form::Whole),
            Ask::Ref => ("get_file_contents", Form::Whole),
            Ask::Refs => ("list_branches", Form::Whole),
            Ask::History => ("list_commits", Form::Items),
            Ask::Releases => ("list_releases", Form::Items),
            Ask::Release => ("get_release_by_tag", Form::Whole),
            Ask::LatestRelease => ("get_latest_release", Form::Whole),
            Ask::Labels => ("list_label", Form::Whole),
            Ask::Label => ("get_label", Form::Whole),
            Ask::Projects => ("list_projects", Form::Whole),
            Ask::People => ("list_repository_collaborators", Form::Whole),
            Ask::Alerts => ("list_dependabot_alerts", Form::Whole),
        };
        below.wanted = match (ask, below.family) {
            (Ask::History, _) => OF_COMMITS,
            (Ask::Node, _) => OF_ANY_ITEMS,
            (Ask::Issue, _) if field.name == "issueOrPullRequest" => OF_ANY_ITEMS,
            (_, Family::Item | Family::Comment) => OF_ITEMS,
            _ => &[],
        };
        below.is_any = ask == Ask::Node || field.name == "issueOrPullRequest";
        let call = self.detailed(field, ask, tool, below)?;
        Ok(Some((call, form)))
    }

    /// The call of `tool` with what the arguments of `field` say.
    fn detailed(
        &self,
        field: &Field<'s>,
        ask: Ask,
        tool: &'static str,
        below: &mut Place,
    ) -> Result<Call, QueryError> {
        let required = |name| self.inputs.required(field, name);
        match ask {
            Ask::Repository => {
                if below.owner.is_none() {
                    below.owner = Some(named(required("owner")?, "owner")?);
                }
                below.repo = Some(named(required("name")?, "name")?);
                Ok(below.call(tool))
            }
            Ask::Organization | Ask::Person => {
                let login = named(required("login")?, "login")?;
                below.owner = Some(login.clone());
                Ok(Call::new(tool).with("login", login))
            }
            Ask::Issue => Ok(below.call(tool).with("issue_number", number(required("number")?)?)),
            Ask::PullRequest => {
                let number = number(required("number")?)?;
                Ok(below.call(tool).with("pullNumber", number).with("method", "get"))
            }
            Ask::Discussion => {
                Ok(below.call(tool).with("discussion_number", number(required("number")?)?))
            }
            Ask::Release => Ok(below.call(tool).with("tag", required("tagName")?)),
            Ask::Object => self.object(field, tool, below),
            Ask::Ref => {
                let name = required("qualifiedName")?;
                let name = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
                below.git_ref = Some(name.clone());
                Ok(below.call(tool).with("ref", name))
            }
            Ask::Refs => {
                // Any of them may be meant, so it is certainly not the default one.
                below.git_ref = Some(required("refPrefix")?);
                Ok(below.call(tool))
            }
            Ask::History => match &below.git_ref {
                Some(git_ref) => Ok(below.call(tool).with("sha", git_ref)),
                None => Ok(below.call(tool)),
            },
            // What a viewer, a node or what it refers to is of, is not known from the query.
            Ask::Viewer | Ask::Node | Ask::Elsewhere => {
                (below.owner, below.repo) = (None, None);
                Ok(Call::new(tool))
            }
            _ => Ok(below.call(tool)),
        }
    }

    /// `object(expression:)`, such as `dev:src/main.rs`, or `object(oid:)`.
    fn object(
        &self,
        field: &Field<'s>,
        tool: &'static str,
        below: &mut Place,
    ) -> Result<Call, QueryError> {
        let expression = match self.inputs.argument(field, "oid")? {
            Some(oid) if field.argument("expression").is_none() => oid,
            Some(_) => return Err(QueryError::Argument("oid")),
            None => self.inputs.required(field, "expression")?,
        };
        let (git_ref, path) = match expression.split_once(':') {
            Some((git_ref, path)) => (git_ref, Some(path)),
            None => (expression.as_str(), None),
        };
        if git_ref.is_empty() {
            return Err(QueryError::Argument("expression"));
        }
        below.git_ref = Some(git_ref.to_owned());
        let call = below.call(tool).with("ref", git_ref);
        Ok(match path {
            Some(path) => call.with("path", path),
            None => call,
        })
    }

    /// `search(query:, type:)`. Only issues and pull requests say themselves where they are from.
    fn search(&self, field: &Field<'s>, below: &mut Place) -> Result<(Call, Form), QueryError> {
        let query = self.inputs.required(field, "query")?;
        let kind = self.inputs.required(field, "type")?;
        match kind.as_str() {
            "ISSUE" | "ISSUE_ADVANCED" => {
                (below.is_any, below.wanted) = (true, OF_ANY_ITEMS);
                Ok((Call::new("search_issues").with("query", query), Form::Items))
            }
            "USER" => {
                below.family = Family::Actor;
                Ok((Call::new("search_users").with("query", query), Form::Whole))
            }
            "REPOSITORY" if is_public(&query) => {
                below.family = Family::RepositoryName;
                Ok((Call::new("search_repositories").with("query", query), Form::Whole))
            }
            "DISCUSSION" => {
                let place = route::place(&query).ok_or(QueryError::Argument("query"))?;
                (below.owner, below.repo) = (Some(place.0.to_owned()), Some(place.1.to_owned()));
                below.family = Family::Discussion;
                Ok((below.call("list_discussions"), Form::Whole))
            }
            _ => Err(QueryError::Argument("type")),
        }
    }
}

/// Whether a search for repositories finds public ones alone.
fn is_public(query: &str) -> bool {
    let is_word = |word: &str| query.split_whitespace().any(|other| other == word);
    let widens = ["OR", "NOT", "is:private", "is:internal"].iter().any(|word| is_word(word));
    is_word("is:public") && !widens && !query.contains(['"', '('])
}

/// The same place, after a fragment has said of which type the object is.
fn narrowed(place: &Place, on: Option<&str>) -> Result<Place, QueryError> {
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

/// Names that make the shape of a connection.
fn is_structure(name: &str) -> bool {
    matches!(name, "nodes" | "edges" | "node" | "pageInfo" | "totalCount")
}

/// Whether `set` selects, without any condition, what `wanted` says: `author{login}`.
fn is_selected(set: &SelectionSet<'_>, wanted: &str) -> bool {
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

fn named(text: String, argument: &'static str) -> Result<String, QueryError> {
    if is_name(&text) { Ok(text) } else { Err(QueryError::Argument(argument)) }
}

fn number(text: String) -> Result<String, QueryError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text) } else { Err(QueryError::Argument("number")) }
}
