// SPDX-License-Identifier: MIT
//! Messages of a wanted length: calls, lists of tools, results.

use penstock::wire::json::write;

/// A call with several members and a text.
pub fn call(bytes: usize) -> Vec<u8> {
    let text = |len: usize| "lorem ipsum dolor sit amet ".repeat(len / 27 + 1)[..len].to_owned();
    let build = |len: usize| {
        let mut out = Vec::new();
        write::object(&mut out, |message| {
            message.str("jsonrpc", "2.0").u64("id", 42).str("method", "tools/call");
            message.object("params", |params| {
                params.str("name", "github___search_code");
                params.object("arguments", |arguments| {
                    arguments
                        .str("query", "repo:penstock fn parse")
                        .u64("page", 3)
                        .u64("perPage", 50);
                    arguments.bool("archived", false).str("note", &text(len));
                });
                params.object("_meta", |meta| _ = meta.str("progressToken", "p-42"));
            });
        });
        out
    };
    build(bytes - build(0).len())
}

/// A list of tools with their schemas.
pub fn tools_list(bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    write::object(&mut out, |message| {
        message.str("jsonrpc", "2.0").u64("id", 42).object("result", |result| {
            result.array("tools", |tools| {
                for number in 0..bytes / 430 {
                    tools.object(|tool| {
                        tool.str("name", &format!("search_things_{number}"));
                        tool.str("description", "Searches for things.\nGives a \"page\" of them.");
                        tool.object("inputSchema", |schema| {
                            schema.str("type", "object").object("properties", |all| {
                                for name in ["query", "owner", "page", "perPage"] {
                                    all.object(name, |one| {
                                        one.str("type", "string").str("description", "What it is");
                                    });
                                }
                            });
                            schema.array("required", |all| _ = all.str("query").str("owner"));
                        });
                    });
                }
            });
        });
    });
    out
}
