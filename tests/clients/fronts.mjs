// SPDX-License-Identifier: MIT
// The TypeScript SDKs over the older transport, and SDK 1.x over WebSocket. See drive.mjs.
//
// Beside what drive.mjs says of JOB: {"sdk": 1 or 2, "sse": URL or "ws": URL}.

import { main } from "./drive.mjs";

/** A schema (standardschema.dev) that takes whatever comes. */
const anything = { "~standard": { version: 1, vendor: "penstock", validate: (value) => ({ value }) } };

const job = JSON.parse(process.argv[2]);

async function first() {
  const root = "@modelcontextprotocol/sdk";
  const { Client } = await import(`${root}/client/index.js`);
  const { StdioClientTransport } = await import(`${root}/client/stdio.js`);
  const { SSEClientTransport } = await import(`${root}/client/sse.js`);
  const { WebSocketClientTransport } = await import(`${root}/client/websocket.js`);
  const types = await import(`${root}/types.js`);
  return {
    client(capabilities, answer) {
      const client = new Client({ name: "fronts", version: "1.0.0" }, { capabilities });
      if (capabilities.sampling) client.setRequestHandler(types.CreateMessageRequestSchema, answer);
      if (capabilities.elicitation) client.setRequestHandler(types.ElicitRequestSchema, answer);
      if (capabilities.roots) client.setRequestHandler(types.ListRootsRequestSchema, answer);
      return client;
    },
    transport() {
      if (job.sse) return new SSEClientTransport(new URL(job.sse));
      if (job.ws) return new WebSocketClientTransport(new URL(job.ws));
      return new StdioClientTransport({ ...job.stdio, stderr: "ignore" });
    },
    request: (client, method, params, options) =>
      client.request({ method, params }, types.ResultSchema, options),
    callTool: (client, params, options) => client.callTool(params, undefined, options),
  };
}

async function second() {
  const { Client, SSEClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  return {
    client(capabilities, answer) {
      const client = new Client(
        { name: "fronts", version: "2.0.0" },
        { capabilities, versionNegotiation: { mode: "legacy" } },
      );
      if (capabilities.sampling) client.setRequestHandler("sampling/createMessage", answer);
      if (capabilities.elicitation) client.setRequestHandler("elicitation/create", answer);
      if (capabilities.roots) client.setRequestHandler("roots/list", answer);
      return client;
    },
    transport: () =>
      job.sse
        ? new SSEClientTransport(new URL(job.sse))
        : new StdioClientTransport({ ...job.stdio, stderr: "ignore" }),
    request: (client, method, params, options) =>
      client.request({ method, params }, anything, options),
    callTool: (client, params, options) => client.callTool(params, options),
  };
}

await main(await (job.sdk === 2 ? second() : first()));
