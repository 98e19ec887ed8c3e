# SPDX-License-Identifier: MIT
"""Runs a scenario with the Python SDK and writes down every message that comes in.

The twin of drive.mjs: same scenarios, same record, same JOB in the only argument.
"""

import json
import re
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp.types as types
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter

SETTLE_S = 0.06
AWAIT_S = 8.0
CALL_S = 30.0
ANYTHING = TypeAdapter(dict)


def fill(value, names):
    """Replaces ${NAME} in strings and unfolds {"repeat", "times"}."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: names.get(match[1], "?"), value)
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    if "repeat" in value:
        return value["repeat"] * value["times"]
    return {key: fill(item, names) for key, item in value.items()}


class Scripted:
    """One client and the record of what it was sent."""

    def __init__(self, job, record, tag, capable):
        self.job, self.record, self.tag, self.capable = job, record, tag, capable
        self.counts = {}
        self.names = {"DIR": job["dir"], "CLIENT": tag}
        self.step = "connect"

    async def connect(self, stack):
        """Opens the transport and shakes hands."""
        read, write = await stack.enter_async_context(self.listened())
        callbacks = {}
        if self.capable:
            callbacks = {
                "sampling_callback": self.sample,
                "elicitation_callback": self.elicit,
                "list_roots_callback": self.roots,
            }
        info = types.Implementation(name="py", version="2.0.0")
        session = ClientSession(read, write, client_info=info, **callbacks)
        self.session = await stack.enter_async_context(session)
        await self.session.initialize()

    @asynccontextmanager
    async def listened(self):
        """The transport, with every incoming message noted on its way."""
        async with AsyncExitStack() as stack:
            read, write = await stack.enter_async_context(self.transport(stack))
            writer, reader = anyio.create_memory_object_stream(64)
            tasks = await stack.enter_async_context(anyio.create_task_group())

            async def pump():
                async with writer:
                    async for item in read:
                        if not isinstance(item, Exception):
                            dumped = item.message.model_dump(
                                by_alias=True, mode="json", exclude_unset=True
                            )
                            self.note(dumped)
                        await writer.send(item)

            tasks.start_soon(pump)
            yield reader, write
            tasks.cancel_scope.cancel()

    def transport(self, stack):
        """What the job asks for."""
        if "stdio" in self.job:
            parameters = StdioServerParameters(**self.job["stdio"])
            return stdio_client(parameters, errlog=open("/dev/null", "w", encoding="utf-8"))
        http = self.job["http"]
        client = httpx2.AsyncClient(headers=http["headers"], timeout=httpx2.Timeout(30, read=300))
        return streamable_http_client(http["url"], http_client=client)

    async def sample(self, _context, params):
        content = params.messages[0].content
        content = content[0] if isinstance(content, list) else content
        return types.CreateMessageResult(
            model="scripted",
            role="assistant",
            stop_reason="endTurn",
            content=types.TextContent(type="text", text=f"{self.tag} answers {content.text}"),
        )

    async def elicit(self, _context, params):
        if getattr(params, "mode", None) == "url":
            return types.ElicitResult(action="accept")
        content = {"name": "Zoë", "check": True, "integer": 42, "number": 2.5}
        return types.ElicitResult(action="accept", content=content)

    async def roots(self, _context):
        return types.ListRootsResult(
            roots=[types.Root(uri=f"file://{self.job['dir']}", name="scenario")]
        )

    def note(self, message):
        if "method" in message:
            method = message["method"]
            self.counts[method] = self.counts.get(method, 0) + 1
        self.write({"message": message})

    def write(self, line):
        self.record.append(json.dumps({"client": self.tag, "step": self.step, **line}))

    async def run(self, step):
        self.step = step["name"]
        try:
            if "notify" in step:
                await self.session.send_notification(types.RootsListChangedNotification())
            if "method" in step:
                await self.request(step)
        except MCPError as error:
            expected = step.get("fails", False)
            self.write({"error": error.error.message, "code": error.error.code, "expected": expected})
        except Exception as error:  # what the SDK makes of an answer is part of the record
            self.write({"error": f"{type(error).__name__}: {error}", "expected": False})
        with anyio.move_on_after(AWAIT_S) as scope:
            while not self.satisfied(step.get("await", {})):
                await anyio.sleep(0.01)
        if scope.cancelled_caught:
            self.write({"error": f"waited in vain for {step['await']}", "expected": False})

    def satisfied(self, counts):
        return all(self.counts.get(method, 0) >= n for method, n in counts.items())

    async def request(self, step):
        params = fill(step.get("params"), self.names)
        cursor = None
        while True:
            result = await self.call(step, {**(params or {}), "cursor": cursor} if cursor else params)
            for name, path in step.get("capture", {}).items():
                value = result
                for key in path:
                    value = value[key]
                self.names[name] = value
            cursor = result.get("nextCursor") if step.get("pages") and result else None
            if not cursor:
                return

    async def call(self, step, params):
        async def progress(*_):
            pass

        if step.get("raw"):  # this SDK knows no tasks
            return await self.session._dispatcher.send_raw_request(step["method"], params, {})
        request = types.Request[dict[str, Any] | None, str](method=step["method"], params=params)
        if not step.get("cancel_after_ms"):
            return await self.session.send_request(
                request,
                ANYTHING,
                request_read_timeout_seconds=CALL_S,
                progress_callback=progress if step.get("progress") else None,
            )
        with anyio.move_on_after(step["cancel_after_ms"] / 1000):
            return await self.session.send_request(request, ANYTHING, progress_callback=progress)
        self.write({"error": "cancelled", "expected": True})

    async def crowd(self, scenario):
        """All steps many times at once; the ids tell the answers apart."""

        async def one(step, turn):
            names = {**self.names, "TURN": str(turn)}
            try:
                await self.call(step, fill(step["params"], names))
            except MCPError as error:
                self.write({"error": error.error.message, "expected": False})

        async with anyio.create_task_group() as tasks:
            for turn in range(scenario["parallel"]):
                for step in scenario["steps"]:
                    if step.get("only") != "capable" or self.capable:
                        tasks.start_soon(one, step, turn)


async def main():
    job = json.loads(sys.argv[1])
    scenario = json.loads((Path(__file__).parent / "scenarios.json").read_text())[job["scenario"]]
    record = []
    clients = []
    for n in range(scenario.get("clients", 1)):
        capable = n % 2 == 0 if scenario["capabilities"] == "every second" else scenario["capabilities"]
        clients.append(Scripted(job, record, f"client-{n}", capable))

    ready = anyio.Event()
    done = []

    async def live(client):
        async with AsyncExitStack() as stack:
            await client.connect(stack)
            if "parallel" in scenario:
                # The server registers tools and asks for roots within the first half second.
                done.append(client)
                if len(done) == len(clients):
                    ready.set()
                await ready.wait()
                await anyio.sleep(0.6)
                await client.crowd(scenario)
            else:
                for step in scenario["steps"]:
                    await client.run(step)
            client.step = "close"
            await anyio.sleep(SETTLE_S)

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(live, client)
    Path(job["out"]).write_text("\n".join(record) + "\n", encoding="utf-8")


anyio.run(main)
