// SPDX-License-Identifier: MIT
// The TypeScript SDK 2.x as a client of the matrix, in either era.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { answer, CAPABILITIES, main } from "./matrix-drive.mjs";

await main({
  client(modern) {
    const mode = modern ? { pin: "2026-07-28" } : "legacy";
    const client = new Client(
      { name: "ts2", version: "2.0.0" },
      { capabilities: CAPABILITIES, versionNegotiation: { mode } },
    );
    for (const method of ["sampling/createMessage", "elicitation/create", "roots/list"]) {
      client.setRequestHandler(method, answer);
    }
    return client;
  },
  transport: (job) =>
    job.stdio
      ? new StdioClientTransport({ ...job.stdio, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(job.url)),
  callTool: (client, params, options) => client.callTool(params, options),
});
