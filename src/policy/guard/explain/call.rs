// SPDX-License-Identifier: MIT
//! The file that says which call is to be explained.

use crate::base::{Limits, Message};
use crate::policy::guard::{Label, Labels};
use crate::wire::json::{Node, Value, tree};

/// A call as a file describes it.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Who asks; empty: whoever has no key.
    pub agent: Box<str>,
    /// The server.
    pub server: Box<str>,
    /// The tool, without the server's name.
    pub tool: Box<str>,
    /// The arguments as JSON.
    pub args: Message,
    /// What the tool answers, as JSON: the `result` of `tools/call`; `None`: it is not said.
    pub result: Option<Message>,
    /// What the agent carries before its policy is applied.
    pub labels: Labels,
    /// What the tools of the server answer when a guard asks them.
    backend: Vec<(Box<str>, Answers)>,
}

/// The answers of one tool, in the order in which they are given; the last one is given for ever.
/// `None`: the call fails.
#[derive(Clone, Debug)]
struct Answers {
    list: Vec<Option<Message>>,
    next: usize,
}

impl Call {
    /// Reads a file such as
    /// `{"server":"github","tool":"get_me","arguments":{},"result":{…},"backend":{"search":{…}}}`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let root = tree::parse(text, Limits::DEFAULT.json_depth_max)
            .map_err(|error| format!("the call is not JSON: {error}"))?;
        let members = root.as_object().ok_or("the call is not an object")?;
        let mut call = Self { args: Message::copy_of(b"{}"), ..Self::default() };
        for (at, (name, value)) in members.iter().enumerate() {
            let name = &*name.text;
            if members[..at].iter().any(|(other, _)| *other.text == *name) {
                return Err(format!("'{name}' is said twice"));
            }
            match name {
                "agent" => call.agent = text_of(name, value)?,
                "server" => call.server = text_of(name, value)?,
                "tool" => call.tool = text_of(name, value)?,
                "arguments" => call.args = object_of(name, text, value)?,
                "result" => call.result = Some(object_of(name, text, value)?),
                "labels" => call.labels = labels_of(value)?,
                "backend" => call.backend = backend_of(text, value)?,
                _ => {
                    return Err(format!(
                        "'{name}' is unknown; a call has agent, server, tool, arguments, result, \
                         labels and backend"
                    ));
                }
            }
        }
        match (&*call.server, &*call.tool) {
            ("", _) => Err("'server' is missing".to_owned()),
            (_, "") => Err("'tool' is missing".to_owned()),
            _ => Ok(call),
        }
    }

    /// What the server answers when a guard calls `tool`; `None`: the call fails.
    pub fn answer(&mut self, tool: &str) -> Option<Message> {
        let (_, answers) = self.backend.iter_mut().find(|(name, _)| **name == *tool)?;
        let answer = answers.list.get(answers.next).or_else(|| answers.list.last()).cloned();
        answers.next = answers.next.saturating_add(1);
        answer.flatten()
    }
}

fn text_of(name: &str, value: &Node) -> Result<Box<str>, String> {
    value.as_str().map(Into::into).ok_or_else(|| format!("'{name}' is not a string"))
}

fn object_of(name: &str, text: &[u8], value: &Node) -> Result<Message, String> {
    if value.as_object().is_none() {
        return Err(format!("'{name}' is not an object"));
    }
    Ok(Message::copy_of(value.span.of(text)))
}

fn labels_of(value: &Node) -> Result<Labels, String> {
    let mut labels = Labels::NONE;
    for (name, value) in value.as_object().ok_or("'labels' is not an object")? {
        let label = label_of(value).ok_or("a label is a list of strings")?;
        match &*name.text {
            "secrecy" => labels.secrecy = label,
            "integrity" => labels.integrity = label,
            other => return Err(format!("'labels' has secrecy and integrity, not '{other}'")),
        }
    }
    Ok(labels)
}

fn label_of(value: &Node) -> Option<Label> {
    let tags: Option<Vec<&str>> = value.as_array()?.iter().map(Node::as_str).collect();
    Some(Label::new(tags?))
}

fn backend_of(text: &[u8], value: &Node) -> Result<Vec<(Box<str>, Answers)>, String> {
    let members = value.as_object().ok_or("'backend' is not an object")?;
    let answer = |value: &Node| match &value.value {
        Value::Null => Ok(None),
        Value::Object(_) => Ok(Some(Message::copy_of(value.span.of(text)))),
        _ => Err("an answer in 'backend' is an object, or null for a call that fails"),
    };
    let mut backend = Vec::new();
    for (name, value) in members {
        let list = match &value.value {
            Value::Array(elements) => elements.iter().map(answer).collect::<Result<_, _>>()?,
            _ => vec![answer(value)?],
        };
        backend.push((name.text.as_str().into(), Answers { list, next: 0 }));
    }
    Ok(backend)
}

/// Fuzz body: a call that can be read has a server and a tool, and its parts are JSON.
pub fn fuzz(input: &[u8]) {
    let Ok(mut call) = Call::parse(input) else { return };
    assert!(!call.server.is_empty() && !call.tool.is_empty());
    let depth_max = Limits::DEFAULT.json_depth_max;
    let names: Vec<_> = call.backend.iter().map(|(name, _)| name.clone()).collect();
    let answers: Vec<_> = names.iter().filter_map(|name| call.answer(name)).collect();
    let parts = answers.iter().chain(&call.result).chain([&call.args]);
    for part in parts {
        assert!(tree::parse(part.as_bytes(), depth_max).is_ok_and(|it| it.as_object().is_some()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"agent":"ci","server":"github","tool":"list_issues",
        "arguments":{"owner":"acme","n":1.0},"result":{"content":[]},
        "labels":{"secrecy":["private:acme"],"integrity":[]},
        "backend":{"search_repositories":{"content":[1]},"flaky":[null,{"a":2}],"never":[]}}"#;

    #[test]
    fn a_call_is_what_its_file_says() {
        let mut call = Call::parse(FULL.as_bytes()).unwrap();
        assert_eq!((&*call.agent, &*call.server, &*call.tool), ("ci", "github", "list_issues"));
        assert_eq!(call.args.as_bytes(), br#"{"owner":"acme","n":1.0}"#);
        assert_eq!(call.result.as_ref().unwrap().as_bytes(), br#"{"content":[]}"#);
        assert_eq!(call.labels.secrecy.to_string(), "[private:acme]");
        for _ in 0..2 {
            let answer = call.answer("search_repositories").unwrap();
            assert_eq!(answer.as_bytes(), br#"{"content":[1]}"#);
        }
        let answers = [0; 3].map(|_| call.answer("flaky").map(|it| it.as_bytes().to_vec()));
        assert_eq!(answers, [None, Some(br#"{"a":2}"#.to_vec()), Some(br#"{"a":2}"#.to_vec())]);
        assert!(call.answer("never").is_none() && call.answer("unknown").is_none());
    }

    #[test]
    fn little_has_to_be_said() {
        let call = Call::parse(br#"{"server":"s","tool":"t"}"#).unwrap();
        assert_eq!((&*call.agent, call.args.as_bytes()), ("", &b"{}"[..]));
        assert!(call.result.is_none() && call.labels == Labels::NONE);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, want) in [
            ("{", "not JSON"),
            ("[]", "not an object"),
            (r#"{"server":"s"}"#, "'tool' is missing"),
            (r#"{"tool":"t"}"#, "'server' is missing"),
            (r#"{"server":1,"tool":"t"}"#, "'server' is not a string"),
            (r#"{"server":"s","tool":"t","args":{}}"#, "'args' is unknown"),
            (r#"{"server":"s","tool":"t","arguments":[]}"#, "'arguments' is not an object"),
            (r#"{"server":"s","tool":"t","tool":"u"}"#, "'tool' is said twice"),
            (r#"{"server":"s","tool":"t","labels":{"x":[]}}"#, "not 'x'"),
            (r#"{"server":"s","tool":"t","labels":{"secrecy":"x"}}"#, "list of strings"),
            (r#"{"server":"s","tool":"t","backend":{"x":1}}"#, "'backend' is an object"),
        ] {
            let error = Call::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn the_samples_are_calls() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/explain_call");
        let samples: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
        assert!(!samples.is_empty());
        for sample in samples {
            let text = std::fs::read(sample.path()).unwrap();
            assert!(Call::parse(&text).is_ok(), "{:?}", sample.path());
            fuzz(&text);
        }
    }

    #[test]
    fn cutting_a_file_anywhere_does_no_harm() {
        for end in 0..=FULL.len() {
            fuzz(&FULL.as_bytes()[..end]);
        }
    }
}
