// SPDX-License-Identifier: MIT
// The TypeScript SDK 2.x as a client of the handshake era. See drive.mjs.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { main } from "./drive.mjs";

/** A schema (standardschema.dev) that takes whatever comes. */
const anything = { "~standard": { version: 1, vendor: "penstock", validate: (value) => ({ value }) } };

await main({
  client(capabilities, answer) {
    const client = new Client(
      { name: "ts2", version: "2.0.0" },
      { capabilities, versionNegotiation: { mode: "legacy" } },
    );
    if (capabilities.sampling) client.setRequestHandler("sampling/createMessage", answer);
    if (capabilities.elicitation) client.setRequestHandler("elicitation/create", answer);
    if (capabilities.roots) client.setRequestHandler("roots/list", answer);
    return client;
  },
  transport(job) {
    return job.stdio
      ? new StdioClientTransport({ ...job.stdio, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(job.http.url), {
          requestInit: { headers: job.http.headers },
        });
  },
  request: (client, method, params, options) => client.request({ method, params }, anything, options),
  callTool: (client, params, options) => client.callTool(params, options),
});
