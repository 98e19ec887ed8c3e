// SPDX-License-Identifier: MIT
//! What a workflow in a public repository forces on policies: nothing private is read, and nothing
//! secret is written where everybody can read it.
//!
//! A policy only becomes stricter here. Who cannot be asked forces nothing.

use super::rule::{AllowOnly, Level, Policy, Repos, Visibility};
use crate::wire::json::tree;

/// Deeper answers of the forge are not looked into.
const DEPTH_MAX: usize = 16;

/// The repository that a workflow runs for, if there is one and somebody could be asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// `owner/repo`.
    pub repo: Box<str>,
    /// Who can read it; `None`: the forge did not tell.
    pub visibility: Option<Visibility>,
}

impl Workflow {
    fn is_public(&self) -> bool {
        self.visibility == Some(Visibility::Public)
    }
}

/// Who can read a repository, from what the forge says of it.
#[must_use]
pub fn parse_visibility(json: &[u8]) -> Option<Visibility> {
    let node = tree::parse(json, DEPTH_MAX).ok()?;
    let said = node.get("visibility").and_then(|said| said.as_str()).and_then(Visibility::of);
    said.or_else(|| match node.get("private")?.as_bool()? {
        true => Some(Visibility::Private),
        false => Some(Visibility::Public),
    })
}

/// A policy that a public workflow may have, and a line about it if that is another one.
///
/// `is_global`: it is the policy for all servers.
#[must_use]
pub fn public_repos(
    policy: Option<Policy>,
    workflow: Option<&Workflow>,
    is_global: bool,
) -> (Option<Policy>, Option<String>) {
    let Some(workflow) = workflow.filter(|workflow| workflow.is_public()) else {
        return (policy, None);
    };
    let rule = match policy {
        Some(Policy::WriteSink(_)) => return (policy, None),
        Some(Policy::AllowOnly(rule)) => AllowOnly { repos: Repos::Public, ..rule },
        None => AllowOnly::new(Repos::Public, Level::None),
    };
    let line = format!(
        "FORCED REPOS=PUBLIC: workflow repo {} is public — overriding allow-only scope to 'public' \
         to prevent private data reads{}",
        workflow.repo,
        if is_global { " (source: global policy)" } else { "" }
    );
    (Some(Policy::AllowOnly(rule)), Some(line))
}

/// Whether public repositories are forced: unless the configuration or, in its silence, the
/// variable says no. With `compat`, either can.
#[must_use]
pub fn is_forced(configured: Option<bool>, variable: Option<bool>, compat: bool) -> bool {
    match configured {
        Some(true) if compat => variable.unwrap_or(true),
        Some(is_on) => is_on,
        None => variable.unwrap_or(true),
    }
}

/// The servers without the default visibility of sinks.
#[derive(Clone, Copy, Debug)]
pub struct Exempt<'e> {
    /// `forcePublicRepos` as it is configured.
    pub force_public_repos: Option<bool>,
    /// `sinkVisibilityExemptServers`.
    pub servers: &'e [Box<str>],
}

impl Exempt<'_> {
    /// Whether this server is one of them.
    #[must_use]
    pub fn holds(&self, server: &str) -> bool {
        self.force_public_repos == Some(false)
            || self.servers.iter().any(|one| **one == *"*" || **one == *server)
    }

    /// Lines about names that no server has.
    #[must_use]
    pub fn unknown(&self, servers: &[&str]) -> Vec<String> {
        let names = self.servers.iter().map(|one| &**one);
        let unknown = names.filter(|one| *one != "*" && !servers.contains(one));
        let line = |one| {
            format!(
                "sinkVisibilityExemptServers contains unknown server ID \"{one}\" — ignoring (not \
                 in mcpServers config)"
            )
        };
        unknown.map(line).collect()
    }
}

/// Who can read what is written to the sink `server`, and lines about it. Nobody is shut
/// out by that: it only says how many may be reading.
#[must_use]
pub fn sink_visibility(
    server: &str,
    configured: Option<Visibility>,
    exempt: Exempt<'_>,
    workflow: Option<&Workflow>,
) -> (Option<Visibility>, Vec<String>) {
    let is_safe_outputs = ["safe-outputs", "safeoutputs"].contains(&server);
    let Some(said) = configured else {
        let is_public = workflow.is_some_and(Workflow::is_public);
        return match () {
            () if !is_safe_outputs && !exempt.holds(server) => {
                (Some(Visibility::Public), vec![DEFAULTING.to_owned()])
            }
            () if is_safe_outputs && is_public => {
                (Some(Visibility::Public), vec![SAFETY_NET.to_owned()])
            }
            () => (None, Vec::new()),
        };
    };
    let Some(workflow) = workflow else { return (configured, Vec::new()) };
    let (repo, word) = (&workflow.repo, said.as_str());
    match workflow.visibility {
        None => (
            configured,
            vec![format!(
                "Sink visibility runtime verification failed (using configured value \"{word}\"): \
                 API error or unavailable"
            )],
        ),
        Some(Visibility::Public) if said != Visibility::Public => (
            Some(Visibility::Public),
            vec![format!(
                "SINK VISIBILITY OVERRIDE: configured=\"{word}\" but runtime check shows repo \
                 {repo} is \"public\" — overriding to \"public\" to prevent potential data \
                 exfiltration"
            )],
        ),
        Some(actual) => (
            configured,
            vec![format!(
                "Sink visibility runtime verification passed: repo={repo}, configured=\"{word}\", \
                 actual=\"{}\"",
                actual.as_str()
            )],
        ),
    }
}

const DEFAULTING: &str = "Defaulting sink-visibility to \"public\" for non-safe-outputs write-sink \
                          server (security-by-default)";

const SAFETY_NET: &str = "SAFE-OUTPUTS SAFETY NET: no sink-visibility configured but workflow repo \
                          is public — forcing sink-visibility=\"public\" to prevent data \
                          exfiltration";

#[cfg(test)]
mod tests {
    use super::*;
    use Visibility::{Internal, Private, Public};

    fn workflow(visibility: impl Into<Option<Visibility>>) -> Workflow {
        Workflow { repo: "acme/web".into(), visibility: visibility.into() }
    }

    fn policy(text: &str) -> Policy {
        Policy::parse(text.as_bytes()).unwrap()
    }

    fn json(policy: Option<Policy>) -> String {
        String::from_utf8(policy.unwrap().to_json()).unwrap()
    }

    const NOBODY: Exempt<'static> = Exempt { force_public_repos: None, servers: &[] };

    #[test]
    fn t_ws_004_a_public_workflow_reads_public_repositories_alone() {
        let public = workflow(Public);
        let said = policy(
            r#"{"allow-only":{"repos":"all","min-integrity":"merged","blocked-users":["x"]}}"#,
        );
        let (forced, line) = public_repos(Some(said.clone()), Some(&public), false);
        assert_eq!(
            json(forced),
            r#"{"allow-only":{"repos":"public","min-integrity":"merged","blocked-users":["x"]}}"#
        );
        assert_eq!(
            line.unwrap(),
            "FORCED REPOS=PUBLIC: workflow repo acme/web is public — overriding allow-only scope \
             to 'public' to prevent private data reads"
        );
        let (forced, line) = public_repos(None, Some(&public), true);
        assert_eq!(json(forced), r#"{"allow-only":{"repos":"public","min-integrity":"none"}}"#);
        assert!(line.unwrap().ends_with("reads (source: global policy)"));
        let sink = policy(r#"{"write-sink":{"accept":["*"]}}"#);
        assert_eq!(public_repos(Some(sink.clone()), Some(&public), false), (Some(sink), None));
        for other in [Some(workflow(Private)), Some(workflow(Internal)), Some(workflow(None)), None]
        {
            let kept = public_repos(Some(said.clone()), other.as_ref(), false);
            assert_eq!(kept, (Some(said.clone()), None));
        }
    }

    #[test]
    fn t_ws_005_forcing_can_be_turned_off() {
        let check = |configured, variable, want: bool| {
            assert_eq!(is_forced(configured, variable, false), want, "{configured:?} {variable:?}");
        };
        check(None, None, true);
        check(None, Some(false), false);
        check(Some(false), Some(true), false);
        check(Some(true), Some(false), true);
        assert!(!is_forced(Some(true), Some(false), true));
        let off = Exempt { force_public_repos: Some(false), ..NOBODY };
        assert_eq!(sink_visibility("notes", None, off, None), (None, vec![]));
        let names = ["notes".into()];
        let listed = Exempt { servers: &names, ..NOBODY };
        assert_eq!(sink_visibility("notes", None, listed, None).0, None);
        assert_eq!(sink_visibility("other", None, listed, None).0, Some(Public));
        assert!(Exempt { servers: &["*".into()], ..NOBODY }.holds("anything"));
        assert_eq!(
            listed.unknown(&["github"]),
            [
                "sinkVisibilityExemptServers contains unknown server ID \"notes\" — ignoring (not in \
              mcpServers config)"
            ]
        );
    }

    #[test]
    fn t_ws_006_a_public_repository_makes_its_sinks_public() {
        let public = workflow(Public);
        for said in [Private, Internal] {
            let (settled, lines) = sink_visibility("notes", Some(said), NOBODY, Some(&public));
            assert_eq!(settled, Some(Public));
            let word = said.as_str();
            assert_eq!(
                lines,
                [format!(
                    "SINK VISIBILITY OVERRIDE: configured=\"{word}\" but runtime check shows repo \
                     acme/web is \"public\" — overriding to \"public\" to prevent potential data \
                     exfiltration"
                )]
            );
        }
        for name in ["safe-outputs", "safeoutputs"] {
            let (settled, lines) = sink_visibility(name, None, NOBODY, Some(&public));
            assert_eq!((settled, &*lines[0]), (Some(Public), SAFETY_NET));
            assert_eq!(sink_visibility(name, None, NOBODY, Some(&workflow(Private))).0, None);
        }
    }

    #[test]
    fn t_ws_007_nothing_is_checked_where_nobody_can_be_asked() {
        assert_eq!(sink_visibility("notes", Some(Private), NOBODY, None), (Some(Private), vec![]));
        assert_eq!(sink_visibility("safeoutputs", None, NOBODY, None), (None, vec![]));
        let (settled, lines) = sink_visibility("notes", None, NOBODY, None);
        assert_eq!((settled, &*lines[0]), (Some(Public), DEFAULTING));
        let (settled, lines) =
            sink_visibility("notes", Some(Private), NOBODY, Some(&workflow(None)));
        assert_eq!(settled, Some(Private));
        assert_eq!(
            lines,
            ["Sink visibility runtime verification failed (using configured value \"private\"): \
              API error or unavailable"]
        );
    }

    #[test]
    fn t_ws_008_visibility_is_never_relaxed() {
        for actual in [Some(Public), Some(Internal), Some(Private), None] {
            let (settled, _) =
                sink_visibility("notes", Some(Public), NOBODY, Some(&workflow(actual)));
            assert_eq!(settled, Some(Public), "{actual:?}");
        }
        let (settled, lines) =
            sink_visibility("notes", Some(Internal), NOBODY, Some(&workflow(Private)));
        assert_eq!(settled, Some(Internal));
        assert_eq!(
            lines,
            ["Sink visibility runtime verification passed: repo=acme/web, \
              configured=\"internal\", actual=\"private\""]
        );
    }

    #[test]
    fn the_forge_says_who_can_read() {
        let check = |json: &str, want: Option<Visibility>| {
            assert_eq!(parse_visibility(json.as_bytes()), want, "{json}");
        };
        check(r#"{"private":true,"visibility":"internal"}"#, Some(Internal));
        check(r#"{"private":false}"#, Some(Public));
        check(r#"{"private":true,"visibility":"unknown"}"#, Some(Private));
        check(r#"{"visibility":7}"#, None);
        check(r#"{}"#, None);
        check("[", None);
    }
}
