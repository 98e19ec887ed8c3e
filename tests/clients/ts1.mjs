// SPDX-License-Identifier: MIT
// The TypeScript SDK 1.x as a client. See drive.mjs.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { main } from "./drive.mjs";

// This SDK resumes a stream that ended with an error response, and server-everything then replays
// all streams of the session: without a gateway, a scenario sees most of its messages twice.
const NEVER = {
  maxRetries: 0,
  initialReconnectionDelay: 1e6,
  maxReconnectionDelay: 1e6,
  reconnectionDelayGrowFactor: 1,
};

await main({
  client(capabilities, answer) {
    const client = new Client({ name: "ts1", version: "1.0.0" }, { capabilities });
    if (capabilities.sampling) client.setRequestHandler(CreateMessageRequestSchema, answer);
    if (capabilities.elicitation) client.setRequestHandler(ElicitRequestSchema, answer);
    if (capabilities.roots) client.setRequestHandler(ListRootsRequestSchema, answer);
    return client;
  },
  transport(job) {
    return job.stdio
      ? new StdioClientTransport({ ...job.stdio, stderr: "ignore" })
      : new StreamableHTTPClientTransport(new URL(job.http.url), {
          requestInit: { headers: job.http.headers },
          ...(job.http.resume === false && { reconnectionOptions: NEVER }),
        });
  },
  request: (client, method, params, options) =>
    client.request({ method, params }, ResultSchema, options),
  callTool: (client, params, options) => client.callTool(params, undefined, options),
});
