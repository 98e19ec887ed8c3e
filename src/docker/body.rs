// SPDX-License-Identifier: MIT
//! What the bodies of answers say: ids, exit statuses, lists, and why something was refused.
//!
//! Spec: Docker Engine API, ContainerCreate, ContainerWait, ContainerList, ErrorResponse.

use super::OWNER_LABEL;
use super::owner::Owner;
use crate::wire::json::tree::{self, Node};

/// Bodies are flat; a list holds containers which hold networks.
const DEPTH_MAX: usize = 32;

/// What is shown of a message of the engine, in bytes.
const MESSAGE_BYTES_MAX: usize = 1000;

/// One container of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: Box<str>,
    /// Who started it, if its label can be read.
    pub owner: Option<Owner>,
}

fn parse(body: &[u8]) -> Option<Node> {
    tree::parse(body, DEPTH_MAX).ok()
}

/// The id of a container that was created.
#[must_use]
pub fn created(body: &[u8]) -> Option<Box<str>> {
    id(parse(body)?.get("Id")?)
}

/// An id goes into paths, so that it is nothing but letters and digits.
fn id(node: &Node) -> Option<Box<str>> {
    let id = node.as_str()?;
    let is_sound = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_sound.then(|| id.into())
}

/// The status with which a container exited.
#[must_use]
pub fn exited(body: &[u8]) -> Option<i32> {
    i32::try_from(parse(body)?.get("StatusCode")?.as_i64()?).ok()
}

/// The containers of a list, at most `max` of them.
#[must_use]
pub fn listed(body: &[u8], max: usize) -> Option<Vec<Listed>> {
    let list = parse(body)?;
    let containers = list.as_array()?.iter().filter_map(|container| {
        let label = container.get("Labels").and_then(|labels| labels.get(OWNER_LABEL));
        let owner = label.and_then(Node::as_str).and_then(Owner::parse);
        Some(Listed { id: id(container.get("Id")?)?, owner })
    });
    Some(containers.take(max).collect())
}

/// Why the engine has refused something, on one line: its message, or its status.
#[must_use]
pub fn refusal(status: u16, body: &[u8]) -> String {
    let message = parse(body).and_then(|body| Some(body.get("message")?.as_str()?.to_owned()));
    match message {
        Some(message) if !message.trim().is_empty() => one_line(&message),
        _ => format!("the engine answers {status}"),
    }
}

/// `text` without line ends and control bytes, and not too long.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line: String =
        text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let end = (0..=MESSAGE_BYTES_MAX.min(line.len())).rev().find(|&at| line.is_char_boundary(at));
    line.truncate(end.unwrap_or_default());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_be_paths_are_none() {
        assert_eq!(created(br#"{"Id":"ab12","Warnings":[]}"#).as_deref(), Some("ab12"));
        for body in [r#"{"Id":""}"#, r#"{"Id":"../x"}"#, r#"{"Id":1}"#, "{}", "[", ""] {
            assert_eq!(created(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn an_exit_has_a_status() {
        assert_eq!(exited(br#"{"StatusCode":137,"Error":null}"#), Some(137));
        assert_eq!(exited(br#"{"StatusCode":"1"}"#), None);
        assert_eq!(exited(b"\n"), None);
    }

    #[test]
    fn lists_tell_owners_and_end() {
        let owner = Owner { boot: "b".into(), space: 1, pid: 2, started: 3, container: None };
        let body = format!(
            "[{{\"Id\":\"a1\",\"Labels\":{{\"penstock.owner\":\"{owner}\"}}}},\
             {{\"Id\":\"a2\",\"Labels\":{{}}}},{{\"Id\":\"a3\",\"Labels\":null}},{{\"x\":1}}]"
        );
        let all = listed(body.as_bytes(), 9).expect("a list");
        let ids: Vec<&str> = all.iter().map(|one| &*one.id).collect();
        assert_eq!(ids, ["a1", "a2", "a3"]);
        assert_eq!((&all[0].owner, &all[1].owner), (&Some(owner), &None));
        assert_eq!(listed(body.as_bytes(), 2).map(|list| list.len()), Some(2));
        assert_eq!(listed(b"{}", 2), None);
    }

    #[test]
    fn a_refusal_is_a_short_text() {
        let message = br#"{"message":"client version 1.24 is too old.\nMinimum: 1.44"}"#;
        assert_eq!(refusal(400, message), "client version 1.24 is too old. Minimum: 1.44");
        assert_eq!(refusal(500, b"<html>"), "the engine answers 500");
        assert_eq!(refusal(500, br#"{"message":" "}"#), "the engine answers 500");
        let long = format!("{{\"message\":\"{}\"}}", "é".repeat(2000));
        assert_eq!(refusal(409, long.as_bytes()).len(), 1000);
    }
}
