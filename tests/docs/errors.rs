// SPDX-License-Identifier: MIT
//! `docs/errors.md` says what the code says.

use penstock::gateway::fault::listing::{Row, rows};
use penstock::link::http_server::Violation;
use penstock::wire::http1::Field;
use penstock::wire::http1::chunked::ChunkError;
use penstock::wire::http1::framing::FramingError;
use penstock::wire::http1::head::HeadError;

use crate::markdown::{path, read};

const INTRODUCTION: &str = "\
# Errors

<!-- Generated from src/gateway/fault.rs and src/link/http_server/violation.rs by tests/docs.rs;
     UPDATE_GOLDEN=1 writes it anew. -->

What the gateway says when it cannot do what was asked.
What a server says itself, errors of tools included, is forwarded as it came.

## Requests

A refusal has an HTTP status and, on `/mcp/<server>`, mostly a JSON-RPC error in its body.
\"Code\" is the code of that error, or the word beside `message` in a plain JSON body; without a
code the body is `{\"error\": text}` or the text alone.
Names and numbers in the texts are examples.

Once a session is open, a request that fails at its server has status 200 and the JSON-RPC error of
the table. The same holds for every error in a batch or on an event stream; there, errors without a
number have -32000.

An error that is a server's doing has `data: {server, detail}`; the detail holds the exit status,
the last lines of stderr, or the system's words.
Refusals because the gateway is full, busy or about to stop carry `Retry-After`; 405 carries
`Allow`.

";

const CONNECTIONS: &str = "
## Connections

A client that breaks HTTP is told so with `{\"error\": code, \"message\": text}`, and its connection
is closed. A client that stops reading, or leaves inside a body, is told nothing.

";

#[test]
fn the_list_of_errors_is_current() {
    let mut want = String::from(INTRODUCTION);
    table(&mut want, rows().iter().map(said));
    want.push_str(CONNECTIONS);
    table(&mut want, violations().iter().map(broken));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path("docs/errors.md"), &want).unwrap();
    }
    let is_current = read("docs/errors.md") == want;
    assert!(is_current, "docs/errors.md is old; run this test with UPDATE_GOLDEN=1");
}

fn table(out: &mut String, lines: impl Iterator<Item = [String; 3]>) {
    out.push_str("| status | code | text |\n|---|---|---|\n");
    for [status, code, text] in lines {
        let text = text.replace('|', "\\|");
        out.push_str(&format!("| {status} | {code} | {text} |\n"));
    }
}

fn said(row: &Row) -> [String; 3] {
    let code = if row.code.is_empty() { String::new() } else { format!("`{}`", row.code) };
    [row.status.to_string(), code, row.text.clone()]
}

fn broken(violation: &Violation) -> [String; 3] {
    let refusal = violation.refusal().expect("only violations with a refusal are listed");
    [refusal.status.to_string(), format!("`{}`", refusal.code), refusal.message.into_owned()]
}

fn violations() -> Vec<Violation> {
    let framing = [
        FramingError::LengthAndCoding,
        FramingError::LengthRepeated,
        FramingError::LengthNotDecimal,
        FramingError::CodingRepeated,
        FramingError::CodingInOldVersion,
        FramingError::CodingMalformed,
        FramingError::CodingUnknown,
    ];
    let head = [
        HeadError::LineEnd,
        HeadError::RequestLine,
        HeadError::Target,
        HeadError::FieldName,
        HeadError::FieldValue,
        HeadError::Repeated(Field::Authorization),
        HeadError::RepeatedParam,
        HeadError::HostMissing,
        HeadError::Host,
    ];
    let long = [
        HeadError::TargetTooLong,
        HeadError::Expectation,
        HeadError::HeadTooLong,
        HeadError::TooManyFields,
        HeadError::Version,
    ];
    let chunk = [
        ChunkError::BadSize,
        ChunkError::BadExtension,
        ChunkError::BadLineEnd,
        ChunkError::BadTrailer,
        ChunkError::LineTooLong,
        ChunkError::TooManyTrailers,
        ChunkError::TooMuchOverhead,
    ];
    let bytes_max = penstock::base::Limits::DEFAULT.message_bytes_max;
    let body = [
        Violation::HeadTimedOut,
        Violation::BodyTimedOut,
        Violation::BodyTooLong { bytes_max },
        Violation::Upgrade,
    ];
    let heads = head.into_iter().chain(framing.map(HeadError::Framing)).map(Violation::Head);
    let chunks = chunk.into_iter().map(Violation::Chunk);
    heads.chain(chunks).chain(body).chain(long.into_iter().map(Violation::Head)).collect()
}
