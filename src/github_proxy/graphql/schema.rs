// SPDX-License-Identifier: MIT
//! The kinds of objects that the forge's schema has, and of what may be asked of them.
//!
//! Types that share their fields share a family. A field without a selection of its own stays with
//! its object and needs no row, unless the family says which of them it has.

use super::steps::ROWS;

/// Objects whose fields lead to the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// What a query begins with.
    Query,
    Repository,
    /// A repository that is only named: it may be any.
    RepositoryName,
    /// A user by login, or whoever owns a repository.
    Owner,
    Organization,
    /// Whoever asks.
    Viewer,
    /// Issues and pull requests.
    Item,
    /// What somebody has said about an item: comments and reviews.
    Comment,
    /// Comments at one place of a change.
    Thread,
    Discussion,
    /// What a name in a repository stands for: a commit, a tree, a file or a tag.
    GitObject,
    /// A commit of a pull request.
    ItemCommit,
    /// A commit that is only named.
    CommitName,
    Ref,
    /// A branch that is only named.
    RefName,
    /// Somebody who is only named.
    Actor,
    /// An author of a commit.
    GitActor,
    Project,
    Release,
    /// What belongs wholly to the object around it.
    Plain,
    /// What a mutation answers: names of what it has changed.
    Echo,
}

/// Who is asked about what a field leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nobody: it carries the label of the object around it.
    Nobody,
    Repository,
    Organization,
    Person,
    Viewer,
    Search,
    Node,
    Issue,
    Issues,
    PullRequest,
    PullRequests,
    /// Items that may be anywhere: by what they say of themselves.
    Elsewhere,
    /// What people have said about an item.
    Comments,
    Discussion,
    Discussions,
    DiscussionComments,
    Categories,
    Object,
    Ref,
    Refs,
    DefaultRef,
    History,
    Releases,
    Release,
    LatestRelease,
    Labels,
    Label,
    Projects,
    People,
    Alerts,
}

/// A step of a query, as a row of [`steps`](super::steps).
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub to: Family,
    /// Whether it leads to a connection: items in `nodes` or `edges`.
    pub is_many: bool,
    pub ask: Ask,
}

/// Whether a field of the outermost object asks for the schema alone.
pub(super) fn is_introspection(field: &str) -> bool {
    matches!(field, "__schema" | "__type" | "__typename")
}

/// Where `field` leads from `family`, if that is known.
pub(super) fn step(family: Family, field: &str) -> Option<Step> {
    let row = ROWS.iter().find(|row| row.0.contains(&family) && row.1.contains(&field));
    row.map(|&(_, _, to, is_many, ask)| Step { to, is_many, ask })
}

/// Whether `field`, without a selection, may be asked of `family`.
pub(super) fn has_leaf(family: Family, field: &str) -> bool {
    match family {
        Family::Actor => OF_ACTORS.contains(&field),
        Family::RepositoryName => OF_REPOSITORIES.contains(&field),
        Family::CommitName => OF_COMMITS.contains(&field),
        Family::Echo => OF_ANSWERS.contains(&field),
        // All else that a query begins with are objects.
        Family::Query => matches!(field, "__typename" | "id"),
        _ => true,
    }
}

#[rustfmt::skip] // These are lists of words.
const OF_ACTORS: &[&str] = &[
    "__typename", "id", "databaseId", "fullDatabaseId", "login", "name", "slug", "url",
    "resourcePath", "avatarUrl", "email", "isViewer",
];
#[rustfmt::skip]
const OF_REPOSITORIES: &[&str] = &[
    "__typename", "id", "databaseId", "name", "nameWithOwner", "url", "sshUrl", "isPrivate",
    "isFork", "isArchived", "isInOrganization", "viewerPermission", "hasIssuesEnabled",
    "hasWikiEnabled", "hasDiscussionsEnabled",
];
#[rustfmt::skip]
const OF_COMMITS: &[&str] = &[
    "__typename", "id", "oid", "abbreviatedOid", "url", "committedDate", "authoredDate", "name",
];
#[rustfmt::skip]
const OF_ANSWERS: &[&str] = &[
    "__typename", "clientMutationId", "id", "databaseId", "fullDatabaseId", "number", "url",
    "state", "stateReason", "closed", "merged", "mergedAt", "isDraft", "isResolved", "locked",
    "login", "name", "nameWithOwner", "oid", "content", "type", "isArchived",
];

/// Whether `field` of a repository only names it, so that nobody has to be asked.
pub(super) fn only_names(field: &str) -> bool {
    matches!(field, "__typename" | "id" | "databaseId" | "name" | "nameWithOwner" | "url")
}

/// The names under which guards look for what they judge by. No other field may stand under them.
#[rustfmt::skip]
pub(super) const GUARDED: &[&str] = &[
    "author", "authorAssociation", "author_association", "base", "content", "contents",
    "createdAt", "created_at", "data", "edges", "editedAt", "edited_at", "fullName", "full_name",
    "head", "html_url", "incomplete_results", "isError", "isPrivate", "is_private", "issues",
    "items", "labels", "lastEditedAt", "last_edited_at", "login", "merged", "merged_at", "method",
    "name", "node", "nodes", "number", "oid", "owner", "pageInfo", "private", "public",
    "pull_requests", "reactions", "repositories", "repository", "repository_url", "sha",
    "tag_name", "totalCount", "total_count", "type", "updatedAt", "updated_at", "url", "user",
    "visibility",
];
