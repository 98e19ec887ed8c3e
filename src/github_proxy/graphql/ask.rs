// SPDX-License-Identifier: MIT
//! Whom to ask about what a field leads to: the tool that would read the same, and its arguments.

use super::document::Field;
use super::inputs::Inputs;
use super::place::{OF_ANY_ITEMS, OF_COMMITS, OF_ITEMS, Place};
use super::schema::{Ask, Family};
use super::{Form, QueryError};
use crate::github_proxy::{Call, is_name, route};

/// Asks with the inputs of one operation.
pub(super) struct Asker<'d> {
    pub inputs: &'d Inputs<'d>,
}

impl Asker<'_> {
    /// Who is asked about what `field` leads to, and how; `below` learns what is known of it.
    pub fn ask(
        &self,
        field: &Field<'_>,
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
        field: &Field<'_>,
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
        field: &Field<'_>,
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
    fn search(&self, field: &Field<'_>, below: &mut Place) -> Result<(Call, Form), QueryError> {
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

fn named(text: String, argument: &'static str) -> Result<String, QueryError> {
    if is_name(&text) { Ok(text) } else { Err(QueryError::Argument(argument)) }
}

fn number(text: String) -> Result<String, QueryError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text) } else { Err(QueryError::Argument("number")) }
}
