// SPDX-License-Identifier: MIT
//! What clients and servers say in these stories: messages with places for an id (`#`) and for a
//! progress token (`@`), and perhaps a slip of the tongue.

use super::script::Script;
use crate::base::Message;

/// What clients say. The first four open sessions.
const CLIENT: &[&str] = &[
    r##"{"jsonrpc":"2.0","id":#,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{"sampling":{}},"clientInfo":{"name":"c","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"initialize","params":{"protocolVersion":"1999-01-01","capabilities":{}}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/initialized"}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"now"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":@}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/list"}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":#}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"roots":[]}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":1,"message":"no"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"##,
    "{ \"method\" : \"a/b\",\r\n\"id\":#,\n \"jsonrpc\":\"2.0\" ,\"params\":{\"_meta\":{\"progressToken\": @ }}}",
    r##"[{"jsonrpc":"2.0","id":#,"method":"ping"},{"jsonrpc":"2.0","id":@,"method":"tools/list"}]"##,
    r##"[{"jsonrpc":"2.0","id":#,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":#}}]"##,
    r##"[{"jsonrpc":"2.0","id":#,"result":{}},{"jsonrpc":"2.0","method":"n"}]"##,
    r##"[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","method":"c"}]"##,
    r##"[{"jsonrpc":"2.0","id":#,"method":"initialize","params":{}}]"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"initialize"}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"child___now","_meta":{"progressToken":@}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"shared___now"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"resources/read","params":{"uri":"x://1"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"logging/setLevel","params":{"level":"info"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"now","task":{"ttl":#},"_meta":{"progressToken":@}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tasks/list"}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"tasks/result","params":{"taskId":"1"}}"##,
    "[]",
    "{}",
    "",
    "{",
];

/// What servers say. The first five may answer `initialize`.
const SERVER: &[&str] = &[
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2024-11-05","capabilities":{}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2025-03-26","capabilities":{"tools":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"1999-01-01"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"tools":[{"name":"now"},{"name":"y"}]}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"tools":[],"nextCursor":"c"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"tools":7}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":-32000,"message":"no"}}"##,
    r##"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Session not found"}}"##,
    r##"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"sampling/createMessage","params":{}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":#,"progress":1}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":@,"progress":1}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":@}}"##,
    r##"[{"jsonrpc":"2.0","id":#,"result":{}},{"jsonrpc":"2.0","method":"n"}]"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"task":{"taskId":"1","status":"working"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"content":[],"isError":true}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"1","status":"failed"}}"##,
    "/messages?s=1",
    "//elsewhere/m",
    "{}",
    "[",
];

/// Ids and tokens as clients and servers spell them.
const IDS: &[&str] =
    &["1", "2", "\"a\"", "\"\\u0061\"", "0", "18446744073709551615", "-1", "null", "1.5", "{}"];

/// A message of a client, and whether it may open a session.
pub fn client(script: &mut Script<'_>) -> Message {
    let phrase = script.one_of(CLIENT).copied().unwrap_or_default();
    let id = script.one_of(IDS).copied().unwrap_or_default();
    spoken(phrase, id, script)
}

/// A message of a server; `known` are ids that it was sent.
pub fn server(script: &mut Script<'_>, known: &[String]) -> Message {
    let phrase = script.one_of(SERVER).copied().unwrap_or_default();
    let id = match script.below(3) {
        0 => script.one_of(IDS).copied().unwrap_or_default().to_owned(),
        _ => script.one_of(known).cloned().unwrap_or_default(),
    };
    spoken(phrase, &id, script)
}

/// The answer that a well-behaved server gives to `method`.
pub fn good_answer(method: &str, id: &str) -> Message {
    let phrase = match method {
        "initialize" => SERVER[0],
        "tools/list" => SERVER[5],
        _ => SERVER[4],
    };
    phrase.replace('#', id).as_str().into()
}

/// Fills the places; one time in four, one byte comes out wrong.
fn spoken(phrase: &str, id: &str, script: &mut Script<'_>) -> Message {
    let mut text = phrase.replace('#', id);
    let choice = usize::from(script.byte());
    if text.contains('@') {
        text = text.replace('@', IDS[choice / 4 % IDS.len()]);
    }
    let mut bytes = text.into_bytes();
    if choice % 4 == 3 && !bytes.is_empty() {
        let at = script.below(bytes.len());
        bytes[at] = script.byte();
    }
    Message::new(bytes)
}
