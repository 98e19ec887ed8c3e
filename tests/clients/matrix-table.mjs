// SPDX-License-Identifier: MIT
// Prints the matrix of clients, servers and features, and fails if a cell is not as expected.
//
// Usage: node matrix-table.mjs FOLDER [unified], where each file CLIENT-MODE@ERA-TRANSPORT.jsonl is
// what a driver printed, with "unified" at the address where the one server "it" is one of several. The table says "+" where a feature works, "x" where it does not and "." where the
// server does not have it; what went wrong is told below.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

const [, , folder, unified] = process.argv;
const { expected } = JSON.parse(readFileSync(new URL("matrix.json", import.meta.url)));
const FEATURES = Object.keys(expected);
if (unified) {
  for (const want of Object.values(expected.connect)) {
    want.name = "penstock-unified";
    want.instructions = `## it\n\n${want.instructions}`;
  }
}

/** What a driver printed, by feature. */
function read(file) {
  const lines = readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => JSON.parse(line)).map((said) => [said.feature, said]),
  );
}

/** What is expected of a client of an era with a server of an era. */
function wanted(feature, mode, era) {
  const want = expected[feature];
  return want[era === "dual" ? era : mode] ?? want[mode] ?? want.any;
}

/** Whether a feature is as expected; nothing if the server does not have it. */
function judge(feature, mode, era, said) {
  const { server } = expected[feature];
  if (server !== undefined && server !== era) return undefined;
  return said !== undefined && isDeepStrictEqual(said.value, wanted(feature, mode, era));
}

const cells = readdirSync(folder)
  .filter((file) => file.endsWith(".jsonl"))
  .sort()
  .map((file) => {
    const [, client, mode, era, transport] = /^(\w+)-(\w+)@(\w+)-(\w+)\.jsonl$/.exec(file);
    const said = read(file);
    const verdicts = FEATURES.map((feature) => judge(feature, mode, era, said[feature]));
    const name = `${client} ${mode} with ${era} ${transport}`;
    return { name, mode, era, said, verdicts };
  });

if (cells.length === 0) throw new Error(`no pair has run: ${folder}`);

const width = Math.max(...cells.map(({ name }) => name.length));
const tallest = Math.max(...FEATURES.map((feature) => feature.length));
for (let line = 0; line < tallest; line++) {
  const letters = FEATURES.map((feature) => feature.padStart(tallest)[line]);
  console.log(`${" ".repeat(width)}  ${letters.join(" ")}`);
}
for (const { name, verdicts } of cells) {
  const marks = verdicts.map((verdict) => (verdict === undefined ? "." : verdict ? "+" : "x"));
  console.log(`${name.padEnd(width)}  ${marks.join(" ")}`);
}

let wrong = 0;
for (const { name, mode, era, said, verdicts } of cells) {
  FEATURES.forEach((feature, n) => {
    if (verdicts[n] !== false) return;
    wrong += 1;
    const want = JSON.stringify(wanted(feature, mode, era));
    const { value, error, code } = said[feature] ?? { error: "nothing was said" };
    const got = error === undefined ? JSON.stringify(value) : `${error}${code ? ` (${code})` : ""}`;
    console.log(`\n${name}, ${feature}:\n  expected ${want}\n  but was  ${got}`);
  });
}
console.log(`\n${cells.length} pairs, ${wrong} features are not as expected`);
process.exit(wrong > 0 ? 1 : 0);
