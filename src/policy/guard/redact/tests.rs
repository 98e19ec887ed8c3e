// SPDX-License-Identifier: MIT
//! What is left of answers.

use super::*;
use crate::policy::guard::{Item, Label, Paths};

const OPTIONS: Options = Options { removed_max: 10, compat: false };

/// An object that is refused if its name begins with a bang.
fn object(name: &str) -> Object {
    let labels = Labels { secrecy: Label::new([name]), integrity: Label::EMPTY };
    Object { description: name.into(), labels }
}

fn judge(object: &Object) -> Result<(), String> {
    if object.description.starts_with('!') { Err(object.description.to_string()) } else { Ok(()) }
}

/// Elements labelled one after the other; `default` for those behind them.
fn paths(items_path: &str, names: &[&str], default: Option<&str>) -> Findings {
    let path = |index: usize| format!("{items_path}/{index}").into_boxed_str();
    let labelled = names.iter().enumerate().map(|(index, name)| (path(index), object(name)));
    let labelled = labelled.collect();
    let (items_path, default) = (items_path.into(), default.map(object));
    Findings::Paths(Paths { items_path, labelled, default, besides: None })
}

fn items(items: &[(Data, &str)]) -> Findings {
    let item = |(data, name): &(Data, &str)| Item {
        data: data.clone(),
        object: (*name != "?").then(|| object(name)),
        besides: None,
    };
    Findings::Items(items.iter().map(item).collect())
}

fn at(pointer: &str) -> Data {
    Data::Content(pointer.into())
}

fn own(json: &str) -> Data {
    Data::Own(json.as_bytes().into())
}

/// A result with one text.
fn text(json: &str) -> String {
    let mut out = br#"{"content":[{"type":"text","text":"#.to_vec();
    crate::wire::json::write::push_str(&mut out, json);
    out.extend_from_slice(b"}]}");
    String::from_utf8(out).unwrap()
}

fn left_of(result: &str, findings: &Findings) -> Result<Option<String>, String> {
    let left = redact(result.as_bytes(), findings, &object("call"), &mut judge, &OPTIONS)?;
    Ok(left.result.map(|result| String::from_utf8(result).unwrap()))
}

#[track_caller]
fn check(result: &str, findings: &Findings, want: &str) {
    assert_eq!(left_of(result, findings), Ok(Some(want.to_owned())));
}

/// What is left where the call may not be seen.
#[track_caller]
fn closed(result: &str, findings: &Findings) -> String {
    let left = redact(result.as_bytes(), findings, &object("!"), &mut judge, &OPTIONS).unwrap();
    assert!(left.lost_others);
    String::from_utf8(left.result.unwrap()).unwrap()
}

#[track_caller]
fn check_untouched(result: &str, findings: &Findings) {
    assert_eq!(left_of(result, findings), Ok(None));
}

#[track_caller]
fn check_withheld(result: &str, findings: &Findings) {
    check(result, findings, r#"{"content":[{"type":"text","text":"[]"}]}"#);
}

#[test]
fn refused_elements_go_and_the_envelope_stays() {
    let result = text(
        r#"{ "total_count": 70, "incomplete_results": false, "items": [1, 2, 3.0], "pageInfo":{} }"#,
    );
    let want = text(
        r#"{ "total_count": 2, "incomplete_results": false, "items": [1, 3.0], "pageInfo":{} }"#,
    );
    check(&result, &paths("/items", &["a", "!b"], Some("c")), &want);
    check_untouched(&result, &paths("/items", &["a", "b"], Some("c")));
    let want =
        text(r#"{ "total_count": 0, "incomplete_results": false, "items": [], "pageInfo":{} }"#);
    check(&result, &paths("items", &[], Some("!")), &want);
}

#[test]
fn members_of_the_result_stay_as_they_are_spelled() {
    let result = r#"{ "x":1e400, "content" : [ {"annotations":{},"type":"text","text":"[1,2]","_meta":{"a":1} } ], "isError" : true, "_meta":{"k":[1.0]}}"#;
    let want = r#"{ "x":1e400, "content" : [ {"type":"text","text":"[2]"} ], "isError" : true, "_meta":{"k":[1.0]}}"#;
    check(result, &paths("", &["!a", "b"], None), want);
    check_untouched(result, &paths("", &["a", "b"], None));
    let compat = Options { compat: true, ..OPTIONS };
    let findings = paths("", &["!a", "b"], None);
    let left = redact(result.as_bytes(), &findings, &object("!"), &mut judge, &compat).unwrap();
    let want = result.replace("[1,2]", "[2]");
    assert_eq!(left.result.as_deref(), Some(want.as_bytes()));
}

#[test]
fn an_element_that_nobody_has_labelled_goes() {
    let result = text("[1,2]");
    let findings = paths("", &["a"], None);
    check(&result, &findings, &text("[1]"));
    let left = redact(result.as_bytes(), &findings, &object("call"), &mut judge, &OPTIONS).unwrap();
    assert_eq!((left.n_items, left.n_removed), (2, 1));
    assert_eq!(&*left.removed[0].object.description, "unlabeled");
    assert_eq!((left.removed[0].index, &left.removed[0].refusal), (1, &None));
    let compat = Options { compat: true, ..OPTIONS };
    let left = redact(result.as_bytes(), &findings, &object("call"), &mut judge, &compat).unwrap();
    assert_eq!((left.n_removed, left.result), (0, None));
    assert_eq!(left.labels_of_kept, [object("a").labels, Labels::NONE]);
}

#[test]
fn paths_count_by_their_first_index_and_the_later_one_wins() {
    let mut findings = paths("/l", &["!a", "b"], Some("c"));
    let Findings::Paths(paths) = &mut findings else { unreachable!() };
    for (path, name) in [("l/0/x/y", "late"), ("/l/7", "!"), ("/l2/1", "!"), ("/l/x", "!")] {
        paths.labelled.push((path.into(), object(name)));
    }
    check_untouched(&text(r#"{"l":[1,2,3]}"#), &findings);
}

#[test]
fn what_is_no_list_is_one_item_that_is_all_that_was_said_of_it() {
    let result = r#"{"content":[{"type":"text","text":"plain"}],"_meta":{}}"#;
    check_untouched(result, &paths("", &["a"], Some("b")));
    check_withheld(result, &paths("", &["a"], Some("!b")));
    check_withheld(result, &paths("", &["!a"], Some("b")));
    check_withheld(result, &paths("", &["a"], None));
    let findings = paths("", &[], Some("!b"));
    let left = redact(result.as_bytes(), &findings, &object("call"), &mut judge, &OPTIONS).unwrap();
    assert!(left.nothing_left_of_one && left.n_items == 1);
    assert_eq!(left.json(&left.removed[0]), result.as_bytes());
}

#[test]
fn findings_that_do_not_fit_let_nothing_pass() {
    #[track_caller]
    fn check(json: &str, items_path: &str, want: &str) {
        let prefix = "failed to apply path labels: failed to resolve path labels: ";
        let want = Err(format!("{prefix}{want}"));
        assert_eq!(left_of(&text(json), &paths(items_path, &[], Some("a"))), want);
    }
    check("{}", "/items", r#"path "/items" not found in response"#);
    check(r#"{"a":1}"#, "/a", r#"items_path "/a" does not point to an array"#);
    check("[[]]", "/1", "array index 1 out of bounds");
    check(r#"{"a":[],"a":[]}"#, "/a", r#"member "a" occurs twice in response"#);
    let want = r#"failed to apply item labels: path "/a" not found in response"#;
    assert_eq!(left_of(&text("{}"), &items(&[(at("/a"), "a")])), Err(want.to_owned()));
    let want = "failed to parse response: expected a value at byte 0";
    assert_eq!(left_of("x", &paths("", &[], None)), Err(want.to_owned()));
    let mixed = items(&[(at(""), "a"), (own("1"), "a")]);
    let want = "failed to apply item labels: items are places and data at once";
    assert_eq!(left_of(&text("{}"), &mixed), Err(want.to_owned()));
}

#[test]
fn an_empty_list_is_labelled_and_has_no_items() {
    let (result, findings) = (text("[]"), paths("", &[], Some("a")));
    let left = redact(result.as_bytes(), &findings, &object("!"), &mut judge, &OPTIONS).unwrap();
    assert!(left.is_labelled && left.n_items == 0 && left.result.is_none());
    for findings in [Findings::Nothing, Findings::Items(Vec::new())] {
        let left = redact(b"no JSON", &findings, &object("!"), &mut judge, &OPTIONS).unwrap();
        assert!(!left.is_labelled && left.n_items == 0 && left.result.is_none());
    }
}

#[test]
fn structured_content_loses_what_the_text_loses() {
    let with = |text: &str, structured: &str| {
        format!(
            r#"{{"structuredContent":{structured},"content":[{{"type":"text","text":"{text}"}}]}}"#
        )
    };
    let findings = paths("/l", &["a", "!b"], None);
    let result = with(r#"{\"l\":[1,2],\"totalCount\":9}"#, r#"{"l": [1, 2], "totalCount": 9}"#);
    let want = with(r#"{\"l\":[1],\"totalCount\":1}"#, r#"{"l": [1], "totalCount": 1}"#);
    check(&result, &findings, &want);
    let findings = paths("", &["a", "!b"], None);
    check(&with("[1,2]", r#"{"result":[1, 2]}"#), &findings, &with("[1]", r#"{"result":[1]}"#));
    for other in ["[2,1]", "[1,2,3]", r#"{"result":[1,2],"b":2}"#, "\"[1,2]\"", "null"] {
        check(&with("[1,2]", other), &findings, &text("[1]"));
    }
}

#[test]
fn content_items_that_may_repeat_hidden_ones_go_with_them() {
    let beside = r#"{"type":"image","data":"AA=="},{"type":"resource","resource":{"text":"2"}}"#;
    let result = format!(r#"{{"content":[{beside},{{"type":"text","text":"[1,2]"}}]}}"#);
    check(&result, &paths("", &["a", "!b"], None), &text("[1]"));
    check_untouched(&result, &paths("", &["a", "b"], None));
}

#[test]
fn without_hidden_items_what_stands_beside_them_is_what_the_call_is() {
    let result = r#"{"content":[{"type":"text","text":"[1,"},{"type":"image","data":"AA=="},{"type":"text","text":"2]"}],"structuredContent":{"a":3}}"#;
    let want = r#"{"content":[{"type":"text","text":"[1,"},{"type":"text","text":"2]"}]}"#;
    let findings = paths("", &["a", "b"], None);
    let redact = |call: &str| {
        redact(result.as_bytes(), &findings, &object(call), &mut judge, &OPTIONS).unwrap()
    };
    let open = redact("call");
    assert_eq!((open.result, open.lost_others), (None, false));
    assert_eq!(open.labels_of_kept, ["a", "b", "call"].map(|name| object(name).labels));
    let closed = redact("!call");
    assert_eq!(closed.result.as_deref(), Some(want.as_bytes()));
    assert!(closed.lost_others && closed.n_removed == 0);
    assert_eq!(closed.labels_of_kept, ["a", "b"].map(|name| object(name).labels));
}

#[test]
fn texts_that_make_one_content_become_one() {
    let result = r#"{"content":[{"type":"text","text":""},{"type":"text","text":"[1,"},{"type":"text","text":"2]","x":1}]}"#;
    check(result, &paths("", &["!a", "b"], None), &text("[2]"));
    check_untouched(result, &paths("", &["a", "b"], None));
}

#[test]
fn an_answer_without_json_text_is_cut_itself() {
    let result =
        r#"{"contents":[{"uri":"a:1","text":"x"},{"uri":"a:2","blob":"AA=="}],"_meta":{}}"#;
    let want = r#"{"contents":[{"uri":"a:2","blob":"AA=="}],"_meta":{}}"#;
    check(result, &paths("/contents", &["!a", "b"], None), want);
    check(result, &items(&[(at("/contents/0"), "!a"), (at("/contents/1"), "b")]), want);
    check(result, &items(&[(Data::Whole, "!a")]), r#"{"contents":[]}"#);
    let result = r#"{"resultType":"complete","description":"d","messages":[{"role":"user"}]}"#;
    check(result, &paths("/messages", &["!a"], None), {
        r#"{"resultType":"complete","description":"d","messages":[]}"#
    });
    check(result, &items(&[(at(""), "!a")]), r#"{"resultType":"complete","messages":[]}"#);
}

#[test]
fn around_items_that_are_named_one_by_one_all_is_what_the_call_is() {
    let result = text(r#"{"data":{"issue":{"a":1},"more":2},"x":3}"#);
    let findings = items(&[(at("/data/issue"), "a")]);
    check_untouched(&result, &findings);
    assert_eq!(closed(&result, &findings), text(r#"{"data":{"issue":{"a":1}}}"#));
    let result = r#"{"resultType":"complete","_meta":{},"contents":[{"uri":"a:1","text":"x"}]}"#;
    let findings = items(&[(at("/contents/0"), "a")]);
    check_untouched(result, &findings);
    let want = r#"{"resultType":"complete","contents":[{"uri":"a:1","text":"x"}]}"#;
    assert_eq!(closed(result, &findings), want);
}

#[test]
fn beside_a_labelled_list_all_is_what_the_call_is_but_what_holds_no_content() {
    let json = r#"{"summary":"s","total_count":70,"incomplete_results":true,"query":{"items":1},"items":[1,2],"pageInfo":{"hasNextPage":true,"x":"s","endCursor":"Y"},"nextCursor":{"s":1}}"#;
    let bared = |items: &str, n: usize| {
        text(&format!(
            r#"{{"total_count":{n},"incomplete_results":true,"items":[{items}],"pageInfo":{{"hasNextPage":true,"endCursor":"Y"}}}}"#
        ))
    };
    let result = text(json);
    check_untouched(&result, &paths("/items", &["a", "b"], None));
    assert_eq!(closed(&result, &paths("/items", &["a", "b"], None)), bared("1,2", 2));
    assert_eq!(closed(&result, &paths("/items", &["a", "!b"], None)), bared("1", 1));
    assert_eq!(closed(&result, &paths("/items", &[], Some("!"))), bared("", 0));
    let copies = items(&[(own("1"), "a"), (own("2"), "!b")]);
    assert_eq!(closed(&result, &copies), bared("1", 1));
    let pointers = items(&[(at("/items/0"), "a"), (at("/items/1"), "!b")]);
    assert_eq!(closed(&result, &pointers), bared("1", 1));
    // An empty list has no items, and its envelope is what the call is.
    let empty = text(&json.replace("[1,2]", "[]"));
    check_untouched(&empty, &paths("/items", &[], Some("a")));
    assert_eq!(closed(&empty, &paths("/items", &[], Some("a"))), bared("", 0));
    let deep = text(&format!(r#"{{"s":1,"data":{json},"total_count":9}}"#));
    let want = bared("1,2", 2).replace("{\\\"total", "{\\\"data\\\":{\\\"total");
    let want = want.replace("}\"}]", "}}\"}]");
    assert_eq!(closed(&deep, &paths("/data/items", &["a", "b"], None)), want);
    let listed = text(r#"[{"s":1},{"l":[1,2],"s":2},3]"#);
    check_untouched(&listed, &paths("/1/l", &["a", "b"], None));
    assert_eq!(closed(&listed, &paths("/1/l", &["a", "b"], None)), text(r#"[{"l":[1,2]}]"#));
}

#[test]
fn the_call_brings_its_labels_only_if_it_says_whether_something_stays() {
    #[track_caller]
    fn check(json: &str, want: &[&str]) {
        let (result, findings) = (text(json), paths("/l", &["a", "!b"], Some("c")));
        let left = redact(result.as_bytes(), &findings, &object("call"), &mut judge, &OPTIONS);
        let want: Vec<_> = want.iter().map(|name| object(name).labels).collect();
        assert_eq!(left.unwrap().labels_of_kept, want);
    }
    check(r#"{"l":[1,2],"totalCount":5,"hasMore":true}"#, &["a"]);
    check(r#"{"l":[1],"totalCount":1}"#, &["a"]);
    check(r#"{"l":[1],"totalCount":5}"#, &["a", "call"]);
    check(r#"{"l":[1,2],"totalCount":5,"x":1}"#, &["a", "call"]);
}

#[test]
fn around_the_texts_all_is_what_the_call_is() {
    let result = r#"{"_meta":{"s":1},"content":[{"type":"text","text":"[1,","annotations":{"s":1}},{"type":"s","text":"2]"}],"isError":false,"resultType":"complete","nextCursor":"c","s":[1]}"#;
    let findings = paths("", &["a", "b"], None);
    check_untouched(result, &findings);
    let want = r#"{"content":[{"type":"text","text":"[1,"},{"type":"text","text":"2]"}],"isError":false,"resultType":"complete","nextCursor":"c"}"#;
    assert_eq!(closed(result, &findings), want);
    let findings = paths("", &["a", "!b"], None);
    let want = r#"{"content":[{"type":"text","text":"[1]"}],"isError":false,"resultType":"complete","nextCursor":"c"}"#;
    assert_eq!(closed(result, &findings), want);
    let odd = r#"{"content":[{"type":"text","text":"[1,2]"}],"isError":"s","resultType":"s"}"#;
    assert_eq!(closed(odd, &findings), text("[1]"));
}

#[test]
fn meta_and_unknown_members_go_with_a_structured_content_that_goes() {
    let result = r#"{"_meta":{"s":1},"content":[{"type":"text","text":"[1,2]"}],"structuredContent":{"s":2},"more":3,"isError":true}"#;
    let want = r#"{"content":[{"type":"text","text":"[1]"}],"isError":true}"#;
    check(result, &paths("", &["a", "!b"], None), want);
    check_untouched(result, &paths("", &["a", "b"], None));
    let result = r#"{"_meta":{"s":1},"contents":[1,2],"structuredContent":{"s":2},"isError":true}"#;
    check(result, &paths("/contents", &["a", "!b"], None), r#"{"contents":[1],"isError":true}"#);
}

#[test]
fn where_the_structured_content_is_cut_alone_the_texts_go_and_the_other_way_round() {
    let result =
        r#"{"content":[{"type":"text","text":"one, two"}],"structuredContent":{"l":[1,2]}}"#;
    check(result, &paths("/structuredContent/l", &["!a", "b"], None), {
        r#"{"content":[],"structuredContent":{"l":[2]}}"#
    });
    check(result, &paths("/content", &["!a"], None), r#"{"content":[]}"#);
    assert_eq!(closed(result, &paths("/structuredContent/l", &["a", "b"], None)), {
        r#"{"content":[],"structuredContent":{"l":[1,2]}}"#
    });
}

#[test]
fn a_whole_that_is_refused_leaves_nothing_but_its_kind() {
    let result = r#"{"resultType":"complete","content":[{"type":"text","text":"{}"}],"structuredContent":{},"isError":true,"_meta":{"a":1},"more":2}"#;
    let want =
        r#"{"resultType":"complete","isError":true,"content":[{"type":"text","text":"[]"}]}"#;
    for data in [Data::Whole, at(""), at("/"), own(" {} "), own(result)] {
        check(result, &items(&[(data.clone(), "!a")]), want);
        check(result, &items(&[(data.clone(), "?")]), want);
        check_untouched(result, &items(&[(data, "a")]));
    }
    let both = [(Data::Whole, "!a"), (at(""), "b")];
    check(result, &items(&both), want);
    check_withheld("[1]", &items(&[(Data::Whole, "!a")]));
}

#[test]
fn a_part_that_is_refused_goes_from_where_it_is() {
    let result = text(r#"{"a":{"b":1,"c":2},"l":[1,2,3],"totalCount":3}"#);
    let want = text(r#"{"a":{"c":2},"l":[1,2,3],"totalCount":3}"#);
    check(&result, &items(&[(at("/a/b"), "!a"), (at("/l"), "b")]), &want);
    let want = text(r#"{"a":{"b":1,"c":2},"l":[1],"totalCount":1}"#);
    check(&result, &items(&[(at("/l/0"), "a"), (at("/l/1"), "!b")]), &want);
    let findings = items(&[(at("/l/0"), "a"), (at("/l/1"), "!b")]);
    let left = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &OPTIONS).unwrap();
    assert_eq!((left.n_items, left.n_removed, left.lost_others), (2, 1, true));
    assert_eq!(left.json(&left.removed[0]), b"2");
}

#[test]
fn copies_of_a_list_are_labels_for_its_elements() {
    let result = text(r#"{"n":[],"issues":[{"a":1},{"a":2}],"totalCount":2}"#);
    let copies = |name| items(&[(own(r#"{"a" : 1}"#), "a"), (own(r#"{"\u0061":2}"#), name)]);
    check_untouched(&result, &copies("b"));
    check(&result, &copies("!b"), &text(r#"{"n":[],"issues":[{"a":1}],"totalCount":1}"#));
    check(&text("[1,2]"), &items(&[(own("1"), "!a"), (own("2"), "b")]), &text("[2]"));
}

#[test]
fn data_that_a_guard_has_made_stands_for_the_answer() {
    let result = r#"{"content":[{"type":"text","text":"{\"l\":[1,2,3]}"}],"isError":false,"_meta":{"a":1},"structuredContent":{"l":[1,2,3]}}"#;
    let findings = items(&[(own("1"), "a"), (own(" 2 "), "!b"), (own(r#"{"c":3}"#), "c")]);
    // The structured content goes, and may be repeated in what stands beside it.
    let want = r#"{"isError":false,"content":[{"type":"text","text":"[1,{\"c\":3}]"}]}"#;
    check(result, &findings, want);
    let plain = result.replace(r#","structuredContent":{"l":[1,2,3]}"#, "");
    check(&plain, &findings, &want.replace("}]}", r#"}],"_meta":{"a":1}}"#));
    assert_eq!(closed(&plain, &findings), want);
    let left = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &OPTIONS).unwrap();
    assert_eq!(left.json(&left.removed[0]), b" 2 ");
    let want = "failed to apply item labels: failed to parse item data: expected a value at byte 0";
    assert_eq!(left_of(result, &items(&[(own("x"), "a")])), Err(want.to_owned()));
}

#[test]
fn only_so_many_removed_items_are_told_and_all_are_counted() {
    let result = text("[1,2,3,4]");
    let options = Options { removed_max: 2, ..OPTIONS };
    let findings = paths("", &["a"], Some("!b"));
    let left = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &options).unwrap();
    assert_eq!((left.n_items, left.n_removed, left.removed.len()), (4, 3, 2));
    let told: Vec<_> = left.removed.iter().map(|removed| left.json(removed)).collect();
    assert_eq!(told, [b"2", b"3"]);
    assert_eq!(left.removed[0].refusal.as_deref(), Some("!b"));
}

#[test]
fn what_an_item_is_besides_counts_as_well() {
    let seen = |name: &str, besides: &str| {
        let (object, besides) = (Some(object(name)), Some(object(besides)));
        let item = Item { data: Data::Whole, object, besides };
        let mut judge =
            |object: &Object| if object.description.starts_with('!') { Err(()) } else { Ok(()) };
        let findings = Findings::Items(vec![item]);
        let call = Object::default();
        redact(b"{}", &findings, &call, &mut judge, &OPTIONS).unwrap().n_removed == 0
    };
    assert!(seen("a", "b") && !seen("!a", "b") && !seen("a", "!b"));
}

#[test]
fn what_an_element_is_besides_counts_as_well() {
    let seen = |items_path: &str, result: &str, default: &str| {
        let mut findings = paths(items_path, &["a", "!a"], Some(default));
        let Findings::Paths(paths) = &mut findings else { unreachable!() };
        let named = [("/l/2", "b"), ("/l/3", "!b"), ("/l/0", "!b")];
        paths.besides = Some(named.map(|(path, name)| (path.into(), object(name))).into());
        let result = text(result);
        let left = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &OPTIONS);
        let left = left.unwrap();
        let gone =
            left.removed.iter().map(|one| format!("{}{}", one.index, one.object.description));
        format!("{} {}", left.n_items, gone.collect::<Vec<_>>().join(" "))
    };
    let list = r#"{"l":[0,1,2,3,4]}"#;
    assert_eq!(seen("/l", list, "d"), "5 1!a 3!b 4unlabeled");
    assert_eq!(seen("/l", list, "!d"), "5 1!a 2!d 3!b 4unlabeled");
    assert_eq!(seen("", "7", "d"), "1 0unlabeled", "there are no elements to be anything");
}

#[test]
fn a_hundred_thousand_elements_are_no_trouble() {
    let elements: Vec<String> = (0..100_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let result = text(&format!("[{}]", elements.join(",")));
    let findings = Findings::Paths(Paths {
        items_path: "".into(),
        labelled: (0..50_000).map(|n| (format!("/{}", n * 2).into(), object("!a"))).collect(),
        default: Some(object("b")),
        besides: None,
    });
    let left = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &OPTIONS).unwrap();
    assert_eq!((left.n_items, left.n_removed), (100_000, 50_000));
    let pointers = (0..100_000).map(|n| Item {
        data: Data::Content(format!("/{n}").into()),
        object: Some(object(if n % 2 == 0 { "!a" } else { "b" })),
        besides: None,
    });
    let findings = Findings::Items(pointers.collect());
    let same = redact(result.as_bytes(), &findings, &object("c"), &mut judge, &OPTIONS).unwrap();
    assert_eq!(left.result, same.result);
    assert!(same.lost_others == left.lost_others && !left.lost_others);
}

#[test]
fn a_notice_comes_last() {
    let notice = r#"{"type":"text","text":"\"n\""}"#;
    for (result, want) in [
        (r#"{"content":[ ]}"#, format!(r#"{{"content":[{notice} ]}}"#)),
        (r#"{"content":[1 ],"a":2}"#, format!(r#"{{"content":[1,{notice} ],"a":2}}"#)),
        (r#"{"a":2}"#, format!(r#"{{"content":[{notice}],"a":2}}"#)),
        (r#"{"content":3}"#, format!(r#"{{"content":[{notice}]}}"#)),
        ("[]", "[]".to_owned()),
    ] {
        assert_eq!(with_notice(result.as_bytes(), "\"n\""), want.as_bytes());
    }
}

#[test]
fn the_body_of_the_fuzzer_runs() {
    for case in [
        "p\n/l\n/l/0\n/l/1!",
        "p\n\n/0!",
        "q\n\n/0!",
        "i\n/l/0!\n/l/1",
        "i\n*!",
        "i\n!",
        "j\n[1]\n{\"a\":2}!",
    ] {
        for result in [text(r#"{"l":[1,2],"totalCount":5}"#), text("[[1],{}]"), "[1]".to_owned()] {
            fuzz(&[case.as_bytes(), b"\n\n", result.as_bytes()].concat());
        }
    }
    fuzz(b"");
}
