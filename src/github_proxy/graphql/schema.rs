// SPDX-License-Identifier: MIT
//! Where fields lead: the part of the forge's schema in which we know our way.
//!
//! Types that share their fields share a family. A field without a selection of its own stays with
//! its object and needs no row, unless the family says which of them it has.

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

/// A step of a query.
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
    const NAMES: &[&str] = &[
        "__typename",
        "id",
        "databaseId",
        "fullDatabaseId",
        "login",
        "name",
        "slug",
        "url",
        "resourcePath",
        "avatarUrl",
        "email",
        "isViewer",
    ];
    const OF_REPOSITORIES: &[&str] = &[
        "__typename",
        "id",
        "databaseId",
        "name",
        "nameWithOwner",
        "url",
        "sshUrl",
        "isPrivate",
        "isFork",
        "isArchived",
        "isInOrganization",
        "viewerPermission",
        "hasIssuesEnabled",
        "hasWikiEnabled",
        "hasDiscussionsEnabled",
    ];
    const OF_COMMITS: &[&str] =
        &["__typename", "id", "oid", "abbreviatedOid", "url", "committedDate", "authoredDate"];
    const OF_ANSWERS: &[&str] = &[
        "__typename",
        "clientMutationId",
        "id",
        "databaseId",
        "fullDatabaseId",
        "number",
        "url",
        "state",
        "stateReason",
        "closed",
        "merged",
        "mergedAt",
        "isDraft",
        "isResolved",
        "locked",
        "login",
        "name",
        "nameWithOwner",
        "oid",
        "content",
        "type",
        "isArchived",
    ];
    match family {
        Actor => NAMES.contains(&field),
        RepositoryName => OF_REPOSITORIES.contains(&field),
        CommitName => OF_COMMITS.contains(&field),
        Echo => OF_ANSWERS.contains(&field),
        // Nothing of a user or of an answer: these are objects.
        Query => matches!(field, "__typename" | "id"),
        _ => true,
    }
}

/// Whether `field` of a repository only names it, so that nobody has to be asked.
pub(super) fn only_names(field: &str) -> bool {
    matches!(field, "__typename" | "id" | "databaseId" | "name" | "nameWithOwner" | "url")
}

/// The names under which guards look for what they judge by. No other field may stand under them.
pub(super) const GUARDED: &[&str] = &[
    "author",
    "authorAssociation",
    "author_association",
    "base",
    "content",
    "contents",
    "createdAt",
    "created_at",
    "data",
    "edges",
    "editedAt",
    "edited_at",
    "fullName",
    "full_name",
    "head",
    "html_url",
    "incomplete_results",
    "isError",
    "isPrivate",
    "is_private",
    "issues",
    "items",
    "labels",
    "lastEditedAt",
    "last_edited_at",
    "login",
    "merged",
    "merged_at",
    "method",
    "name",
    "node",
    "nodes",
    "number",
    "oid",
    "owner",
    "pageInfo",
    "private",
    "public",
    "pull_requests",
    "reactions",
    "repositories",
    "repository",
    "repository_url",
    "sha",
    "tag_name",
    "totalCount",
    "total_count",
    "type",
    "updatedAt",
    "updated_at",
    "url",
    "user",
    "visibility",
];

type Row = (&'static [Family], &'static [&'static str], Family, bool, Ask);

/// A step to one object, and to a connection.
const ONE: bool = false;
const MANY: bool = true;

use Ask::Nobody;
use Family::{
    Actor, Comment, CommitName, Discussion, Echo, GitActor, GitObject, Item, ItemCommit,
    Organization, Owner, Plain, Project, Query, Ref, RefName, Release, Repository, RepositoryName,
    Thread, Viewer,
};

#[rustfmt::skip] // It is a table.
const ROWS: &[Row] = &[
    (&[Query], &["repository"], Repository, ONE, Ask::Repository),
    (&[Query], &["organization"], Organization, ONE, Ask::Organization),
    (&[Query], &["user", "repositoryOwner"], Owner, ONE, Ask::Person),
    (&[Query], &["viewer"], Viewer, ONE, Ask::Viewer),
    (&[Query], &["search"], Item, MANY, Ask::Search),
    (&[Query], &["node", "nodes"], Item, ONE, Ask::Node),
    (&[Query], &["rateLimit", "meta", "license", "licenses", "codeOfConduct", "codesOfConduct"], Plain, ONE, Nobody),
    (&[Organization, Owner], &["repository"], Repository, ONE, Ask::Repository),
    (&[Organization, Owner, Repository], &["projectV2"], Project, ONE, Ask::Projects),
    (&[Organization, Owner, Repository], &["projectsV2"], Project, MANY, Ask::Projects),

    (&[Repository], &["issue", "issueOrPullRequest"], Item, ONE, Ask::Issue),
    (&[Repository], &["issues"], Item, MANY, Ask::Issues),
    (&[Repository], &["pullRequest"], Item, ONE, Ask::PullRequest),
    (&[Repository], &["pullRequests"], Item, MANY, Ask::PullRequests),
    (&[Repository], &["discussion"], Discussion, ONE, Ask::Discussion),
    (&[Repository], &["discussions"], Discussion, MANY, Ask::Discussions),
    (&[Repository], &["discussionCategory"], Plain, ONE, Ask::Categories),
    (&[Repository], &["discussionCategories"], Plain, MANY, Ask::Categories),
    (&[Repository], &["object"], GitObject, ONE, Ask::Object),
    (&[Repository], &["ref"], Ref, ONE, Ask::Ref),
    (&[Repository], &["refs"], Ref, MANY, Ask::Refs),
    (&[Repository], &["defaultBranchRef"], Ref, ONE, Ask::DefaultRef),
    (&[Repository], &["releases"], Release, MANY, Ask::Releases),
    (&[Repository], &["release"], Release, ONE, Ask::Release),
    (&[Repository], &["latestRelease"], Release, ONE, Ask::LatestRelease),
    (&[Repository], &["labels", "milestones"], Plain, MANY, Ask::Labels),
    (&[Repository], &["label", "milestone"], Plain, ONE, Ask::Label),
    (&[Repository], &["collaborators", "assignableUsers", "mentionableUsers", "suggestedActors"], Actor, MANY, Ask::People),
    (&[Repository], &["vulnerabilityAlerts"], Plain, MANY, Ask::Alerts),
    (&[Repository], &["owner"], Actor, ONE, Nobody),
    (&[Repository], &["parent", "templateRepository"], RepositoryName, ONE, Nobody),
    (&[Repository], &["stargazers", "watchers"], Actor, MANY, Nobody),
    (&[Repository], &["languages", "repositoryTopics"], Plain, MANY, Nobody),
    (&[Repository], &["primaryLanguage", "licenseInfo", "codeOfConduct", "issueTemplates", "pullRequestTemplates", "contactLinks", "fundingLinks"], Plain, ONE, Nobody),

    (&[Item], &["comments", "reviews", "latestReviews", "latestOpinionatedReviews"], Comment, MANY, Ask::Comments),
    (&[Thread, Comment], &["comments", "replies"], Comment, MANY, Ask::Comments),
    (&[Item], &["reviewThreads"], Thread, MANY, Nobody),
    (&[Item], &["closedByPullRequestsReferences", "closingIssuesReferences"], Item, MANY, Ask::Elsewhere),
    (&[Item], &["commits"], ItemCommit, MANY, Nobody),
    (&[Item], &["assignees", "participants", "assignedActors", "suggestedActors"], Actor, MANY, Nobody),
    (&[Item], &["reviewRequests"], Plain, MANY, Nobody),
    (&[Item], &["files", "labels"], Plain, MANY, Nobody),
    (&[Item], &["milestone", "issueType", "autoMergeRequest", "subIssuesSummary"], Plain, ONE, Nobody),
    (&[Item], &["statusCheckRollup"], Plain, ONE, Nobody),
    (&[Item], &["projectItems", "projectCards"], Plain, MANY, Ask::Projects),
    (&[Item], &["mergeCommit", "potentialMergeCommit"], CommitName, ONE, Nobody),
    (&[Item], &["headRef", "baseRef"], RefName, ONE, Nobody),
    (&[Item], &["headRepositoryOwner", "mergedBy"], Actor, ONE, Nobody),
    (&[Item], &["headRepository", "baseRepository"], RepositoryName, ONE, Nobody),
    (&[Item, Comment, Discussion], &["author", "editor"], Actor, ONE, Nobody),
    (&[Item, Comment, Discussion], &["reactionGroups"], Plain, ONE, Nobody),
    (&[Item, Comment, Discussion], &["reactions"], Plain, MANY, Nobody),
    (&[Item, Comment, Discussion, GitObject], &["repository"], RepositoryName, ONE, Nobody),
    (&[Comment, Thread], &["commit", "originalCommit"], CommitName, ONE, Nobody),
    (&[Thread], &["resolvedBy"], Actor, ONE, Nobody),

    (&[Discussion], &["comments", "replies"], Discussion, MANY, Ask::DiscussionComments),
    (&[Discussion], &["answer"], Discussion, ONE, Nobody),
    (&[Discussion], &["category"], Plain, ONE, Nobody),
    (&[Discussion], &["labels"], Plain, MANY, Nobody),
    (&[Discussion], &["answerChosenBy"], Actor, ONE, Nobody),

    (&[GitObject], &["history"], GitObject, MANY, Ask::History),
    (&[GitObject], &["author", "committer", "tagger"], GitActor, ONE, Nobody),
    (&[GitObject], &["authors"], GitActor, MANY, Nobody),
    (&[GitObject], &["parents"], CommitName, MANY, Nobody),
    (&[GitObject], &["entries", "object"], GitObject, ONE, Nobody),
    (&[GitObject], &["associatedPullRequests"], Item, MANY, Ask::Elsewhere),
    (&[GitObject], &["statusCheckRollup", "status", "signature"], Plain, ONE, Nobody),
    (&[GitObject], &["checkSuites"], Plain, MANY, Nobody),
    (&[GitActor], &["user"], Actor, ONE, Nobody),
    (&[ItemCommit], &["commit"], ItemCommit, ONE, Nobody),
    (&[ItemCommit], &["author", "committer"], GitActor, ONE, Nobody),
    (&[ItemCommit], &["authors"], GitActor, MANY, Nobody),
    (&[ItemCommit], &["statusCheckRollup", "status"], Plain, ONE, Nobody),
    (&[ItemCommit], &["checkSuites"], Plain, MANY, Nobody),
    (&[Ref], &["target"], GitObject, ONE, Nobody),
    (&[Ref, RefName], &["branchProtectionRule"], Plain, ONE, Nobody),
    (&[RefName], &["target"], CommitName, ONE, Nobody),

    (&[Release], &["author"], Actor, ONE, Nobody),
    (&[Release], &["releaseAssets"], Plain, MANY, Nobody),
    (&[Release], &["tag"], RefName, ONE, Nobody),
    (&[Release], &["tagCommit"], CommitName, ONE, Nobody),
    (&[Project], &["owner", "creator"], Actor, ONE, Nobody),
    (&[Project], &["fields"], Plain, MANY, Nobody),
    (&[RepositoryName], &["owner"], Actor, ONE, Nobody),
    (&[RepositoryName], &["defaultBranchRef"], CommitName, ONE, Nobody),

    (&[Plain], &["author", "creator", "actor", "user", "owner", "enabledBy", "requestedReviewer", "organization", "app"], Actor, ONE, Nobody),
    (&[Actor], &["organization"], Actor, ONE, Nobody),
    (&[Plain], &["users", "reactors"], Actor, MANY, Nobody),
    (&[Plain], &["contexts", "checkRuns"], Plain, MANY, Nobody),
    (&[Plain], &["topic", "checkSuite", "workflowRun", "workflow", "project", "column", "fieldValueByName", "field", "options", "configuration", "iterations"], Plain, ONE, Nobody),
    (&[Plain], &["securityVulnerability", "securityAdvisory", "package", "firstPatchedVersion"], Plain, ONE, Nobody),
    (&[Plain], &["commit"], CommitName, ONE, Nobody),

    (&[Echo], &["issue", "pullRequest", "comment", "commentEdge", "node", "subject", "discussion", "review", "pullRequestReview", "reviewComment", "thread"], Echo, ONE, Nobody),
    (&[Echo], &["ref", "target", "commit", "repository", "owner", "label", "labelable", "assignable", "actor", "reaction", "starrable", "lockedRecord", "unlockedRecord", "subIssue", "linkedBranch"], Echo, ONE, Nobody),
    (&[Echo], &["projectV2", "projectV2Item", "projectV2Field", "item", "projectItem", "revertPullRequest"], Echo, ONE, Nobody),
];
