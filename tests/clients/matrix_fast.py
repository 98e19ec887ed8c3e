# SPDX-License-Identifier: MIT
"""FastMCP 4.x as a client of the matrix, in either era."""

import warnings
from contextlib import asynccontextmanager

import fastmcp
import matrix_drive
import mcp.types as types
from fastmcp.client.transports import StdioTransport
from matrix_drive import main

warnings.simplefilter("ignore")


async def sample(messages, params, context):
    return await matrix_drive.sample(context, params)


async def elicit(_message, _response_type, params, context):
    return await matrix_drive.elicit(context, params)


class Sdk:
    """How this SDK does what matrix_drive.py asks for."""

    def __init__(self, client):
        self.client = client

    def info(self):
        client = self.client
        return (
            client.protocol_version,
            client.server_info.name,
            client.instructions,
            client.server_capabilities,
        )

    async def call(self, name, arguments, progress=None, meta=None):
        return await self.client.call_tool_mcp(
            name, arguments, progress_handler=progress, meta=meta
        )

    async def page(self, kind, cursor):
        return await getattr(self.client, f"list_{kind}_mcp")(cursor=cursor)

    async def read(self, uri):
        return await self.client.read_resource_mcp(uri)

    async def get(self, name, arguments):
        return await self.client.get_prompt_mcp(name, arguments)

    async def complete(self, ref, argument):
        return await self.client.complete_mcp(ref, argument)

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    async def subscribe(self, uri):
        await self.client.session.subscribe_resource(uri)

    async def unsubscribe(self, uri):
        await self.client.session.unsubscribe_resource(uri)

    def listen(self, **filter):
        from mcp.client.subscriptions import listen

        return listen(self.client.session, **filter)

    async def ping(self):
        await self.client.ping()


@asynccontextmanager
async def make(job, features):
    server = job.get("url")
    if "stdio" in job:
        quiet = open("/dev/null", "w", encoding="utf-8")
        server = StdioTransport(**job["stdio"], log_file=quiet, keep_alive=False)
    client = fastmcp.Client(
        server,
        mode="auto" if job["mode"] == "modern" else "legacy",
        roots=["file:///matrix"],
        sampling_handler=sample,
        elicitation_handler=elicit,
        log_handler=features.note_line,
        message_handler=features.note,
        client_info=types.Implementation(name="fast", version="4.0.0"),
    )
    async with client:
        yield Sdk(client)


main(make)
