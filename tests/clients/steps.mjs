// SPDX-License-Identifier: MIT
// Runs the calls of a scenario with the TypeScript SDK 2.x in either era, and writes down results.
//
// Only what both eras have is run, and of a result only what both eras have is written, in the
// form that compare.mjs reads: so a server without a gateway in the handshake era can be held
// against the same server behind the gateway in the modern era. Argument: JSON, as in drive.mjs,
// with "mode": "legacy" or "modern".

import { readFileSync, writeFileSync } from "node:fs";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { answer, CAPABILITIES, fill } from "./drive.mjs";

const SERVER_INFO = "io.modelcontextprotocol/serverInfo";

/** Steps that live from a session: what a server keeps for one, or asks outside of any call. */
const SESSIONFUL = ["roots", "logging off", "updates off", "url elicitation as an error"];

/** What the one era says of itself and the other does not. */
function common(result) {
  const { resultType, ttlMs, cacheScope, _meta, ...rest } = result;
  const { [SERVER_INFO]: _, ...meta } = _meta ?? {};
  if (Object.keys(meta).length > 0) rest._meta = meta;
  // Tasks of the older era cannot be had through a gateway; tools that insist on them are hidden.
  if (rest.tools) {
    rest.tools = rest.tools
      .filter(({ execution }) => execution?.taskSupport !== "required")
      .map(({ execution, ...tool }) => tool);
  }
  return sorted(rest);
}

/** The SDK puts members that it does not know last, in one era more than in the other. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

const CALLS = {
  "tools/list": (client, params) => client.listTools(params),
  "tools/call": (client, params, options) => client.callTool(params, options),
  "prompts/list": (client, params) => client.listPrompts(params),
  "prompts/get": (client, params) => client.getPrompt(params),
  "resources/list": (client, params) => client.listResources(params),
  "resources/templates/list": (client, params) => client.listResourceTemplates(params),
  "resources/read": (client, params) => client.readResource(params),
  "completion/complete": (client, params) => client.complete(params),
};

const shared = (step) =>
  CALLS[step.method] && !step.raw && !step.await && !SESSIONFUL.includes(step.name);

/** One client and what it was answered. */
class Steps {
  constructor(job, record, tag, capable) {
    Object.assign(this, { job, record, tag, capable, dir: job.dir });
    this.names = { DIR: job.dir, CLIENT: tag };
  }

  async connect() {
    const { job } = this;
    const capabilities = this.capable ? CAPABILITIES : {};
    const mode = job.mode === "modern" ? { pin: "2026-07-28" } : "legacy";
    const about = { name: "steps", version: "2.0.0" };
    this.client = new Client(about, { capabilities, versionNegotiation: { mode } });
    for (const [name, method] of [
      ["sampling", "sampling/createMessage"],
      ["elicitation", "elicitation/create"],
      ["roots", "roots/list"],
    ]) {
      if (capabilities[name]) {
        this.client.setRequestHandler(method, (request) => answer(request, this));
      }
    }
    await this.client.connect(
      job.stdio
        ? new StdioClientTransport({ ...job.stdio, stderr: "ignore" })
        : new StreamableHTTPClientTransport(new URL(job.http.url)),
    );
  }

  write(id, line) {
    this.record.push(JSON.stringify({ client: this.tag, step: id, ...line }));
  }

  async run(step, turn) {
    const id = turn === undefined ? step.name : `${step.name}/${turn}`;
    const options = {};
    // Whether the last progress is heard before the answer is a matter of luck in this SDK.
    if (step.progress) options.onprogress = () => {};
    if (step.cancel_after_ms) options.signal = AbortSignal.timeout(step.cancel_after_ms);
    const params = fill(step.params ?? {}, { ...this.names, TURN: String(turn) });
    try {
      const result = await CALLS[step.method](this.client, params, options);
      this.write(id, { message: { id, result: common(result) } });
    } catch (error) {
      this.write(id, {
        error: String(error.message ?? error),
        code: error.code,
        expected: !!step.fails,
      });
    }
  }

  async crowd(scenario) {
    const turns = [];
    for (let turn = 0; turn < scenario.parallel; turn++) {
      for (const step of scenario.steps) {
        if (step.only !== "capable" || this.capable) turns.push(this.run(step, turn));
      }
    }
    await Promise.all(turns);
  }
}

const job = JSON.parse(process.argv[2]);
const scenario = JSON.parse(readFileSync(new URL("scenarios.json", import.meta.url)))[job.scenario];
const record = [];
const clients = [];
for (let n = 0; n < (scenario.clients ?? 1); n++) {
  const capable = scenario.capabilities === "every second" ? n % 2 === 0 : scenario.capabilities;
  clients.push(new Steps(job, record, `client-${n}`, capable));
}
await Promise.all(clients.map((client) => client.connect()));
// server-everything registers tools within the first half second.
await new Promise((resolve) => setTimeout(resolve, 600));
if (scenario.parallel) {
  await Promise.all(clients.map((client) => client.crowd(scenario)));
} else {
  for (const step of scenario.steps.filter(shared)) await clients[0].run(step);
}
await Promise.all(clients.map((client) => client.client.close()));
writeFileSync(job.out, `${record.join("\n")}\n`);
process.exit(0);
