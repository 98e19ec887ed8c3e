# SPDX-License-Identifier: MIT
"""The Python SDK 2.x as a client of the matrix, in either era."""

import warnings
from contextlib import asynccontextmanager

import mcp.types as types
from matrix_drive import elicit, list_roots, main, sample
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

warnings.simplefilter("ignore")


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
        return await self.client.call_tool(name, arguments, progress_callback=progress, meta=meta)

    async def page(self, kind, cursor):
        return await getattr(self.client, f"list_{kind}")(cursor=cursor)

    async def read(self, uri):
        return await self.client.read_resource(uri)

    async def get(self, name, arguments):
        return await self.client.get_prompt(name, arguments)

    async def complete(self, ref, argument):
        return await self.client.complete(ref, argument)

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    async def subscribe(self, uri):
        await self.client.subscribe_resource(uri)

    async def unsubscribe(self, uri):
        await self.client.unsubscribe_resource(uri)

    def listen(self, **filter):
        return self.client.listen(**filter)

    async def ping(self):
        await self.client.send_ping()


@asynccontextmanager
async def make(job, features):
    server = job.get("url")
    if "stdio" in job:
        quiet = open("/dev/null", "w", encoding="utf-8")
        server = stdio_client(StdioServerParameters(**job["stdio"]), errlog=quiet)
    client = Client(
        server,
        # Left alone, this SDK asks the server what it speaks.
        mode="auto" if job["mode"] == "modern" else "legacy",
        sampling_callback=sample,
        elicitation_callback=elicit,
        list_roots_callback=list_roots,
        logging_callback=features.note_line,
        message_handler=features.note,
        client_info=types.Implementation(name="py", version="2.0.0"),
    )
    async with client:
        yield Sdk(client)


main(make)
