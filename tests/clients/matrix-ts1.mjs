// SPDX-License-Identifier: MIT
// The TypeScript SDK 1.x as a client of the matrix; it knows only the handshake era.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { answer, CAPABILITIES, main } from "./matrix-drive.mjs";

await main({
  client() {
    const client = new Client({ name: "ts1", version: "1.0.0" }, { capabilities: CAPABILITIES });
    for (const schema of [
      CreateMessageRequestSchema,
      ElicitRequestSchema,
      ListRootsRequestSchema,
    ]) {
      client.setRequestHandler(schema, answer);
    }
    return client;
  },
  transport: (job) =>
    job.stdio
      ? new StdioClientTransport({ ...job.stdio, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(job.url)),
  callTool: (client, params, options) => client.callTool(params, undefined, options),
});
