// SPDX-License-Identifier: MIT
//! The document on stdout: what a client has to be told to reach every configured server.
//!
//! Spec: the written gateway specification, "Operation"; sorted keys, two blanks of indentation.

use std::net::IpAddr;

use crate::config::ClientConfigFacts;
use crate::wire::json::write::push_str;

/// The document, with a line end. `listen` is the address as it was configured, `port` the real
/// one.
#[must_use]
pub fn document(facts: &ClientConfigFacts, listen: &str, port: u16) -> String {
    let host = host_of(listen);
    let mut servers: Vec<_> = facts.servers.iter().collect();
    servers.sort_by(|one, other| one.name.cmp(&other.name));
    let agent = facts.agent.as_ref().map(|key| String::from_utf8_lossy(key.expose()).into_owned());
    let mut out = String::from("{\n  \"mcpServers\": {");
    for (server, n) in servers.iter().zip(0..) {
        out.push_str(if n > 0 { ",\n    " } else { "\n    " });
        out.push_str(&format!("{}: {{\n", quoted(&server.name)));
        if let Some(agent) = &agent {
            let key = quoted(agent);
            out.push_str(&format!(
                "      \"headers\": {{\n        \"Authorization\": {key}\n      }},\n"
            ));
        }
        if !server.tools.is_empty() {
            let tools: Vec<_> =
                server.tools.iter().map(|tool| format!("        {}", quoted(tool))).collect();
            out.push_str(&format!("      \"tools\": [\n{}\n      ],\n", tools.join(",\n")));
        }
        // Where all are one, each entry says so: whoever reads it takes the address of any.
        let path = if facts.unified { String::new() } else { format!("/{}", server.name) };
        let url = quoted(&format!("http://{host}:{port}/mcp{path}"));
        out.push_str(&format!("      \"type\": \"http\",\n      \"url\": {url}\n    }}"));
    }
    out.push_str(if servers.is_empty() { "}\n}\n" } else { "\n  }\n}\n" });
    out
}

/// The host of `host:port` as a client on this machine reaches it.
fn host_of(listen: &str) -> String {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ if bare.is_empty() => "127.0.0.1".to_owned(),
        _ => bare.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    push_str(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::config::ClientServer;

    #[test]
    fn every_server_is_listed_under_the_real_port() {
        let server = |name: &str, tools: &[&str]| ClientServer {
            name: name.into(),
            tools: tools.iter().map(|&tool| tool.into()).collect(),
        };
        let facts = ClientConfigFacts {
            agent: Some(Secret::new(b"k\"ey")),
            servers: vec![server("github", &["get_issue", "x"]), server("a", &[])],
            unified: false,
        };
        let want = r#"{
  "mcpServers": {
    "a": {
      "headers": {
        "Authorization": "k\"ey"
      },
      "type": "http",
      "url": "http://127.0.0.1:8080/mcp/a"
    },
    "github": {
      "headers": {
        "Authorization": "k\"ey"
      },
      "tools": [
        "get_issue",
        "x"
      ],
      "type": "http",
      "url": "http://127.0.0.1:8080/mcp/github"
    }
  }
}
"#;
        assert_eq!(document(&facts, "0.0.0.0:0", 8080), want);
        assert_eq!(
            document(&ClientConfigFacts::default(), ":1", 1),
            "{\n  \"mcpServers\": {}\n}\n"
        );
    }

    #[test]
    fn a_wildcard_is_no_address_to_connect_to() {
        for (listen, host) in [
            ("0.0.0.0:80", "127.0.0.1"),
            ("[::]:80", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("localhost:80", "localhost"),
            ("10.0.0.1:80", "10.0.0.1"),
        ] {
            assert_eq!(host_of(listen), host);
        }
    }

    #[test]
    fn where_all_servers_are_one_every_entry_has_its_address() {
        let server = ClientServer { name: "a".into(), tools: Vec::new() };
        let facts = ClientConfigFacts { agent: None, servers: vec![server], unified: true };
        let document = document(&facts, "0.0.0.0:3000", 8080);
        assert!(document.contains("\"url\": \"http://127.0.0.1:8080/mcp\"\n"), "{document}");
    }
}
