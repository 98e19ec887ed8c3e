// SPDX-License-Identifier: MIT
//! A list of tools as it is published: the tools that are allowed, under names and with schemas
//! that the client understands.
//!
//! A tool that cannot be published costs no other one its place: it is withheld alone, and the
//! list says so in `_meta`. A list in which nothing has to be changed leaves as it came.
//!
//! Spec: MCP 2025-11-25, server/tools, "Listing Tools"; the written gateway specification, "Tools
//! pipeline".

use std::borrow::Cow;

use super::mirror::params;
use super::schema::{self, Care};
use super::tool_name::{self, NameMap};
use crate::base::{Message, Span};
use crate::wire::json::edit::{Edits, insert_member, whole};
use crate::wire::json::{scan, write};

/// The member of `_meta` that names what is withheld.
pub const WITHHELD: &str = "penstock/withheld";

/// What is done with a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// The tools that are published, as the server names them, with `*` for anything; `None`: all.
    pub allowed: Option<&'o [Box<str>]>,
    /// What the client needs of schemas and names.
    pub care: Care,
    /// Whether the client's revision wants results to be objects.
    pub object_results: bool,
    /// Whether the arguments of calls are mirrored in header fields by us, so that a tool whose
    /// fields nobody can send is of no use.
    pub mirrored: bool,
    /// The server to put before names and descriptions, where many share one address.
    pub server: Option<&'o str>,
}

/// A tool that is not published, although it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// As its server names it; empty if it has no name.
    pub tool: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// A list that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Where in the message the result stood.
    pub place: Span,
    /// What stands there now.
    pub result: Message,
    /// The tools that were taken out because something is wrong with them.
    pub withheld: Vec<Withheld>,
}

/// The answer to `tools/list` with `result` in it, as it is published; `None`: as it came.
///
/// `names` learns the names that are published otherwise. Costs a few walks over the list.
#[must_use]
pub fn published(
    message: &[u8],
    result: Span,
    options: &Options<'_>,
    names: &mut NameMap,
) -> Option<Published> {
    let tools = scan::member(message, result, "tools")?;
    let mut withheld = Vec::new();
    let mut edits = Edits::of(message);
    publish(&mut edits, tools, options, names, &mut withheld);
    if edits.is_empty() {
        return None;
    }
    let edited = edits.apply();
    // Only bytes within the result have changed: what stands behind it is as long as before.
    let behind = message.len() - result.end as usize;
    let new = &edited[result.start as usize..edited.len() - behind];
    let new = if withheld.is_empty() { new.to_vec() } else { with_report(new, &withheld) };
    Some(Published { place: result, result: Message::new(new), withheld })
}

/// One page of tools, an array, with those alone that are allowed; and what would be withheld of
/// them. `names` learns the names that would be published otherwise.
#[must_use]
pub fn page(
    tools: &Message,
    options: &Options<'_>,
    names: &mut NameMap,
) -> (Message, Vec<Withheld>) {
    let (place, mut withheld) = (whole(tools), Vec::new());
    publish(&mut Edits::of(tools), place, options, names, &mut withheld);
    let mut edits = Edits::of(tools);
    let plain = Options { care: Care::Verbatim, server: None, ..*options };
    publish(&mut edits, place, &plain, &mut names.clone(), &mut Vec::new());
    let allowed = if edits.is_empty() { tools.clone() } else { Message::new(edits.apply()) };
    (allowed, withheld)
}

/// The names of the tools in an array, in their order.
pub fn names_in(text: &[u8], tools: Span) -> impl Iterator<Item = Cow<'_, str>> {
    scan::elements(text, tools)
        .filter_map(|tool| scan::string(text, scan::member(text, tool, "name")?))
}

/// One tool: where that lies which may have to be changed.
#[derive(Default)]
struct Tool<'t> {
    place: Span,
    name: Option<(Span, Cow<'t, str>)>,
    n_names: usize,
    description: Option<Span>,
    input: Option<Span>,
    output: Option<Span>,
}

impl<'t> Tool<'t> {
    fn read(text: &'t [u8], place: Span) -> Self {
        let mut tool = Self { place, ..Self::default() };
        for (name, value) in scan::members(text, place) {
            match scan::string(text, name).as_deref() {
                Some("name") => {
                    tool.name = scan::string(text, value).map(|text| (value, text));
                    tool.n_names += 1;
                }
                Some("description") => tool.description = Some(value),
                Some("inputSchema") => tool.input = Some(value),
                Some("outputSchema") => tool.output = Some(value),
                _ => {}
            }
        }
        tool
    }

    fn name(&self) -> &str {
        self.name.as_ref().map_or("", |(_, name)| name)
    }

    /// Why nobody can tell which tool this is.
    fn riddle(&self) -> Option<&'static str> {
        match (&self.name, self.n_names) {
            (None, _) => Some("it has no name"),
            // Two readers could take it for two tools.
            (_, 2..) => Some("it has more than one name"),
            _ => None,
        }
    }
}

/// What becomes of one tool.
enum Verdict<'t> {
    Shown(Vec<Change<'t>>),
    Hidden,
    Withheld(String),
}

/// One thing that is changed in a tool.
enum Change<'t> {
    Replaced(Span, Cow<'t, [u8]>),
    /// A new input schema, where the tool has none.
    WithInput(Vec<u8>),
    WithoutOutput,
}

fn publish(
    edits: &mut Edits<'_>,
    tools: Span,
    options: &Options<'_>,
    names: &mut NameMap,
    withheld: &mut Vec<Withheld>,
) {
    let text = edits.text();
    let all: Vec<Tool<'_>> =
        scan::elements(text, tools).map(|place| Tool::read(text, place)).collect();
    learn_names(&all, options, names);
    let mut gone = Vec::new();
    for tool in &all {
        match judge(text, tool, options, names) {
            Verdict::Shown(changes) => apply(edits, tool, changes),
            Verdict::Hidden => gone.push(tool.place),
            Verdict::Withheld(reason) => {
                gone.push(tool.place);
                let (tool, reason) = (tool.name().into(), reason.into());
                withheld.push(Withheld { tool, reason });
            }
        }
    }
    let mut gone = gone.into_iter().peekable();
    if gone.peek().is_some() {
        edits.array(tools, |place| gone.next_if_eq(&place).is_none());
    }
}

/// All names of a list at once, so that their order does not matter.
fn learn_names(all: &[Tool<'_>], options: &Options<'_>, names: &mut NameMap) {
    match options.server {
        Some(server) => {
            let joined: Vec<String> =
                all.iter().map(|tool| tool_name::join(server, tool.name())).collect();
            names.extend(joined.iter().map(String::as_str));
        }
        None if options.care.names().is_some() => names.extend(all.iter().map(Tool::name)),
        None => {}
    }
}

fn judge<'t>(
    text: &'t [u8],
    tool: &Tool<'t>,
    options: &Options<'_>,
    names: &mut NameMap,
) -> Verdict<'t> {
    if let Some(allowed) = options.allowed
        && !is_allowed(allowed, tool.name())
    {
        return Verdict::Hidden;
    }
    let is_touched = options.care != Care::Verbatim || options.allowed.is_some();
    if let Some(riddle) = tool.riddle().filter(|_| is_touched) {
        return Verdict::Withheld(riddle.to_owned());
    }
    if let Some(input) = tool.input.filter(|_| options.mirrored)
        && let Err(error) = params::rules(text, input)
    {
        return Verdict::Withheld(error.to_string());
    }
    let mut changes = Vec::new();
    match (schema::input(text, tool.input, options.care), tool.input) {
        (Err(flaw), _) => return Verdict::Withheld(flaw.to_string()),
        (Ok(None), _) => {}
        (Ok(Some(new)), Some(place)) => changes.push(Change::Replaced(place, new.into())),
        (Ok(Some(new)), None) => changes.push(Change::WithInput(new)),
    }
    if let Some(place) = tool.output {
        match schema::output(text, place, options.care, options.object_results) {
            Err(_) => changes.push(Change::WithoutOutput),
            Ok(None) => {}
            Ok(Some(new)) => changes.push(Change::Replaced(place, new.into())),
        }
    }
    rename(text, tool, options, names, &mut changes);
    Verdict::Shown(changes)
}

fn rename<'t>(
    text: &'t [u8],
    tool: &Tool<'t>,
    options: &Options<'_>,
    names: &mut NameMap,
    changes: &mut Vec<Change<'t>>,
) {
    let Some((place, name)) = &tool.name else { return };
    let new = match options.server {
        Some(server) => names.publish(&tool_name::join(server, name)).into_owned(),
        None if options.care.names().is_some() => names.publish(name).into_owned(),
        None => return,
    };
    if new != *name {
        let mut quoted = Vec::new();
        write::push_str(&mut quoted, &new);
        changes.push(Change::Replaced(*place, quoted.into()));
    }
    if let (Some(server), Some(place)) = (options.server, tool.description)
        && let Some(rest) = place.of(text).strip_prefix(b"\"")
    {
        let mut prefix = Vec::new();
        write::push_str(&mut prefix, &format!("[{server}] "));
        prefix.pop();
        changes.push(Change::Replaced(place, [&prefix, rest].concat().into()));
    }
}

fn apply<'t>(edits: &mut Edits<'t>, tool: &Tool<'t>, changes: Vec<Change<'t>>) {
    let mut added: Option<Vec<u8>> = None;
    let mut output_goes = false;
    for change in changes {
        match change {
            Change::Replaced(place, bytes) => edits.replace(place, bytes),
            Change::WithInput(new) => added = Some(new),
            Change::WithoutOutput => output_goes = true,
        }
    }
    if added.is_some() || output_goes {
        let added = added.iter().map(|new| ("inputSchema", new.as_slice())).collect::<Vec<_>>();
        edits.object(tool.place, |name, _| !(output_goes && name == "outputSchema"), &added);
    }
}

/// Whether a tool is among those that may be published and called.
#[must_use]
pub fn is_allowed(allowed: &[Box<str>], tool: &str) -> bool {
    allowed.iter().any(|pattern| tool_name::matches(pattern, tool))
}

/// The result with the tools that are withheld named in its `_meta`.
fn with_report(result: &[u8], withheld: &[Withheld]) -> Vec<u8> {
    let mut report = Vec::new();
    write::array(&mut report, |list| {
        for one in withheld {
            list.object(|object| _ = object.str("tool", &one.tool).str("reason", &one.reason));
        }
    });
    let place = Span::new(0, result.len());
    let meta = scan::member(result, place, "_meta").map_or(&b"{}"[..], |meta| meta.of(result));
    let meta = if meta.starts_with(b"{") { meta } else { b"{}" };
    let meta = insert_member(meta, Span::new(0, meta.len()), WITHHELD, &report);
    insert_member(result, place, "_meta", &meta)
}

/// Whatever a list is, what is published of it is JSON, keeps the other members of the result, and
/// shows no tool that is not allowed.
pub fn fuzz(input: &[u8]) {
    /// As deep as peers may nest.
    const DEPTH_MAX: usize = 128;
    if scan::validate(input, DEPTH_MAX).is_err() {
        return;
    }
    let result = whole(input);
    let allowed: [Box<str>; 2] = ["get_*".into(), "now".into()];
    for (_, care) in Care::WORDS {
        for server in [None, Some("s")] {
            let rule = tool_name::Rule::MODEL;
            let (mut names, allowed) = (NameMap::new(rule), Some(&allowed[..]));
            let options = Options { allowed, care, object_results: true, mirrored: true, server };
            let Some(list) = published(input, result, &options, &mut names) else { continue };
            let new = list.result.as_bytes();
            assert!(scan::validate(new, DEPTH_MAX + 4).is_ok(), "{}", new.escape_ascii());
            let tools = scan::member(new, whole(new), "tools").unwrap_or_default();
            for name in names_in(new, tools) {
                let own = names.original(&name).unwrap_or(&name);
                let own = own.strip_prefix("s___").unwrap_or(own);
                assert!(tool_name::matches("get_*", own) || own == "now", "{name}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tool_name::Rule;

    fn names() -> NameMap {
        NameMap::new(Rule::MODEL)
    }

    /// What becomes of a result, and who is withheld.
    #[track_caller]
    fn check(result: &str, options: &Options<'_>, want: Option<&str>, withheld: &[&str]) {
        let message = format!("{{\"id\":1 , \"result\":{result},\"x\":[]}}");
        let start = message.find("result").unwrap() + 8;
        let place = Span::new(start, start + result.len());
        let got = published(message.as_bytes(), place, options, &mut names());
        let text = |list: &Published| String::from_utf8(list.result.to_vec()).unwrap();
        assert_eq!(got.as_ref().map(text).as_deref(), want, "{result}");
        let got = got.map(|list| list.withheld).unwrap_or_default();
        let said: Vec<String> =
            got.iter().map(|one| format!("{}: {}", one.tool, one.reason)).collect();
        assert_eq!(said, withheld);
        fuzz(result.as_bytes());
    }

    const FINE: &str = r#"{"type":"object","properties":{}}"#;

    #[test]
    fn a_list_that_needs_nothing_leaves_as_it_came() {
        let list = format!(
            r#"{{ "tools" : [ {{"name":"a", "inputSchema":{FINE}, "x":1.0}} ],"nextCursor":"c"}}"#
        );
        for (_, care) in Care::WORDS {
            let want = list
                .replace(r#""properties":{}"#, r#""properties":{},"additionalProperties":false"#);
            let want = (care == Care::Strict).then_some(want);
            check(&list, &Options { care, ..Options::default() }, want.as_deref(), &[]);
        }
        for other in ["{}", "7", r#"{"tools":7}"#, r#"{"tools":[]}"#] {
            check(other, &Options::default(), None, &[]);
        }
        let odd = r#"{"tools":[7,{"x":1},{"name":"a","name":"b"}]}"#;
        check(odd, &Options { care: Care::Verbatim, ..Options::default() }, None, &[]);
    }

    #[test]
    fn tools_that_are_not_allowed_are_cut_out_and_not_spoken_of() {
        let list = r#"{"tools":[{"name":"a"},{"name":"get_x"} ,{"name":"b"}],"y":0}"#;
        let allowed: [Box<str>; 1] = ["get_*".into()];
        let care = Care::Verbatim;
        let options = Options { allowed: Some(&allowed), care, ..Options::default() };
        check(list, &options, Some(r#"{"tools":[{"name":"get_x"}],"y":0}"#), &[]);
    }

    #[test]
    fn a_tool_that_is_broken_is_withheld_alone_and_the_list_says_so() {
        check(
            &format!(
                r#"{{"tools":[{{"name":"a","inputSchema":{{"type":"string"}}}},{{"inputSchema":{FINE},"name":"b"}},7],"_meta":{{"x":1}}}}"#
            ),
            &Options::default(),
            Some(&format!(
                r#"{{"_meta":{{"penstock/withheld":[{{"tool":"a","reason":"the type of its schema is \"string\", not \"object\""}},{{"tool":"","reason":"it has no name"}}],"x":1}},"tools":[{{"inputSchema":{FINE},"name":"b"}}]}}"#
            )),
            &["a: the type of its schema is \"string\", not \"object\"", ": it has no name"],
        );
    }

    #[test]
    fn schemas_are_mended_where_they_stand() {
        check(
            r#"{"tools":[{"name":"a"},{"name":"b","inputSchema":null,"outputSchema":7},{"name":"c","inputSchema":{"type":"object"} ,"z":1e3}]}"#,
            &Options::default(),
            Some(&format!(
                r#"{{"tools":[{{"inputSchema":{FINE},"name":"a"}},{{"name":"b","inputSchema":{FINE}}},{{"name":"c","inputSchema":{{"properties":{{}},"type":"object"}} ,"z":1e3}}]}}"#
            )),
            &[],
        );
    }

    #[test]
    fn names_are_shortened_for_models_and_come_back() {
        let mut names = names();
        let list = format!(r#"{{"tools":[{{"name":"a b","inputSchema":{FINE}}}]}}"#);
        let options = Options { care: Care::Copilot, ..Options::default() };
        let place = Span::new(0, list.len());
        let got = published(list.as_bytes(), place, &options, &mut names).unwrap();
        let short = Rule::MODEL.shortened("a b", 0);
        assert_eq!(got.result.as_bytes(), list.replace("a b", &short).as_bytes());
        assert_eq!(names.original(&short), Some("a b"));
        assert_eq!(published(list.as_bytes(), place, &Options::default(), &mut names), None);
    }

    // Checklist 116, 117.
    #[test]
    fn where_many_servers_share_an_address_each_tool_names_its_own() {
        let list = format!(
            r#"{{"tools":[{{"name":"x___y","description":"Does \u0061.","inputSchema":{FINE}}}]}}"#
        );
        let options = Options { server: Some("git"), ..Options::default() };
        let want = list.replace("x___y", "git___x___y").replace("Does", "[git] Does");
        check(&list, &options, Some(&want), &[]);
    }

    #[test]
    fn a_page_keeps_what_is_allowed_and_tells_what_would_be_withheld() {
        let tools = Message::from(r#"[{"name":"a"},{"name":"b","inputSchema":[]}]"#);
        let (kept, withheld) = page(&tools, &Options::default(), &mut names());
        assert_eq!(kept, tools);
        assert_eq!(withheld.len(), 1);
        let allowed: [Box<str>; 1] = ["a".into()];
        let options = Options { allowed: Some(&allowed), ..Options::default() };
        let (kept, withheld) = page(&tools, &options, &mut names());
        assert_eq!((kept.as_bytes(), withheld.len()), (&br#"[{"name":"a"}]"#[..], 0));
    }
}
