// SPDX-License-Identifier: MIT
// A guard in AssemblyScript, for the server of notes of ../example/src/lib.rs.
//
// It labels calls as that one does, but for asking the server whether a note was reviewed: here
// none was. Of answers it says nothing, so that the labels of the call hold for them.
//
// JSON is only ever walked: a value is skipped as a whole, so that a member of the arguments that
// is called like one of ours is not taken for it.

// @ts-ignore: decorator
@external("env", "host_log")
declare function host_log(level: u32, text: usize, len: usize): void;

const FAILED: i32 = -1;
const TOO_SMALL: i32 = -2;

const LEVELS: string[] = ["none", "unapproved", "approved", "merged"];

export function alloc(len: i32): usize {
  return heap.alloc(len);
}

export function dealloc(at: usize, _len: i32): void {
  heap.free(at);
}

export function label_resource(at: usize, len: i32, out: usize, size: i32): i32 {
  const call = String.UTF8.decodeUnsafe(at, len);
  const tool = member(call, "tool_name");
  const folder = inside(member(member(call, "tool_args"), "folder"));
  const isRead = tool == '"list_notes"' || tool == '"read_note"';
  const isWrite = tool == '"write_note"';
  const integrity = isWrite ? levels(2) : isRead ? levels(0) : '"unknown-tool"';
  const secrecy = isPublic(folder) ? "" : '"private:' + folder + '"';
  return say(
    '{"resource":{"description":"notes:' + folder + '","secrecy":[' + secrecy +
      '],"integrity":[' + integrity + ']},"operation":"' + (isRead ? "read" : "write") + '"}',
    out,
    size,
  );
}

export function label_response(_at: usize, _len: i32, _out: usize, _size: i32): i32 {
  return 0;
}

export function label_agent(at: usize, len: i32, out: usize, size: i32): i32 {
  const rule = member(String.UTF8.decodeUnsafe(at, len), "allow-only");
  const level = LEVELS.indexOf(inside(member(rule, "min-integrity")));
  if (level < 0) return refused("min-integrity: expected none, unapproved, approved or merged");
  const repos = member(rule, "repos");
  let secrecy = "";
  if (repos.startsWith("[")) {
    let from = blanks(repos, 1);
    while (repos.charAt(from) == '"') {
      const to = stringEnd(repos, from);
      secrecy += (secrecy.length > 0 ? "," : "") + '"private:' + repos.substring(from + 1, to);
      from = blanks(repos, to);
      if (repos.charAt(from) == ",") from = blanks(repos, from + 1);
    }
    if (repos.charAt(from) != "]") return refused("repos: expected a list of folders");
  } else if (repos == '"all"') {
    secrecy = '"*"';
  } else if (repos != '"public"') {
    return refused('repos: expected "public", "all" or a list of folders');
  }
  return say(
    '{"agent":{"secrecy":[' + secrecy + '],"integrity":[' + levels(level) +
      ']},"difc_mode":"filter","normalized_policy":{"scope_kind":"Folders"}}',
    out,
    size,
  );
}

function levels(n: i32): string {
  return '"' + LEVELS.slice(0, n + 1).join('","') + '"';
}

// Whether a folder is `public` or below it. With an escape in it, it is another.
function isPublic(folder: string): bool {
  return folder == "public" || folder.startsWith("public/");
}

function say(text: string, out: usize, size: i32): i32 {
  const len = String.UTF8.byteLength(text);
  if (len <= size) {
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, out);
    return len;
  }
  if (size >= 4) store<u32>(out, len);
  return TOO_SMALL;
}

function refused(why: string): i32 {
  const text = String.UTF8.encode(why);
  host_log(3, changetype<usize>(text), text.byteLength);
  return FAILED;
}

// The text in quotes, as it is spelled; empty if there is none.
function inside(value: string): string {
  return value.startsWith('"') ? value.substring(1, value.length - 1) : "";
}

// The value of a member of an object, as it is spelled; of several the last.
function member(object: string, name: string): string {
  let found = "";
  if (!object.startsWith("{")) return found;
  let at = blanks(object, 1);
  while (object.charAt(at) == '"') {
    const end = stringEnd(object, at);
    const key = object.substring(at + 1, end - 1);
    const value = blanks(object, blanks(object, end) + 1);
    at = valueEnd(object, value);
    if (key == name) found = object.substring(value, at).trimEnd();
    at = blanks(object, at);
    if (object.charAt(at) == ",") at = blanks(object, at + 1);
  }
  return found;
}

function blanks(text: string, at: i32): i32 {
  while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
  return at;
}

function stringEnd(text: string, at: i32): i32 {
  for (at++; at < text.length && text.charAt(at) != '"'; at++) {
    if (text.charAt(at) == "\\") at++;
  }
  return min(at + 1, text.length);
}

function valueEnd(text: string, at: i32): i32 {
  let depth = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char == '"') {
      at = stringEnd(text, at);
    } else if (char == "{" || char == "[") {
      depth++;
      at++;
      continue;
    } else if (char == "}" || char == "]") {
      if (depth == 0) return at;
      depth--;
      at++;
    } else if (depth == 0 && char == ",") {
      return at;
    } else {
      at++;
      continue;
    }
    if (depth == 0) return at;
  }
  return at;
}
