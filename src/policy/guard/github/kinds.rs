// SPDX-License-Identifier: MIT
//! Kinds of tools: for each question that labels answer, the rule that answers it.

use crate::policy::guard::rule::Level;

/// Who may know what a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Everybody.
    Public,
    /// Those who may see the repository of the arguments.
    Repo,
    /// Those who may see the repository that is searched.
    Searched,
    /// As the repository, but what looks like a secret is private.
    File,
    /// Always private.
    Private,
    /// The user alone.
    User,
    /// Whoever the secret or variable belongs to.
    Vault {
        /// Whether it is a secret, which somebody always owns.
        is_secret: bool,
    },
    /// A part of a form: its `method` says.
    Form,
}

/// Who vouches for what a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// What the operation says by itself.
    ByOperation,
    /// Nobody.
    None,
    /// This level, in the repository of the arguments.
    InRepo(Level),
    /// This level, among all that the forge itself says.
    InGithub(Level),
    /// This level, among all that is the user's.
    OfUser(Level),
    /// Approved where the repository that is searched is private.
    Found,
    /// Approved in the repository that is searched.
    FoundCode,
    /// An issue, by its author.
    Issue,
    /// A list of issues or pull requests.
    Listed,
    /// A pull request, by its author and its lineage.
    Pull,
    /// Commits, by their ref.
    Commit,
    /// Files, by their ref.
    File,
    /// Approved, if the ref of the tree is.
    Tree,
    /// Approved for the owner of the project.
    Project,
    /// Approved for whoever the secret or variable belongs to.
    Vault {
        /// Whether it is a secret.
        is_secret: bool,
    },
    /// A part of a form: its `method` says.
    Form,
    /// Nobody may do it.
    Banned,
}

/// How people call what a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `resource:<tool>`.
    Tool,
    /// `issue:o/r#7`.
    Issue,
    /// `pr:o/r#7`.
    Pull,
    /// `commit:o/r@0123456`.
    Commit,
    /// `<tool>:o/r`.
    Search,
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Something that is judged as a whole.
    Whole,
    /// Repositories.
    Repos,
    /// Issues of one repository.
    Issues,
    /// One issue, or several.
    Issue,
    /// Issues of any repository.
    FoundIssues,
    /// Pull requests of one repository.
    Pulls,
    /// One pull request, or several.
    Pull,
    /// Pull requests of any repository.
    FoundPulls,
    /// Parts of files, or commits, of any repository.
    FoundCode,
    /// Commits.
    Commits,
    /// One commit.
    Commit,
    /// A file, or the entries of a directory.
    Files,
    /// Releases.
    Releases,
    /// One release.
    Release,
    /// Notifications.
    Notifications,
    /// Gists.
    Gists,
    /// One gist.
    Gist,
    /// What is on a project's board.
    ProjectItems,
}

/// Where a call belongs that names no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Nowhere in particular.
    Nowhere,
    /// Everything that the forge itself says.
    Github,
    /// What is the user's.
    User,
    /// The repository that is searched.
    Searched,
    /// The organisation, the owner, or the user.
    Vault {
        /// Whether it is a secret.
        is_secret: bool,
    },
}

/// The rules for one kind of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub secrecy: Secrecy,
    pub trust: Trust,
    pub naming: Naming,
    pub shape: Shape,
    pub home: Home,
}

/// What the reference says of tools that it does not know.
pub(super) const UNKNOWN: Kind = kind(Secrecy::Public, Trust::ByOperation);
/// What holds for them here: they are about the repository that they name.
pub(super) const UNLISTED: Kind = kind(Secrecy::Repo, Trust::ByOperation);
/// A file behind the address of a resource.
pub(super) const FILE_RESOURCE: Kind = kind(Secrecy::File, Trust::File);

const fn kind(secrecy: Secrecy, trust: Trust) -> Kind {
    let (naming, shape, home) = (Naming::Tool, Shape::Whole, Home::Nowhere);
    Kind { secrecy, trust, naming, shape, home }
}

impl Kind {
    const fn named(self, naming: Naming) -> Self {
        Self { naming, ..self }
    }

    const fn holds(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    const fn at(self, home: Home) -> Self {
        Self { home, ..self }
    }
}

use Level::{Approved, Unapproved};

pub(super) const REPO: Kind = kind(Secrecy::Repo, Trust::InRepo(Approved));
pub(super) const TREE: Kind = kind(Secrecy::Repo, Trust::Tree);
pub(super) const RELEASE: Kind = REPO.holds(Shape::Release);
pub(super) const RELEASES: Kind = REPO.holds(Shape::Releases);
pub(super) const OF_ISSUE: Kind = REPO.named(Naming::Issue);
pub(super) const ISSUES_WHOLE: Kind = kind(Secrecy::Repo, Trust::Listed).named(Naming::Issue);
pub(super) const ISSUES: Kind = ISSUES_WHOLE.holds(Shape::Issues);
pub(super) const ISSUE: Kind =
    kind(Secrecy::Repo, Trust::Issue).named(Naming::Issue).holds(Shape::Issue);
pub(super) const PULLS: Kind = kind(Secrecy::Repo, Trust::Listed).holds(Shape::Pulls);
pub(super) const PULL: Kind =
    kind(Secrecy::Repo, Trust::Pull).named(Naming::Pull).holds(Shape::Pull);
pub(super) const FOUND: Kind =
    kind(Secrecy::Searched, Trust::Found).named(Naming::Search).at(Home::Searched);
pub(super) const FOUND_ISSUES: Kind = FOUND.holds(Shape::FoundIssues);
pub(super) const FOUND_PULLS: Kind = FOUND.holds(Shape::FoundPulls);
pub(super) const FOUND_CODE: Kind =
    Kind { trust: Trust::FoundCode, ..FOUND }.holds(Shape::FoundCode);
pub(super) const FOUND_REPOS: Kind =
    kind(Secrecy::Public, Trust::InRepo(Approved)).holds(Shape::Repos).at(Home::Searched);
pub(super) const COMMIT_WHOLE: Kind = kind(Secrecy::Repo, Trust::Commit).named(Naming::Commit);
pub(super) const COMMIT: Kind = COMMIT_WHOLE.holds(Shape::Commit);
pub(super) const COMMITS: Kind = COMMIT_WHOLE.holds(Shape::Commits);
pub(super) const FILE_WHOLE: Kind = kind(Secrecy::File, Trust::File);
pub(super) const FILE: Kind = FILE_WHOLE.holds(Shape::Files);
pub(super) const ALERT: Kind = kind(Secrecy::Private, Trust::InRepo(Approved));
pub(super) const PEOPLE: Kind = kind(Secrecy::Private, Trust::InRepo(Unapproved));
pub(super) const FORM: Kind = kind(Secrecy::Form, Trust::Form);
pub(super) const GITHUB: Kind = kind(Secrecy::Public, Trust::InGithub(Approved));
pub(super) const FOUND_GITHUB: Kind = GITHUB.at(Home::Searched);
pub(super) const AT_GITHUB: Kind = GITHUB.at(Home::Github);
pub(super) const MINE: Kind = kind(Secrecy::User, Trust::InGithub(Approved));
pub(super) const NOTICE: Kind = kind(Secrecy::User, Trust::None);
pub(super) const NOTICES: Kind = NOTICE.holds(Shape::Notifications);
pub(super) const GIST_WHOLE: Kind = kind(Secrecy::User, Trust::OfUser(Unapproved));
pub(super) const GIST: Kind = GIST_WHOLE.holds(Shape::Gist);
pub(super) const GISTS: Kind = GIST_WHOLE.holds(Shape::Gists);
pub(super) const PROJECT: Kind = kind(Secrecy::Public, Trust::Project);
pub(super) const BOARD: Kind = PROJECT.holds(Shape::ProjectItems);
pub(super) const KEY: Kind = kind(Secrecy::User, Trust::OfUser(Approved));
pub(super) const SPACE: Kind = KEY.at(Home::User);
pub(super) const SECRET: Kind = vault(true);
pub(super) const VARIABLE: Kind = vault(false);
pub(super) const BANNED: Kind = kind(Secrecy::Repo, Trust::Banned);

const fn vault(is_secret: bool) -> Kind {
    kind(Secrecy::Vault { is_secret }, Trust::Vault { is_secret }).at(Home::Vault { is_secret })
}
