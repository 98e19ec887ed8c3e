// SPDX-License-Identifier: MIT
//! Where fields lead: the part of the forge's schema in which we know our way.
//!
//! A step that is in no row leads nowhere. Whoever adds one says who is asked about what lies
//! there.

use super::schema::Ask::{self, Nobody};
use super::schema::Family::{
    self, Actor, Comment, CommitName, Discussion, Echo, GitActor, GitObject, Item, ItemCommit,
    Organization, Owner, Plain, Project, Query, Ref, RefName, Release, Repository, RepositoryName,
    Thread, Viewer,
};

/// From which families, by which fields, to which one; whether to a connection; whom to ask.
pub(super) type Row = (&'static [Family], &'static [&'static str], Family, bool, Ask);

/// A step to one object, and to a connection.
const ONE: bool = false;
const MANY: bool = true;

#[rustfmt::skip] // It is a table.
pub(super) const ROWS: &[Row] = &[
    (&[Query], &["repository"], Repository, ONE, Ask::Repository),
    (&[Query], &["organization"], Organization, ONE, Ask::Organization),
    (&[Query], &["user", "repositoryOwner"], Owner, ONE, Ask::Person),
    (&[Query], &["viewer"], Viewer, ONE, Ask::Viewer),
    (&[Query], &["search"], Item, MANY, Ask::Search),
    (&[Query], &["node", "nodes"], Item, ONE, Ask::Node),
    (&[Query], &[
        "rateLimit", "meta", "license", "licenses", "codeOfConduct", "codesOfConduct"
    ], Plain, ONE, Nobody),
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
    (&[Repository], &[
        "collaborators", "assignableUsers", "mentionableUsers", "suggestedActors"
    ], Actor, MANY, Ask::People),
    (&[Repository], &["vulnerabilityAlerts"], Plain, MANY, Ask::Alerts),
    (&[Repository], &["owner"], Actor, ONE, Nobody),
    (&[Repository], &["parent", "templateRepository"], RepositoryName, ONE, Nobody),
    (&[Repository], &["stargazers", "watchers"], Actor, MANY, Nobody),
    (&[Repository], &["languages", "repositoryTopics"], Plain, MANY, Nobody),
    (&[Repository], &[
        "primaryLanguage", "licenseInfo", "codeOfConduct", "issueTemplates",
        "pullRequestTemplates", "contactLinks", "fundingLinks"
    ], Plain, ONE, Nobody),

    (&[Item], &[
        "comments", "reviews", "latestReviews", "latestOpinionatedReviews"
    ], Comment, MANY, Ask::Comments),
    (&[Thread, Comment], &["comments", "replies"], Comment, MANY, Ask::Comments),
    (&[Item], &["reviewThreads"], Thread, MANY, Nobody),
    (&[Item], &[
        "closedByPullRequestsReferences", "closingIssuesReferences"
    ], Item, MANY, Ask::Elsewhere),
    (&[Item], &["commits"], ItemCommit, MANY, Nobody),
    (&[Item], &[
        "assignees", "participants", "assignedActors", "suggestedActors"
    ], Actor, MANY, Nobody),
    (&[Item], &["reviewRequests"], Plain, MANY, Nobody),
    (&[Item], &["files", "labels"], Plain, MANY, Nobody),
    (&[Item], &[
        "milestone", "issueType", "autoMergeRequest", "subIssuesSummary"
    ], Plain, ONE, Nobody),
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

    (&[Plain], &[
        "author", "creator", "actor", "user", "owner", "enabledBy", "requestedReviewer",
        "organization", "app"
    ], Actor, ONE, Nobody),
    (&[Actor], &["organization"], Actor, ONE, Nobody),
    (&[Plain], &["users", "reactors"], Actor, MANY, Nobody),
    (&[Plain], &["contexts", "checkRuns"], Plain, MANY, Nobody),
    (&[Plain], &[
        "topic", "checkSuite", "workflowRun", "workflow", "project", "column",
        "fieldValueByName", "field", "options", "configuration", "iterations"
    ], Plain, ONE, Nobody),
    (&[Plain], &[
        "securityVulnerability", "securityAdvisory", "package", "firstPatchedVersion"
    ], Plain, ONE, Nobody),
    (&[Plain], &["commit"], CommitName, ONE, Nobody),

    (&[Echo], &[
        "issue", "pullRequest", "comment", "commentEdge", "node", "subject", "discussion",
        "review", "pullRequestReview", "reviewComment", "thread"
    ], Echo, ONE, Nobody),
    (&[Echo], &[
        "ref", "target", "commit", "repository", "owner", "label", "labelable", "assignable",
        "actor", "reaction", "starrable", "lockedRecord", "unlockedRecord", "subIssue",
        "linkedBranch"
    ], Echo, ONE, Nobody),
    (&[Echo], &[
        "projectV2", "projectV2Item", "projectV2Field", "item", "projectItem",
        "revertPullRequest"
    ], Echo, ONE, Nobody),
];
