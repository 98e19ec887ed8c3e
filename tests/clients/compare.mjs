// SPDX-License-Identifier: MIT
// Holds two records of drive.mjs or drive.py against each other, message for message.
//
// Two runs agree when each client saw the same responses under the same ids, the same progress in
// the same order and none of it after its response, and, per method, the same requests and
// notifications in the same order. What varies from run to run (times, ids that servers choose,
// temporary folders) is masked first. Order between unrelated streams is not compared: HTTP has
// several, stdio has one; "unordered" gives up the order within a method too, for clients that do
// many things at once.
//
// Usage: node compare.mjs FIRST SECOND [JSON: {"masks": {TEXT: NAME}, "ignore": [METHOD], "unordered": true}]

import { readFileSync } from "node:fs";

const [, , first, second, given] = process.argv;
const options = { masks: {}, ignore: [], ...JSON.parse(given ?? "{}") };

const VOLATILE = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/\b[0-9a-f]{32,64}\b/g, "<hex>"],
  [/(?<=index |"head_sha": ")[0-9a-f]{7,}(\.\.[0-9a-f]{7,})?/g, "<hash>"],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:?\d\d|Z)?/g, "<time>"],
  [/\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4} \([^)]*\)/g, "<time>"],
  [/\d{1,2}:\d\d:\d\d [AP]M/g, "<time>"],
  [/\b(session (undefined|<uuid>))/gi, "<session>"],
  [/ ?from session <uuid>| - SessionId <uuid>/g, ""],
  [/"day_of_week": ?"\w+"/g, '"day_of_week":"<day>"'],
];

function mask(text) {
  for (const [literal, name] of Object.entries(options.masks)) text = text.replaceAll(literal, name);
  for (const [pattern, name] of VOLATILE) text = text.replace(pattern, name);
  return text;
}

/** Masks every string of a value, also inside of base64 blobs. */
function masked(value, name) {
  if (typeof value === "string") {
    return name === "blob" ? mask(Buffer.from(value, "base64").toString("latin1")) : mask(value);
  }
  if (Array.isArray(value)) return value.map((item) => masked(item));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
}

/** Key order is kept: the gateway forwards the bytes as they came. */
const text = (value) => JSON.stringify(value);

let failures = 0;

function read(file) {
  const seen = new Map();
  const add = (key, line) => seen.set(key, [...(seen.get(key) ?? []), line]);
  const answered = new Set();
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
    const { client, step, message, error, code, expected } = JSON.parse(line);
    if (!message) {
      if (!expected) {
        failures++;
        console.log(`${file}: ${client}, ${step}: ${shorten(error)}`);
      }
      add(`${client} error`, text({ step, error: mask(error), code }));
    } else if (message.method === undefined) {
      answered.add(`${client} ${message.id}`);
      add(`${client} response ${message.id}`, text(body(message)));
    } else if (message.method === "notifications/progress") {
      const token = message.params.progressToken;
      const late = answered.has(`${client} ${token}`);
      add(`${client} progress ${token}`, text({ late, ...masked(message.params) }));
    } else if (!options.ignore.includes(message.method)) {
      // The id of a server's request is the server's business, the gateway's in between.
      const { id, ...rest } = message;
      add(`${client} ${message.method}`, text({ request: id !== undefined, ...body(rest) }));
    }
  }
  // A cancelled request is not answered; how much of its progress was on the way is chance.
  for (const [key, lines] of seen) {
    const [client, kind, token] = key.split(" ");
    if (kind === "progress" && !answered.has(`${client} ${token}`)) lines.length = 1;
  }
  if (options.unordered) {
    for (const [key, lines] of seen) if (!key.includes(" progress ")) lines.sort();
  }
  return seen;
}

function body(message) {
  const { jsonrpc, ...rest } = message;
  const value = masked(rest);
  // A random one of eight messages: only that it came is known.
  if (message.method === "notifications/message" && /-level message|Alert level/.test(value.params?.data)) {
    value.params = "<random>";
  }
  // Timestamps of the task store.
  if (value.params?._meta?.["io.modelcontextprotocol/related-task"]) delete value.params._meta;
  return value;
}

const shorten = (line) => (line === undefined ? "nothing" : line.length > 400 ? `${line.slice(0, 400)}… (${line.length})` : line);

const left = read(first);
const right = read(second);
let differences = 0;
for (const key of new Set([...left.keys(), ...right.keys()])) {
  const [a, b] = [left.get(key) ?? [], right.get(key) ?? []];
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    if (a[n] === b[n]) continue;
    differences++;
    if (differences > 8) continue;
    console.log(`${key}, number ${n + 1}\n  first:  ${shorten(a[n])}\n  second: ${shorten(b[n])}`);
  }
}
const messages = [...left.values()].reduce((sum, lines) => sum + lines.length, 0);

// Nobody may see what was made for somebody else.
let leaks = 0;
for (const [key, lines] of right) {
  const own = key.split(" ")[0];
  for (const line of lines) {
    const foreign = [...line.matchAll(/client-\d+/g)].find(([tag]) => tag !== own);
    if (foreign) {
      leaks++;
      console.log(`${own} saw something of ${foreign[0]}: ${shorten(line)}`);
    }
  }
}
console.log(`${messages} messages, ${differences} differences, ${failures} failures, ${leaks} leaks`);
process.exit(differences + failures + leaks > 0 || messages === 0 ? 1 : 0);
