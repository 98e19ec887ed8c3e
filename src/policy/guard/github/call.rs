// SPDX-License-Identifier: MIT
//! A call: the tool, its rules, and what its arguments name.

use super::git_ref::GitRef;
use super::item;
use super::kinds::{Home, Kind, Secrecy, Shape};
use super::plain;
use super::query;
use super::scope::Repo;
use super::tools::{COMPLETE, GET_PROMPT, READ_RESOURCE, Row};
use crate::base::Message;
use crate::policy::guard::{GuardError, Operation};
use crate::wire::json::{Node, Value, tree};

/// How deep arguments and answers may be nested to be understood.
pub(super) const DEPTH_MAX: usize = 128;

/// A call that is judged.
#[derive(Debug)]
pub(super) struct Call {
    /// The tool, as it was called.
    pub tool: Box<str>,
    /// What it does.
    pub operation: Operation,
    /// By which rules.
    pub kind: Kind,
    /// Whether it is judged as the reference would.
    is_compat: bool,
    args: Node,
    /// The file behind the address of a resource.
    file: Option<File>,
}

/// A file as its address names it.
#[derive(Debug)]
struct File {
    owner: Box<str>,
    repo: Box<str>,
    git_ref: Box<str>,
    path: Box<str>,
}

impl Call {
    /// Reads the arguments.
    pub fn new(tool: Box<str>, args: &Message, compat: bool) -> Result<Self, GuardError> {
        let args: &[u8] = if args.is_empty() { b"null" } else { args };
        let bad = |_| GuardError::new("the arguments of the call are not JSON that can be judged");
        let args = tree::parse(args, DEPTH_MAX).map_err(bad)?;
        let Row { operation, mut kind, .. } = Row::of(&tool, compat);
        let args = if compat { args } else { lifted(&tool, args) };
        if !compat {
            plain::check(&tool, &args)?;
        }
        let uri = args.get("uri").and_then(Node::as_str).filter(|_| &*tool == READ_RESOURCE);
        let address = uri.and_then(|uri| uri.strip_prefix("repo://"));
        let file = address.and_then(file_of);
        match (&*tool, address, &file) {
            (READ_RESOURCE, None, _) => kind = Row::of("", compat).kind,
            (READ_RESOURCE, Some(_), None) => kind.secrecy = Secrecy::Private,
            _ => {}
        }
        Ok(Self { tool, operation, kind, is_compat: compat, args, file })
    }

    /// An argument.
    pub fn arg(&self, key: &str) -> Option<&Node> {
        self.args.get(key)
    }

    /// An argument that is a string; empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        self.args.get(key).and_then(Node::as_str).unwrap_or_default()
    }

    /// Whose repository it is about; empty if it does not say.
    pub fn owner(&self) -> &str {
        self.file.as_ref().map_or_else(|| self.text("owner"), |file| &file.owner)
    }

    /// The repository that the arguments name.
    pub fn repo(&self) -> Option<Repo<'_>> {
        let name = self.file.as_ref().map_or_else(|| self.text("repo"), |file| &file.repo);
        let owner = self.owner();
        (!owner.is_empty() && !name.is_empty()).then_some(Repo { owner, name })
    }

    /// The path of the file.
    pub fn path(&self) -> &str {
        self.file.as_ref().map_or_else(|| self.text("path"), |file| &file.path)
    }

    /// From which ref files are read; empty: the default one.
    pub fn git_ref(&self) -> GitRef {
        match (&self.file, self.text("sha")) {
            (Some(file), _) => GitRef::of(&file.git_ref, self.is_compat),
            (None, sha) if !sha.is_empty() && !self.is_compat => GitRef::Loose,
            (None, _) => GitRef::of(self.text("ref"), self.is_compat),
        }
    }

    /// Of which ref a tree is listed.
    pub fn tree(&self) -> GitRef {
        GitRef::of(self.text("tree_sha"), self.is_compat)
    }

    /// Of which ref commits are. For the reference one that is asked for by its hash is of the
    /// default branch.
    pub fn commits(&self) -> GitRef {
        match self.is_compat && self.is_by_hash() {
            true => GitRef::Default,
            false => GitRef::of(self.text("sha"), self.is_compat),
        }
    }

    /// Whether it asks for one commit, by its hash.
    pub fn is_by_hash(&self) -> bool {
        let sha = self.text("sha");
        let is_hash = (7..=40).contains(&sha.len()) && sha.bytes().all(|it| it.is_ascii_hexdigit());
        &*self.tool == "get_commit" && is_hash
    }

    /// The first of these arguments that is a number, in digits.
    pub fn number(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| item::digits(self.args.get(key)?))
    }

    /// The repository that is searched: the first `repo:` of the query, else the arguments'.
    pub fn searched(&self) -> Option<Repo<'_>> {
        self.queried().next().or_else(|| self.repo())
    }

    /// The only repository in which a search can have found anything.
    pub fn surely_searched(&self) -> Option<Repo<'_>> {
        let query = self.text("query");
        match query::place(query) {
            Some((owner, name)) => Some(Repo { owner, name }),
            // Only these tools put the repository of their arguments before the query.
            None if matches!(self.kind.shape, Shape::FoundIssues | Shape::FoundPulls) => {
                self.repo().filter(|_| query::is_placeless(query))
            }
            None => None,
        }
    }

    /// Whether a search names places of which none is sure.
    pub fn searches_widely(&self) -> bool {
        self.surely_searched().is_none() && !query::is_placeless(self.text("query"))
    }

    fn queried(&self) -> impl Iterator<Item = Repo<'_>> {
        let words = self.text("query").split_whitespace();
        words.filter_map(|word| Repo::of(word.strip_prefix("repo:")?.trim_matches('"')))
    }

    /// To whom a secret or variable belongs that is no repository's.
    pub fn organisation(&self) -> &str {
        let keys = ["org", "org_name", "organization", "organization_name", "owner"];
        keys.into_iter().map(|key| self.text(key)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The name of the scope to which the call belongs; empty: to none.
    pub fn home(&self) -> String {
        if let Some(repo) = self.repo() {
            return repo.to_string();
        }
        match self.kind.home {
            Home::Nowhere => String::new(),
            Home::Github => "github".into(),
            Home::User => "user".into(),
            Home::Searched => self.searched().map_or_else(String::new, |repo| repo.to_string()),
            Home::Vault { is_secret } => match self.organisation() {
                "" if is_secret => "user".into(),
                organisation => organisation.into(),
            },
        }
    }

    /// Whether it is asked what people said about a thing, who need not be its author.
    pub fn is_talk(&self) -> bool {
        matches!(self.text("method"), "get_comments" | "get_reviews" | "get_review_comments")
    }

    /// Whether a single thing is asked for, and not one of its lists.
    pub fn is_plain_get(&self) -> bool {
        let method = self.args.get("method");
        method.is_none_or(|method| match &method.value {
            Value::String(method) => method.is_empty() || method == "get",
            _ => true,
        })
    }
}

/// The arguments by which a call is judged. Prompts and completions have theirs deeper; what is
/// still to be completed names nothing yet.
fn lifted(tool: &str, args: Node) -> Node {
    let unsaid = |args: &Node| Node { value: Value::Null, ..args.clone() };
    let inner = match tool {
        GET_PROMPT => args.get("arguments"),
        COMPLETE => args.get("context").and_then(|context| context.get("arguments")),
        _ => return args,
    };
    let open = args.get("argument").and_then(|argument| argument.get("name")?.as_str());
    let inner = inner.filter(|_| tool == GET_PROMPT || !matches!(open, Some("owner" | "repo")));
    inner.cloned().unwrap_or_else(|| unsaid(&args))
}

/// `owner/repo/contents/path`, `owner/repo/refs/heads/main/contents/path`,
/// `owner/repo/sha/0123/contents/path`.
fn file_of(address: &str) -> Option<File> {
    let mut parts = address.splitn(3, '/');
    let (owner, repo) = (parts.next()?, parts.next()?);
    // What is spelled with escapes may be another repository for the server behind us.
    let rest = parts.next().unwrap_or_default();
    if !plain::is_name(owner) || !plain::is_name(repo) || !plain::stays(rest) {
        return None;
    }
    let (git_ref, path) = match rest.strip_prefix("contents") {
        Some(path) => ("", path),
        None => rest.split_once("/contents").unwrap_or((rest, "")),
    };
    let git_ref = git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref);
    let path = path.trim_start_matches('/');
    let [owner, repo, git_ref, path] = [owner, repo, git_ref, path].map(Into::into);
    Some(File { owner, repo, git_ref, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, args: &str) -> Call {
        Call::new(tool.into(), &Message::from(args), false).unwrap()
    }

    #[test]
    fn a_query_names_the_repository_before_the_arguments_do() {
        let searched = |args| call("search_issues", args).searched().map(|repo| repo.to_string());
        assert_eq!(
            searched(r#"{"query":"bug repo:a/b is:open","owner":"c","repo":"d"}"#).unwrap(),
            "a/b"
        );
        assert_eq!(searched(r#"{"query":"bug","owner":"c","repo":"d"}"#).unwrap(), "c/d");
        assert_eq!(searched(r#"{"query":"repo:a repo:/b"}"#), None);
        assert!(call("search_code", r#"{"query":"repo:a/b repo:a/c"}"#).searches_widely());
        assert!(!call("search_code", r#"{"query":"repo:a/b x"}"#).searches_widely());
        assert!(!call("search_code", r#"{"query":"x"}"#).searches_widely());
    }

    #[test]
    fn the_address_of_a_file_names_its_repository_and_ref() {
        let file = |uri: &str| {
            let call = call("resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
            let repo = call.repo().map(|repo| repo.to_string()).unwrap_or_default();
            format!("{repo} {:?} {}", call.git_ref(), call.path())
        };
        assert_eq!(file("repo://a/b/contents/x/y.rs"), "a/b Default x/y.rs");
        assert_eq!(file("repo://a/b/refs/heads/main/contents/x"), "a/b Default x");
        assert_eq!(file("repo://a/b/refs/heads/dev/contents/x"), "a/b Kept x");
        assert_eq!(file("repo://a/b/refs/pull/7/head/contents/x"), "a/b Loose x");
        assert_eq!(file("repo://a/b/sha/0123/contents"), "a/b Loose ");
        assert_eq!(file("repo://a/b"), "a/b Default ");
        assert_eq!(file("repo://a%2Fb/c/contents/x"), " Default ");
        assert_eq!(file("ui://a/b"), " Default ");
    }

    #[test]
    fn an_address_that_hides_its_repository_is_private() {
        let secrecy = |uri: &str| call("resources/read", uri).kind.secrecy;
        assert_eq!(secrecy(r#"{"uri":"repo://a%2fb/c"}"#), Secrecy::Private);
        assert_eq!(
            secrecy(r#"{"uri":"repo://a/c/contents/../../d/contents/x"}"#),
            Secrecy::Private
        );
        assert_eq!(secrecy(r#"{"uri":"repo://a/c/contents/%2e%2e/x"}"#), Secrecy::Private);
        assert_eq!(secrecy(r#"{"uri":"repo://a/c"}"#), Secrecy::File);
        assert_eq!(secrecy(r#"{"uri":"ui://a/c"}"#), Secrecy::Repo);
    }

    #[test]
    fn arguments_that_are_no_object_name_nothing() {
        for args in ["", "null", "[]", "7", r#"{"owner":7,"repo":null}"#] {
            let call = call("get_commit", args);
            assert_eq!((call.repo(), call.home().as_str()), (None, ""), "{args}");
        }
        assert!(Call::new("x".into(), &Message::from("{"), false).is_err());
    }
}
