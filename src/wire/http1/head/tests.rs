// SPDX-License-Identifier: MIT
//! Tests of heads.

use super::*;

fn read(text: &str) -> Result<Request, HeadError> {
    fuzz(text.as_bytes());
    match HeadScan::default().find_end(text.as_bytes(), 512)? {
        Some(end) => parse(&text.as_bytes()[..end], 16),
        None => panic!("{text:?} does not end"),
    }
}

#[track_caller]
fn check(text: &str, want: HeadError) {
    assert_eq!(read(text).map(|request| request.head), Err(want), "{text:?}");
}

impl PartialEq for RequestHead {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.target == other.target && self.known == other.known
    }
}

#[test]
fn a_head_is_read_as_spans() {
    let request = read(concat!(
        "POST /mcp/a?b=c HTTP/1.1\r\nhost: localhost:8000\r\nContent-Length: 12\r\n",
        "ACCEPT: \t application/json \r\nMCP-Session-Id:x\r\nX-Other: é\r\n",
        "Expect: 100-Continue\r\nOrigin:\r\n\r\nbody",
    ))
    .unwrap();
    let head = &request.head;
    assert_eq!(head.method, Method::Post);
    assert_eq!(head.path(), b"/mcp/a");
    assert_eq!(head.target.of(&head.bytes), b"/mcp/a?b=c");
    assert_eq!(head.field(Field::Host), Some(b"localhost:8000".as_slice()));
    assert_eq!(head.field(Field::Accept), Some(b"application/json".as_slice()));
    assert_eq!(head.field(Field::McpSessionId), Some(b"x".as_slice()));
    assert_eq!(head.field(Field::Origin), Some(b"".as_slice()));
    assert_eq!(head.field(Field::Authorization), None);
    assert_eq!(request.framing, Framing::Length(12));
    assert_eq!(request.expects, Expectation::Continue);
    assert!(request.persists && request.version == Version::Http11);
}

#[test]
fn repeated_accept_is_joined() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\nAccept:\r\nAccept: c\r\n\r\n";
    assert_eq!(read(text).unwrap().head.field(Field::Accept), Some(b"b, , c".as_slice()));
}

#[test]
fn absolute_form_is_reduced_and_brings_its_host() {
    #[track_caller]
    fn check(line: &str, host: &str, target: &str) {
        let request = read(&format!("{line} HTTP/1.1\r\nHost: ours\r\nAccept: x\r\n\r\n")).unwrap();
        let head = request.head;
        assert_eq!(head.target.of(&head.bytes), target.as_bytes(), "{line}");
        assert_eq!(head.field(Field::Host), Some(host.as_bytes()), "{line}");
    }
    check("GET http://theirs:1/a?b", "theirs:1", "/a?b");
    check("GET http://theirs", "theirs", "/");
    check("GET https://theirs?b=/c", "theirs", "/?b=/c");
    check("OPTIONS http://theirs", "theirs", "*");
    check("OPTIONS *", "ours", "*");
    check("GET /a//b/../c", "ours", "/a//b/../c");
}

#[test]
fn old_requests_need_no_host_and_do_not_persist() {
    let request = read("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert!(!request.persists && request.expects == Expectation::None);
    assert!(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().persists);
}

#[test]
fn an_end_is_found_wherever_the_input_is_cut() {
    let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
    let mut scan = HeadScan::default();
    for end in 0..text.len() {
        let want = (end >= 27).then_some(27);
        assert_eq!(scan.find_end(&text[..end], 512), Ok(want));
        if want.is_some() {
            break;
        }
    }
}

#[test]
fn line_ends_are_crlf() {
    check("GET / HTTP/1.1\nHost: a\r\n\r\n", HeadError::LineEnd);
    check("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadError::LineEnd);
    check("GET / HTTP/1.1\r\nHost: a\r\n\n", HeadError::LineEnd);
    check("GET / HTTP/1.1\rHost: a\r\n\r\n", HeadError::LineEnd);
    check("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", HeadError::FieldValue);
}

#[test]
fn too_long_and_too_many_are_refused() {
    let long = "x".repeat(600);
    check(&long, HeadError::RequestLine);
    check(&format!("GET /{long}"), HeadError::TargetTooLong);
    check(&format!("GET / HTTP/1.1\r\nX: {long}"), HeadError::HeadTooLong);
    let many = "X: y\r\n".repeat(17);
    check(&format!("GET / HTTP/1.1\r\n{many}\r\n"), HeadError::TooManyFields);
    let fields = "X: y\r\n".repeat(15);
    assert!(read(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).is_ok());
}

#[test]
fn only_two_versions_are_spoken() {
    for other in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9"] {
        check(&format!("GET / {other}\r\nHost: a\r\n\r\n"), HeadError::Version);
    }
    for bad in ["http/1.1", "HTTP/11", "HTTP/1.", "HTTP/1.10", "ICY/1.0", "", "x HTTP/1.1"] {
        let want = if bad == "HTTP/1.10" { HeadError::LineEnd } else { HeadError::RequestLine };
        check(&format!("GET / {bad}\r\nHost: a\r\n\r\n"), want);
    }
}

#[test]
fn fields_that_mirror_arguments_are_handed_on() {
    let request = read(concat!(
        "POST / HTTP/1.1\r\nHost: a\r\nmcp-method: tools/call\r\nMCP-NAME:  get x\t\r\n",
        "Mcp-Param-Region: \teu \r\nMCP-PARAM-n:\r\nMcp-Param-: no\r\n\r\n",
    ));
    let head = request.unwrap().head;
    assert_eq!(head.field(Field::McpMethod), Some(b"tools/call".as_slice()));
    assert_eq!(head.field(Field::McpName), Some(b"get x".as_slice()));
    let params: Vec<_> = head.param_messages().collect();
    assert_eq!(params, [("Region", Message::from("eu")), ("n", Message::default())]);
    let mut many = "POST / HTTP/1.1\r\nHost: a\r\n".to_owned();
    (0..16).for_each(|n| many.push_str(&format!("Mcp-Param-{n}: x\r\n")));
    check(&format!("{many}\r\n"), HeadError::TooManyFields);
}

#[test]
fn an_argument_is_mirrored_once() {
    let twice = "Mcp-Param-A: 1\r\nMCP-PARAM-a: 1\r\n";
    check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{twice}\r\n"), HeadError::RepeatedParam);
    let twice = "Mcp-Name: 1\r\nMcp-Name: 1\r\n";
    check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{twice}\r\n"), {
        HeadError::Repeated(Field::McpName)
    });
}
