// SPDX-License-Identifier: MIT
// Runs a scenario with one of the TypeScript SDKs and writes down every message that comes in.
//
// What an SDK is and how it is set up, it does not know: that is the `sdk` which the caller gives.
// Usage of the callers: node ts1.mjs JOB, where JOB is JSON:
//   {"scenario": NAME, "dir": PATH, "out": FILE,
//    "stdio": {"command", "args", "env"} or "http": {"url", "headers"}}

import { readFileSync, writeFileSync } from "node:fs";

const SETTLE_MS = 60;
const AWAIT_MS = 8000;

/** What every capable client offers, and how it answers the server. */
export const CAPABILITIES = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
};

export function answer(request, client) {
  switch (request.method) {
    case "sampling/createMessage":
      return {
        model: "scripted",
        role: "assistant",
        stopReason: "endTurn",
        content: { type: "text", text: `${client.tag} answers ${textOf(request.params)}` },
      };
    case "elicitation/create":
      return request.params.mode === "url"
        ? { action: "accept" }
        : { action: "accept", content: { name: "Zoë", check: true, integer: 42, number: 2.5 } };
    case "roots/list":
      return { roots: [{ uri: `file://${client.dir}`, name: "scenario" }] };
    default:
      throw new Error(`nobody answers ${request.method}`);
  }
}

function textOf(params) {
  const content = params.messages[0].content;
  return (Array.isArray(content) ? content[0] : content).text;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Replaces ${NAME} in strings and unfolds {"repeat", "times"}. */
export function fill(value, names) {
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)\}/g, (_, name) => names[name] ?? `?${name}?`);
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, names));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.repeat === "string") return value.repeat.repeat(value.times);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, names)]));
}

/** One client and the record of what it was sent. */
class Scripted {
  constructor(sdk, job, record, tag, capable) {
    Object.assign(this, { sdk, job, record, tag, capable, dir: job.dir });
    this.counts = {};
    this.names = { DIR: job.dir, CLIENT: tag };
    this.step = "connect";
  }

  async connect() {
    this.client = this.sdk.client(this.capable ? CAPABILITIES : {}, (request) => answer(request, this));
    const transport = this.sdk.transport(this.job);
    this.listen(transport);
    await this.client.connect(transport);
    this.transport = transport;
  }

  /** Both SDKs call the receiver that they find on a transport before their own. */
  listen(transport) {
    transport.onmessage = (message) => this.note(message);
  }

  note(message) {
    if (message.method) this.counts[message.method] = (this.counts[message.method] ?? 0) + 1;
    this.write({ message });
  }

  write(line) {
    this.record.push(JSON.stringify({ client: this.tag, step: this.step, ...line }));
  }

  async run(step) {
    this.step = step.name;
    try {
      if (step.notify) await this.client.notification({ method: step.notify });
      if (step.method) await this.request(step);
    } catch (error) {
      this.write({ error: String(error.message ?? error), code: error.code, expected: !!step.fails });
    }
    const until = Date.now() + AWAIT_MS;
    while (!this.satisfied(step.await)) {
      await sleep(10);
      if (Date.now() < until) continue;
      this.write({ error: `waited in vain for ${JSON.stringify(step.await)}`, expected: false });
      return;
    }
  }

  satisfied(counts) {
    return Object.entries(counts ?? {}).every(([method, n]) => (this.counts[method] ?? 0) >= n);
  }

  async request(step) {
    const params = fill(step.params, this.names);
    let cursor;
    do {
      const result = await this.call(step, cursor ? { ...params, cursor } : params);
      for (const [name, path] of Object.entries(step.capture ?? {})) {
        this.names[name] = path.reduce((value, key) => value?.[key], result);
      }
      cursor = step.pages ? result.nextCursor : undefined;
    } while (cursor);
  }

  call(step, params) {
    const options = {};
    if (step.progress) options.onprogress = () => {};
    if (step.cancel_after_ms) options.signal = AbortSignal.timeout(step.cancel_after_ms);
    if (step.raw) return this.sdk.request(this.client, step.method, params, options);
    switch (step.method) {
      case "ping":
        return this.client.ping(options);
      case "tools/list":
        return this.client.listTools(params, options);
      case "tools/call":
        return this.sdk.callTool(this.client, params, options);
      case "prompts/list":
        return this.client.listPrompts(params, options);
      case "prompts/get":
        return this.client.getPrompt(params, options);
      case "resources/list":
        return this.client.listResources(params, options);
      case "resources/templates/list":
        return this.client.listResourceTemplates(params, options);
      case "resources/read":
        return this.client.readResource(params, options);
      case "resources/subscribe":
        return this.client.subscribeResource(params, options);
      case "resources/unsubscribe":
        return this.client.unsubscribeResource(params, options);
      case "completion/complete":
        return this.client.complete(params, options);
      case "logging/setLevel":
        return this.client.setLoggingLevel(params.level, options);
      default:
        return this.sdk.request(this.client, step.method, params, options);
    }
  }

  /** All steps many times at once; the ids tell the answers apart. */
  async crowd(scenario) {
    const turns = [];
    for (let turn = 0; turn < scenario.parallel; turn++) {
      for (const step of scenario.steps) {
        if (step.only === "capable" && !this.capable) continue;
        this.names.TURN = String(turn);
        turns.push(this.request(step).catch((error) =>
          this.write({ error: String(error.message), expected: false })));
      }
    }
    await Promise.all(turns);
  }

  async close() {
    this.step = "close";
    await sleep(SETTLE_MS);
    await this.transport.terminateSession?.();
    await this.client.close();
  }
}

export async function main(sdk) {
  const job = JSON.parse(process.argv[2]);
  const scenarios = JSON.parse(readFileSync(new URL("scenarios.json", import.meta.url)));
  const scenario = scenarios[job.scenario];
  const record = [];
  const clients = [];
  for (let n = 0; n < (scenario.clients ?? 1); n++) {
    const capable = scenario.capabilities === "every second" ? n % 2 === 0 : scenario.capabilities;
    clients.push(new Scripted(sdk, job, record, `client-${n}`, capable));
  }
  await Promise.all(clients.map((client) => client.connect()));
  if (scenario.parallel) {
    // The server registers tools and asks for roots within the first half second.
    await sleep(600);
    await Promise.all(clients.map((client) => client.crowd(scenario)));
  } else {
    for (const step of scenario.steps) await clients[0].run(step);
  }
  await Promise.all(clients.map((client) => client.close()));
  writeFileSync(job.out, record.join("\n") + "\n");
  process.exit(0);
}
