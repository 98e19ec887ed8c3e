// SPDX-License-Identifier: MIT
//! `gh`, as people use it, with the proxy between it and a forge on loopback.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::child::{Process, eventually};
use crate::forge::Forge;
use crate::place::{PENSTOCK, Scratch};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const POLICY: &str = r#"{"allow-only":{"repos":"public","min-integrity":"approved"}}"#;

/// What the forge answers to `gh issue list`.
fn issues() -> String {
    let node = |number: u32, association: &str| {
        format!(
            r#"{{"number":{number},"title":"title {number}","state":"OPEN","updatedAt":"2026-01-01T00:00:00Z","labels":{{"nodes":[],"totalCount":0}},"authorAssociation":"{association}","author":{{"login":"u{number}"}},"url":"https://github.com/acme/web/issues/{number}"}}"#
        )
    };
    let nodes = [node(1, "OWNER"), node(2, "NONE")].join(",");
    format!(
        r#"{{"data":{{"repository":{{"hasIssuesEnabled":true,"issues":{{"totalCount":2,"nodes":[{nodes}],"pageInfo":{{"hasNextPage":false,"endCursor":null}}}}}}}}}}"#
    )
}

fn start(forge: &Forge, folder: &Path) -> (Process, u16) {
    let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
    let mut command = Command::new(PENSTOCK);
    command.args(["proxy", "--tls", "-l", "127.0.0.1:0", "--policy", POLICY]);
    command.args(["--github-api-url", &forge.url()]);
    command.arg("--log-dir").arg(folder.join("logs")).env_clear();
    let proxy = Process::start(&mut command, &stdout, &stderr);
    let port = eventually("the proxy says where it listens", PATIENCE, || {
        let text = fs::read_to_string(&stderr).unwrap();
        let line = text.lines().find(|line| line.contains("Listening:"))?;
        line.rsplit(':').next()?.parse().ok()
    });
    (proxy, port)
}

#[test]
#[ignore = "needs gh"]
fn gh_sees_what_the_policy_allows() {
    if Command::new("gh").arg("--version").output().is_err() {
        println!("gh is not installed: not tried");
        return;
    }
    let (forge, scratch) = (Forge::start(), Scratch::new("proxy-gh"));
    let (_proxy, port) = start(&forge, scratch.path());
    let host = format!("localhost:{port}");
    let gh = |arguments: &[&str]| -> Output {
        let mut command = Command::new("gh");
        command.args(arguments).current_dir(scratch.path());
        command.env("HOME", scratch.path()).env("GH_CONFIG_DIR", scratch.path().join("gh"));
        command.env("SSL_CERT_FILE", scratch.path().join("logs/proxy-tls/ca.crt"));
        command.env("GH_HOST", &host).env("GH_ENTERPRISE_TOKEN", "own").env("GH_TOKEN", "own");
        command.output().unwrap()
    };
    forge.answers_query("__type", r#"{"data":{}}"#);
    forge.answers_query("IssueList", &issues());
    let seen = gh(&["issue", "list", "-R", &format!("{host}/acme/web")]);
    let text = String::from_utf8_lossy(&seen.stdout);
    assert!(text.contains("title 1") && !text.contains("title 2"), "{seen:?}");
    forge.answers("GET /repos/acme/web/issues", r#"[{"number":7,"author_association":"OWNER"}]"#);
    let seen = gh(&["api", "repos/acme/web/issues", "--jq", ".[].number"]);
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "7\n", "{seen:?}");
    let seen = gh(&["api", "repositories/7/issues"]);
    assert!(!seen.status.success(), "{seen:?}");
    assert!(!forge.lines().iter().any(|line| line.contains("repositories/7")));
    let asked = forge.asked();
    assert!(asked.iter().all(|one| one.fields["authorization"] == "token own"), "{asked:?}");
}
