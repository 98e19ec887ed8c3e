// SPDX-License-Identifier: MIT
//! `tools.json`: which tools each server offers, under their original names; under which other
//! names they are published, and which are withheld.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Message;
use crate::gateway::io::Withheld;
use crate::observe::redact::Redactor;
use crate::wire::json::{Node, tree, write};

/// Deeper JSON is not accepted from anybody.
const DEPTH_MAX: usize = 512;

/// The tools of all servers that have told them.
#[derive(Debug, Default)]
pub struct Tools {
    servers: BTreeMap<Arc<str>, Vec<Tool>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Tool {
    name: String,
    description: String,
    published: Option<String>,
    unified: Option<String>,
    withheld: Option<String>,
}

/// What a server has told about its tools, and what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listing<'l> {
    /// Arrays of tools in JSON.
    pub pages: &'l [Message],
    /// Original and published names, where they differ for somebody.
    pub renamed: &'l [(Box<str>, Box<str>)],
    /// The same where several servers are one, if that is not `server___name`.
    pub unified: &'l [(Box<str>, Box<str>)],
    /// The tools that are not shown.
    pub withheld: &'l [Withheld],
}

impl Tools {
    /// Replaces the tools of `server` by those in `listing`, and says whether that changed
    /// anything. What is no tool is skipped.
    pub fn set(&mut self, server: &Arc<str>, listing: &Listing<'_>, redactor: &Redactor) -> bool {
        let pages = listing.pages.iter().filter_map(|page| tree::parse(page, DEPTH_MAX).ok());
        let tools: Vec<Tool> = pages.flat_map(|page| read_page(&page, listing, redactor)).collect();
        let changed = self.servers.get(server) != Some(&tools);
        self.servers.insert(Arc::clone(server), tools);
        changed
    }

    /// The whole file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"{\n  \"servers\": {".to_vec();
        for (index, (server, tools)) in self.servers.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"\n    " } else { b",\n    " });
            write::push_str(&mut out, server);
            out.extend_from_slice(b": [");
            for (index, tool) in tools.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
                out.extend_from_slice(b"      {\n        \"name\": ");
                write::push_str(&mut out, &tool.name);
                out.extend_from_slice(b",\n        \"description\": ");
                write::push_str(&mut out, &tool.description);
                for (member, text) in [
                    ("published", &tool.published),
                    ("unified", &tool.unified),
                    ("withheld", &tool.withheld),
                ] {
                    let Some(text) = text else { continue };
                    out.extend_from_slice(format!(",\n        \"{member}\": ").as_bytes());
                    write::push_str(&mut out, text);
                }
                out.extend_from_slice(b"\n      }");
            }
            out.extend_from_slice(if tools.is_empty() { b"]" } else { b"\n    ]" });
        }
        out.extend_from_slice(if self.servers.is_empty() { b"}\n}\n" } else { b"\n  }\n}\n" });
        out
    }
}

fn read_page(page: &Node, listing: &Listing<'_>, redactor: &Redactor) -> Vec<Tool> {
    // Descriptions speak of tokens and passwords without telling any: only what we know to be
    // secret is taken out.
    let clean =
        |text: &str| String::from_utf8_lossy(&redactor.redact_known(text.as_bytes())).into_owned();
    let text = |tool: &Node, key| tool.get(key).and_then(Node::as_str).map(clean);
    let map = |pairs: &'_ [(Box<str>, Box<str>)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(own, name)| (own.to_string(), name.to_string())).collect()
    };
    let (renamed, unified) = (map(listing.renamed), map(listing.unified));
    let withheld: BTreeMap<&str, &str> =
        listing.withheld.iter().map(|one| (&*one.tool, &*one.reason)).collect();
    let tools = page.as_array().unwrap_or_default().iter();
    tools
        .filter_map(|tool| {
            let description = text(tool, "description").unwrap_or_default();
            let own = tool.get("name").and_then(Node::as_str)?;
            Some(Tool {
                name: clean(own),
                description,
                published: renamed.get(own).map(|name| clean(name)),
                unified: unified.get(own).map(|name| clean(name)),
                withheld: withheld.get(own).map(|reason| clean(reason)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_indented_json_of_names_descriptions_and_what_became_of_them() {
        let mut tools = Tools::default();
        assert_eq!(tools.encode(), b"{\n  \"servers\": {}\n}\n");
        let redactor = Redactor::default();
        let github: Arc<str> = "github".into();
        let pages = [
            Message::from(r#"[{"name":"get_issue","description":"Says \"it\"."},7,{"x":1}]"#),
            Message::from(r#"[{"inputSchema":{},"name":"b"}]"#),
            Message::from("no JSON"),
        ];
        let renamed = [("b".into(), "b_12345678".into())];
        let withheld = [Withheld { tool: "b".into(), reason: "it is \"odd\"".into() }];
        let listing =
            Listing { pages: &pages, renamed: &renamed, unified: &[], withheld: &withheld };
        assert!(tools.set(&github, &Listing { pages: &pages, ..Listing::default() }, &redactor));
        assert!(tools.set(&github, &listing, &redactor));
        assert!(!tools.set(&github, &listing, &redactor));
        assert!(tools.set(&"empty".into(), &Listing::default(), &redactor));
        let want = r#"{
  "servers": {
    "empty": [],
    "github": [
      {
        "name": "get_issue",
        "description": "Says \"it\"."
      },
      {
        "name": "b",
        "description": "",
        "published": "b_12345678",
        "withheld": "it is \"odd\""
      }
    ]
  }
}
"#;
        assert_eq!(String::from_utf8(tools.encode()).unwrap(), want);
    }
}
