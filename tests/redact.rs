// SPDX-License-Identifier: MIT
//! Nothing of a refused item leaves the gateway, in whatever clothes the answer comes; everything
//! else leaves as it came.
//!
//! Each item of a made-up answer bears a mark that occurs nowhere else. The twin of the redactor is
//! a text that is written without the refused items in the first place.

use penstock::base::Span;
use penstock::policy::guard::redact::{self, Options, Redacted};
use penstock::policy::guard::{Data, Findings, Item, Labels, Object, Paths};
use penstock::wire::json::tree::{self, Node, Value};
use penstock::wire::json::{same, write};
use proptest::prelude::*;

const OPTIONS: Options = Options { removed_max: 100, compat: false };

/// How guards speak of the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Paths,
    Pointers,
    Copies,
    Versions,
}

/// What `structuredContent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Structure {
    Missing,
    Same,
    Wrapped,
    Different,
}

/// What stands around the items.
#[derive(Clone, Copy, Debug)]
enum Around {
    /// All that does in the answer, with this total.
    All(usize),
    /// What holds no content.
    Bare(usize),
}

#[derive(Clone, Debug)]
struct Case {
    /// How each item is spelled, and whether it may be seen.
    items: Vec<(usize, bool)>,
    /// Names on the way to the list.
    way: Vec<&'static str>,
    speech: Speech,
    structure: Structure,
    /// Where the text is cut into two, in percent; at 0 it is not.
    split: usize,
    /// A resource that repeats all items.
    has_echo: bool,
    /// Annotations and `_meta` of the texts.
    is_annotated: bool,
    call_may_be_seen: bool,
    blank: &'static str,
}

fn cases() -> impl Strategy<Value = Case> {
    let way =
        prop::sample::select(vec![vec![], vec!["items"], vec!["a/b", "~"], vec!["data", "é"]]);
    let speech = prop::sample::select(vec![
        Speech::Paths,
        Speech::Pointers,
        Speech::Copies,
        Speech::Versions,
    ]);
    let structure = prop::sample::select(vec![
        Structure::Missing,
        Structure::Same,
        Structure::Wrapped,
        Structure::Different,
    ]);
    let items = prop::collection::vec((0..5_usize, any::<bool>()), 0..8);
    let split = prop_oneof![Just(0), 1..100_usize];
    let blank = prop::sample::select(vec!["", " ", "\n  "]);
    let flags = any::<[bool; 3]>();
    (items, way, speech, structure, split, flags, blank).prop_map(
        |(items, way, speech, structure, split, flags, blank)| Case {
            items,
            way,
            speech,
            structure,
            split,
            has_echo: flags[0],
            is_annotated: flags[1],
            call_may_be_seen: flags[2],
            blank,
        },
    )
}

/// What is no item bears this mark.
const BESIDE: &str = "beside<call>";

fn mark(index: usize) -> String {
    format!("mark<{index}>")
}

/// The JSON of an item.
fn spelled(index: usize, form: usize) -> String {
    let mark = mark(index);
    match form {
        0 => format!("\"{mark}\""),
        1 => format!(r#"{{"id":1e400, "m":"{mark}","n":{{"totalCount":5,"l":[1,[]]}}}}"#),
        2 => format!(r#"["\"\\{mark}\u00e9",-0.0]"#),
        3 => format!(r#"{{"{mark}":null,"{mark}":1.50}}"#),
        _ => format!(r#"{{"m":"\u006d\u0061rk<{index}>"}}"#),
    }
}

impl Case {
    /// The content with those items that `keep` says, and what stands around them.
    fn json(&self, around: Around, keep: impl Fn(bool) -> bool) -> String {
        let kept = self.items.iter().enumerate().filter(|(_, (_, may_be_seen))| keep(*may_be_seen));
        let kept: Vec<String> = kept.map(|(index, (form, _))| spelled(index, *form)).collect();
        let blank = self.blank;
        let mut json = format!("[{blank}{}{blank}]", kept.join(&format!("{blank},")));
        for (n_within, name) in self.way.iter().rev().enumerate() {
            json = match around {
                Around::All(total) => format!(
                    "{{\"x\":1.00,{blank}\"total_count\":{}, \"hasMore\":true,\"pageInfo\":{{\"endCursor\":\"c\",\"z\":\"{BESIDE}\"}},\"{name}\":{json}{blank},\"y\":[\"é\",\"{BESIDE}\"],\"nextCursor\":[\"{BESIDE}\"]}}",
                    if n_within == 0 { total } else { 77 }
                ),
                Around::Bare(total) => format!(
                    "{{{}\"hasMore\":true,\"pageInfo\":{{\"endCursor\":\"c\"}},\"{name}\":{json}}}",
                    if n_within == 0 { format!("\"total_count\":{total},") } else { String::new() }
                ),
            };
        }
        json
    }

    fn pointer(&self) -> String {
        let escaped = self.way.iter().map(|name| name.replace('~', "~0").replace('/', "~1"));
        escaped.fold(String::new(), |pointer, name| pointer + "/" + &name)
    }

    fn result(&self) -> String {
        let json = self.json(Around::All(700), |_| true);
        let cut = (0..=json.len() * self.split / 100).rev().find(|at| json.is_char_boundary(*at));
        let (one, two) = json.split_at(cut.unwrap_or(0));
        let mut texts = Vec::new();
        for text in [one, two].into_iter().filter(|text| !text.is_empty()) {
            let annotations = match self.is_annotated {
                true => format!(r#" "annotations":{{"a":"{BESIDE}"}},"_meta":{{"{BESIDE}":1}},"#),
                false => String::new(),
            };
            let mut item = format!(r#"{{"type":"text",{annotations}"text":"#).into_bytes();
            write::push_str(&mut item, text);
            item.push(b'}');
            texts.push(String::from_utf8(item).expect("it is text"));
        }
        if self.has_echo {
            texts.insert(
                1,
                format!(r#"{{"type":"resource","resource":{{"text":{}}}}}"#, {
                    let mut text = Vec::new();
                    write::push_str(&mut text, &json);
                    String::from_utf8(text).expect("it is text")
                }),
            );
        }
        let structured = match self.structure {
            Structure::Missing => String::new(),
            Structure::Same => format!(",\"structuredContent\":{json}"),
            Structure::Wrapped => format!(",\"structuredContent\": {{\"result\": {json} }}"),
            Structure::Different => format!(",\"structuredContent\":{{\"z\":{json},\"n\":1}}"),
        };
        format!(
            r#"{{ "z":[1.0,2E5,"{BESIDE}"],"content":[{}]{structured}, "isError":false,"_meta":{{"k":"{BESIDE}é"}} }}"#,
            texts.join(", ")
        )
    }

    fn findings(&self) -> Findings {
        let (pointer, object) = (self.pointer(), |index: usize| Object {
            description: if self.items[index].1 { mark(index) } else { "!".to_owned() }.into(),
            labels: Labels::NONE,
        });
        let all = 0..self.items.len();
        if self.speech == Speech::Paths {
            let labelled = all.map(|index| (format!("{pointer}/{index}").into(), object(index)));
            let (labelled, default) = (labelled.collect(), None);
            let items_path = pointer.into();
            return Findings::Paths(Paths { items_path, labelled, default, besides: None });
        }
        let item = |index: usize| Item {
            object: Some(object(index)),
            besides: None,
            data: match self.speech {
                Speech::Pointers => Data::Content(format!("{pointer}/{index}").into()),
                Speech::Copies => {
                    Data::Own(spelled(index, self.items[index].0).into_bytes().into())
                }
                _ => Data::Own(format!("[\"{}\"]", mark(index)).into_bytes().into()),
            },
        };
        Findings::Items(all.map(item).collect())
    }
}

/// Every string and name in `text`, and in JSON within strings, unescaped.
fn strings(text: &[u8], found: &mut Vec<String>) {
    if let Ok(node) = tree::parse(text, 100) {
        walk(&node, found);
    }
}

fn walk(node: &Node, found: &mut Vec<String>) {
    match &node.value {
        Value::String(text) => {
            strings(text.as_bytes(), found);
            found.push(text.clone());
        }
        Value::Array(elements) => elements.iter().for_each(|element| walk(element, found)),
        Value::Object(members) => {
            for (name, value) in members {
                found.push(name.text.clone());
                walk(value, found);
            }
        }
        _ => {}
    }
}

fn occurs(found: &[String], index: usize) -> bool {
    let mark = mark(index);
    found.iter().any(|text| text.contains(&mark))
}

fn judge<'c>(case: &'c Case) -> impl FnMut(&Object) -> Result<(), ()> + 'c {
    |object| match &*object.description {
        "!" => Err(()),
        "call" if !case.call_may_be_seen => Err(()),
        _ => Ok(()),
    }
}

fn check(case: &Case) {
    let (result, findings) = (case.result(), case.findings());
    let call = Object { description: "call".into(), labels: Labels::NONE };
    let left = redact::redact(result.as_bytes(), &findings, &call, &mut judge(case), &OPTIONS)
        .expect("they fit");
    let out = left.result.as_deref().unwrap_or(result.as_bytes());
    let (mut found, n_refused) = (Vec::new(), case.items.iter().filter(|item| !item.1).count());
    strings(out, &mut found);
    strings(texts(&tree::parse(out, 100).expect("it is JSON")).as_bytes(), &mut found);
    if left.is_labelled {
        assert_eq!((left.n_items, left.n_removed), (case.items.len(), n_refused));
    }
    for (index, (_, may_be_seen)) in case.items.iter().enumerate() {
        assert_eq!(occurs(&found, index), *may_be_seen, "{index} in {}", out.escape_ascii());
        assert!(*may_be_seen || !String::from_utf8_lossy(out).contains(&mark(index)));
    }
    if left.is_labelled && !case.call_may_be_seen {
        assert!(!String::from_utf8_lossy(out).contains(BESIDE), "{}", out.escape_ascii());
        assert!(!found.iter().any(|text| text.contains(BESIDE)));
    }
    for removed in &left.removed {
        assert!(occurs(&{ strings_of(left.json(removed)) }, removed.index));
    }
    match case.speech {
        Speech::Versions if left.is_labelled => {}
        // Copies are not looked for deep down, so they stand for the answer.
        Speech::Copies if left.is_labelled && case.way.len() > 1 => {}
        _ => check_frame(case, &left, n_refused),
    }
}

fn strings_of(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    strings(text, &mut found);
    found
}

/// All that is no item is as it was, or is gone if the call may not be seen.
fn check_frame(case: &Case, left: &Redacted<'_, ()>, n_refused: usize) {
    // A guard that has found no items has said nothing.
    let is_closed = left.is_labelled && !case.call_may_be_seen;
    let is_different = case.structure == Structure::Different;
    let has_others = case.has_echo || case.is_annotated || is_different;
    let loses_others = is_closed || (has_others && n_refused > 0);
    assert_eq!(left.lost_others, loses_others);
    let Some(out) = &left.result else {
        return assert!(n_refused == 0 && !loses_others);
    };
    assert!(n_refused > 0 || loses_others);
    let node = tree::parse(out, 100).expect("it is JSON");
    let member = |name: &str| node.get(name).map(|node| node.span.of(out));
    assert_eq!(member("isError"), Some(&b"false"[..]));
    let loses_members = is_closed || is_different;
    let (z, meta) = (format!("[1.0,2E5,\"{BESIDE}\"]"), format!("{{\"k\":\"{BESIDE}é\"}}"));
    assert_eq!(member("z"), (!loses_members).then_some(z.as_bytes()));
    assert_eq!(member("_meta"), (!loses_members).then_some(meta.as_bytes()));
    let text = texts(&node);
    let n_left = case.items.len() - n_refused;
    let around = match (is_closed, n_refused) {
        (true, _) => Around::Bare(n_left),
        (false, 0) => Around::All(700),
        (false, _) => Around::All(n_left),
    };
    let want = case.json(around, |may_be_seen| may_be_seen);
    assert_same(text.as_bytes(), want.as_bytes());
    let structured = node.get("structuredContent").map(|node| node.span.of(out));
    match case.structure {
        Structure::Missing | Structure::Different => assert_eq!(structured, None),
        Structure::Same => assert_same(structured.expect("the twin stays"), want.as_bytes()),
        Structure::Wrapped => {
            assert_same(
                structured.expect("the twin stays"),
                format!("{{\"result\":{want}}}").as_bytes(),
            );
        }
    }
}

/// What the content items of a result say together.
fn texts(result: &Node) -> String {
    let items = result.get("content").and_then(Node::as_array).expect("there is a list");
    items.iter().filter_map(|item| item.get("text")?.as_str()).collect()
}

/// Numbers as they are spelled, members in their order.
#[track_caller]
fn assert_same(one: &[u8], two: &[u8]) {
    let all = |text: &[u8]| Span::new(0, text.len());
    let is_same = same::is_same(one, all(one), two, all(two));
    assert!(is_same, "{}\n{}", one.escape_ascii(), two.escape_ascii());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mark_of_a_refused_item_is_left_and_every_other_one_is(case in cases()) {
        check(&case);
    }
}

#[test]
fn the_samples_of_the_fuzzers_keep_what_the_fuzzers_ask() {
    for (folder, fuzz) in
        [("guard_redact", redact::fuzz as fn(&[u8])), ("json_same", same::fuzz as fn(&[u8]))]
    {
        let samples =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
        for sample in std::fs::read_dir(samples).expect("there are samples") {
            fuzz(&std::fs::read(sample.expect("an entry").path()).expect("it can be read"));
        }
    }
}
