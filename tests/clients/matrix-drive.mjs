// SPDX-License-Identifier: MIT
// Uses every feature of the server of matrix.json with one of the TypeScript SDKs.
//
// What an SDK is and how it is set up, it does not know: that is the `sdk` which the caller gives.
// Prints one JSON line per feature: {"feature", "value"} or {"feature", "error"}. The argument of
// the callers is JSON: {"mode": "legacy" | "modern", "stdio": {"command", "args"} or "url": URL}, and
// {"prefix": TEXT} if that precedes the names of tools and prompts there.

const PATIENCE_MS = 15000;
const LEVEL = "io.modelcontextprotocol/logLevel";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is true; says whether it became so. */
async function until(holds, ms = 3000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    if (await holds()) return true;
  }
  return false;
}

export const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };

/** What the client says when a server asks. */
export function answer({ method, params }) {
  if (method === "roots/list") return { roots: [{ uri: "file:///matrix", name: "matrix" }] };
  if (method === "sampling/createMessage") {
    const { content } = params.messages[0];
    const text = (Array.isArray(content) ? content[0] : content).text;
    return {
      model: "scripted",
      role: "assistant",
      content: { type: "text", text: `scripted: ${text}` },
    };
  }
  if (params.mode === "url") {
    return { action: params.url === "https://example.com/consent" ? "accept" : "cancel" };
  }
  if (params.message.includes("decline")) return { action: "decline" };
  const content = params.requestedSchema.properties.answer
    ? { answer: `${params.message}!` }
    : { name: "Zoë", age: 42 };
  return { action: "accept", content };
}

/** Every feature: what it does with a connected client, and what is worth comparing of it. */
class Features {
  updated_ = [];
  changed_ = 0;
  logged_ = [];

  constructor(sdk, client, modern, prefix) {
    Object.assign(this, { sdk, client, modern, prefix });
    client.fallbackNotificationHandler = async ({ method, params }) => {
      if (method === "notifications/resources/updated") this.updated_.push(params.uri);
      if (method === "notifications/tools/list_changed") this.changed_ += 1;
      if (method === "notifications/message") this.logged_.push(params.data);
    };
  }

  callTool({ name, ...rest }, options) {
    return this.sdk.callTool(this.client, { name: this.prefix + name, ...rest }, options);
  }

  /** The names in a list, without what precedes them. */
  names(list) {
    const own = list.map(({ name }) => name).filter((name) => name.startsWith(this.prefix));
    return own.map((name) => name.slice(this.prefix.length)).sort();
  }

  async text(name, args = {}, options) {
    const { content } = await this.callTool({ name, arguments: args }, options);
    return content[0].text;
  }

  /** The code of an error as it was on the wire: the SDK 2.x shows one era the other one's. */
  async code(call) {
    this.sdk.wire.code = undefined;
    try {
      await call();
      return "no error";
    } catch (error) {
      return this.sdk.wire.code ?? error.code ?? String(error);
    }
  }

  async pages(list, key) {
    const all = [];
    let cursor;
    do {
      const page = await list(cursor ? { cursor } : {});
      all.push(...page[key]);
      cursor = page.nextCursor;
    } while (cursor);
    return all;
  }

  async listen(filter, during) {
    const { client } = this;
    if (this.modern) {
      const subscription = await client.listen(filter);
      await during();
      return subscription.close();
    }
    for (const uri of filter.resourceSubscriptions ?? []) await client.subscribeResource({ uri });
    await during();
    for (const uri of filter.resourceSubscriptions ?? []) await client.unsubscribeResource({ uri });
  }

  connect() {
    return {
      version: this.client.getNegotiatedProtocolVersion?.() ?? this.sdk.wire.version,
      name: this.client.getServerVersion()?.name,
      instructions: this.client.getInstructions(),
      capabilities: Object.keys(this.client.getServerCapabilities()).sort(),
    };
  }

  async tools() {
    const tools = await this.pages((params) => this.client.listTools(params), "tools");
    // A tool of modern servers only; it has a feature of its own.
    return this.names(tools).filter((name) => name !== "numbers");
  }

  async prompts() {
    const all = await this.pages((params) => this.client.listPrompts(params), "prompts");
    return this.names(all);
  }

  async resources() {
    const all = await this.pages((params) => this.client.listResources(params), "resources");
    return all.map(({ uri }) => uri).sort();
  }

  async templates() {
    const list = (params) => this.client.listResourceTemplates(params);
    return (await this.pages(list, "resourceTemplates")).map(({ uriTemplate }) => uriTemplate);
  }

  call() {
    return this.text("echo", { text: 'Zürich "\\ \u2028 😀' });
  }

  async result(name, args = {}) {
    const result = await this.callTool({ name, arguments: args });
    return { text: result.content[0].text, value: result.structuredContent };
  }

  structured() {
    return this.result("structured", { city: "Bern" });
  }

  numbers() {
    return this.result("numbers");
  }

  field() {
    return this.text("located", { region: "Zürich" });
  }

  async read() {
    const uris = ["matrix://note", "matrix://blob", "matrix://item/7"];
    const results = await Promise.all(uris.map((uri) => this.client.readResource({ uri })));
    return results.map(({ contents: [one] }) => one.text ?? one.blob);
  }

  async get() {
    const params = { name: `${this.prefix}greet`, arguments: { name: "Zoë" } };
    return (await this.client.getPrompt(params)).messages[0].content.text;
  }

  async complete() {
    const ref = { type: "ref/prompt", name: `${this.prefix}greet` };
    const argument = { name: "name", value: "a" };
    return (await this.client.complete({ ref, argument })).completion.values;
  }

  async progress() {
    const steps = [];
    const onprogress = ({ progress, total, message }) => steps.push([progress, total, message]);
    return { text: await this.text("progress", { steps: 3 }, { onprogress }), steps };
  }

  async log() {
    const params = { name: "log", arguments: {} };
    if (this.modern) params._meta = { [LEVEL]: "warning" };
    else await this.client.setLoggingLevel("warning");
    this.logged_ = [];
    await this.callTool(params);
    await until(() => this.logged_.length > 0, 1000);
    await sleep(50);
    return this.logged_;
  }

  async cancel() {
    const tag = `${process.pid}-${Date.now()}`;
    const signal = AbortSignal.timeout(300);
    const answered = await this.text("slow", { tag }, { signal }).then(
      () => true,
      () => false,
    );
    let cancelled;
    await until(async () => (cancelled = await this.text("was_cancelled", { tag })) === "yes");
    return { answered, cancelled };
  }

  sampling() {
    return this.text("sample", { prompt: "what now?" });
  }

  form() {
    return this.text("form");
  }

  decline() {
    return this.text("decline");
  }

  url() {
    return this.text("consent");
  }

  roots() {
    return this.text("roots");
  }

  rounds() {
    return this.text("rounds");
  }

  both() {
    return this.text("both");
  }

  async updated() {
    const uri = "matrix://note";
    await this.listen({ resourceSubscriptions: [uri] }, async () => {
      await this.text("touch", { uri });
      await this.text("touch", { uri: "matrix://blob" });
      await until(() => this.updated_.length > 0);
      await sleep(50);
    });
    const subscribed = [...new Set(this.updated_)];
    this.updated_ = [];
    await this.text("touch", { uri });
    await sleep(200);
    return { subscribed, afterwards: this.updated_ };
  }

  async list_changed() {
    await this.listen({ toolsListChanged: true }, async () => {
      this.changed_ = 0;
      await this.text("change");
      await until(() => this.changed_ > 0);
    });
    return this.changed_ > 0;
  }

  async tool_error() {
    const { content, isError } = await this.callTool({ name: "fail", arguments: {} });
    return { isError, text: content[0].text };
  }

  unknown_tool() {
    return this.code(() => this.text("no_such_tool"));
  }

  unknown_prompt() {
    return this.code(() => this.client.getPrompt({ name: `${this.prefix}no_such_prompt` }));
  }

  unknown_resource() {
    return this.code(() => this.client.readResource({ uri: "matrix://nowhere" }));
  }

  async ping() {
    if (this.modern) return "absent";
    await this.client.ping();
    return true;
  }
}

const NAMES = Object.getOwnPropertyNames(Features.prototype);
const INNER = ["constructor", "callTool", "names", "text", "code", "pages", "listen", "result"];

function tooLate() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("no answer in time")), PATIENCE_MS).unref();
  });
}

export async function main(sdk) {
  const job = JSON.parse(process.argv[2]);
  const modern = job.mode === "modern";
  const print = (line) => console.log(JSON.stringify(line));
  const client = sdk.client(modern);
  const transport = sdk.transport(job);
  // Both SDKs call the receiver that they find on a transport before their own.
  sdk.wire = {};
  transport.onmessage = ({ result, error }) => {
    sdk.wire.version = result?.protocolVersion ?? sdk.wire.version;
    sdk.wire.code = error?.code ?? sdk.wire.code;
  };
  try {
    await Promise.race([client.connect(transport), tooLate()]);
  } catch (error) {
    print({ feature: "connect", error: String(error?.message ?? error) });
    process.exit(0);
  }
  const features = new Features(sdk, client, modern, job.prefix ?? "");
  for (const feature of NAMES.filter((name) => !INNER.includes(name))) {
    if (job.only && !job.only.includes(feature)) continue;
    try {
      print({ feature, value: await Promise.race([features[feature](), tooLate()]) });
    } catch (error) {
      print({ feature, error: String(error?.message ?? error), code: error?.code });
    }
  }
  await Promise.race([client.close(), sleep(2000)]);
  process.exit(0);
}
