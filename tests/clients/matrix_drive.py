# SPDX-License-Identifier: MIT
"""Uses every feature of the server of matrix.json with one of the Python SDKs.

The twin of matrix-drive.mjs: same features, same lines, same JSON in the only argument.
"""

import json
import os
import sys
import time
import traceback

import anyio
import mcp.types as types
from mcp.shared.exceptions import MCPError

PATIENCE_S = 15
LEVEL = "io.modelcontextprotocol/logLevel"


async def until(holds, seconds=3.0):
    """Waits until something is true; says whether it became so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await holds():
            return True
        await anyio.sleep(0.02)
    return False


async def sample(_context, params):
    content = params.messages[0].content
    content = content[0] if isinstance(content, list) else content
    return types.CreateMessageResult(
        model="scripted",
        role="assistant",
        content=types.TextContent(type="text", text=f"scripted: {content.text}"),
    )


async def elicit(_context, params):
    if getattr(params, "mode", None) == "url":
        right = str(params.url) == "https://example.com/consent"
        return types.ElicitResult(action="accept" if right else "cancel")
    if "decline" in params.message:
        return types.ElicitResult(action="decline")
    asked = params.requested_schema["properties"]
    content = {"answer": f"{params.message}!"} if "answer" in asked else {"name": "Zoë", "age": 42}
    return types.ElicitResult(action="accept", content=content)


async def list_roots(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///matrix", name="matrix")])


class Features:
    """Every feature: what it does with a connected client, and what is worth comparing of it.

    The `sdk` hides how the two Python SDKs differ: `call`, `read`, `get`, `complete`, `page`,
    `info`, `set_level`, `subscribe`, `unsubscribe`, `listen` and `ping`.
    """

    def __init__(self, sdk, modern, prefix):
        self.sdk, self.modern, self.prefix = sdk, modern, prefix
        self.uris, self.changes, self.lines = [], 0, []

    async def note(self, message):
        """Remembers what the server tells unasked; what a listener is told, `follow` remembers."""
        method = getattr(message, "method", None)
        if self.modern:
            return
        if method == "notifications/resources/updated":
            self.uris.append(str(message.params.uri))
        elif method == "notifications/tools/list_changed":
            self.changes += 1

    async def note_line(self, params):
        self.lines.append(params.data)

    async def call_tool(self, name, arguments, **options):
        return await self.sdk.call(self.prefix + name, arguments, **options)

    def names(self, everything):
        """The names in a list, without what precedes them."""
        names = [one.name for one in everything if one.name.startswith(self.prefix)]
        return sorted(name[len(self.prefix) :] for name in names)

    async def text(self, name, arguments=None, **options):
        result = await self.call_tool(name, arguments or {}, **options)
        return result.content[0].text

    async def code(self, call):
        try:
            await call
        except MCPError as error:
            return error.error.code
        return "no error"

    async def pages(self, kind):
        everything, cursor = [], None
        while True:
            page = await self.sdk.page(kind, cursor)
            everything += getattr(page, kind)
            cursor = page.next_cursor
            if not cursor:
                return everything

    async def result(self, name, **arguments):
        result = await self.call_tool(name, arguments)
        return {"text": result.content[0].text, "value": result.structured_content}

    async def connect(self):
        version, name, instructions, capabilities = self.sdk.info()
        known = capabilities.model_dump(by_alias=True, exclude_none=True)
        return {
            "version": version,
            "name": name,
            "instructions": instructions,
            "capabilities": sorted(known),
        }

    async def tools(self):
        names = self.names(await self.pages("tools"))
        # A tool of modern servers only; it has a feature of its own.
        return [name for name in names if name != "numbers"]

    async def prompts(self):
        return self.names(await self.pages("prompts"))

    async def resources(self):
        return sorted(str(resource.uri) for resource in await self.pages("resources"))

    async def templates(self):
        return [template.uri_template for template in await self.pages("resource_templates")]

    async def call(self):
        return await self.text("echo", {"text": 'Zürich "\\ \u2028 😀'})

    async def structured(self):
        return await self.result("structured", city="Bern")

    async def numbers(self):
        return await self.result("numbers")

    async def field(self):
        return await self.text("located", {"region": "Zürich"})

    async def read(self):
        texts = []
        for uri in ["matrix://note", "matrix://blob", "matrix://item/7"]:
            content = (await self.sdk.read(uri)).contents[0]
            texts.append(content.blob if hasattr(content, "blob") else content.text)
        return texts

    async def get(self):
        return (await self.sdk.get(f"{self.prefix}greet", {"name": "Zoë"})).messages[0].content.text

    async def complete(self):
        ref = types.PromptReference(name=f"{self.prefix}greet")
        return (await self.sdk.complete(ref, {"name": "name", "value": "a"})).completion.values

    async def progress(self):
        steps = []

        async def told(progress, total, message):
            number = lambda value: int(value) if value == int(value) else value
            steps.append([number(progress), number(total), message])

        return {"text": await self.text("progress", {"steps": 3}, progress=told), "steps": steps}

    async def cancel(self):
        tag = f"{os.getpid()}-{time.time()}"
        answered = False
        with anyio.move_on_after(0.3):
            await self.text("slow", {"tag": tag})
            answered = True
        said = None

        async def cancelled():
            nonlocal said
            said = await self.text("was_cancelled", {"tag": tag})
            return said == "yes"

        await until(cancelled)
        return {"answered": answered, "cancelled": said}

    async def sampling(self):
        return await self.text("sample", {"prompt": "what now?"})

    async def form(self):
        return await self.text("form")

    async def decline(self):
        return await self.text("decline")

    async def url(self):
        return await self.text("consent")

    async def roots(self):
        return await self.text("roots")

    async def rounds(self):
        return await self.text("rounds")

    async def both(self):
        return await self.text("both")

    async def log(self):
        if not self.modern:
            await self.sdk.set_level("warning")
        self.lines = []
        await self.call_tool("log", {}, meta={LEVEL: "warning"} if self.modern else None)

        async def told():
            return bool(self.lines)

        await until(told, 1.0)
        await anyio.sleep(0.05)
        return self.lines

    async def listen(self, during, uris=(), **filter):
        if self.modern:
            async with self.sdk.listen(resource_subscriptions=uris, **filter) as subscription:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.follow, subscription)
                    await during()
                    tasks.cancel_scope.cancel()
            return
        for uri in uris:
            await self.sdk.subscribe(uri)
        await during()
        for uri in uris:
            await self.sdk.unsubscribe(uri)

    async def follow(self, subscription):
        async for event in subscription:
            if hasattr(event, "uri"):
                self.uris.append(str(event.uri))
            elif type(event).__name__ == "ToolsListChanged":
                self.changes += 1

    async def updated(self):
        uri = "matrix://note"

        async def during():
            await self.text("touch", {"uri": uri})
            await self.text("touch", {"uri": "matrix://blob"})

            async def told():
                return bool(self.uris)

            await until(told)
            await anyio.sleep(0.05)

        await self.listen(during, uris=[uri])
        subscribed, self.uris = sorted(set(self.uris)), []
        await self.text("touch", {"uri": uri})
        await anyio.sleep(0.2)
        return {"subscribed": subscribed, "afterwards": self.uris}

    async def list_changed(self):
        async def during():
            self.changes = 0
            await self.text("change")

            async def told():
                return self.changes > 0

            await until(told)

        await self.listen(during, tools_list_changed=True)
        return self.changes > 0

    async def tool_error(self):
        result = await self.call_tool("fail", {})
        return {"isError": result.is_error, "text": result.content[0].text}

    async def unknown_tool(self):
        return await self.code(self.call_tool("no_such_tool", {}))

    async def unknown_prompt(self):
        return await self.code(self.sdk.get(f"{self.prefix}no_such_prompt", {}))

    async def unknown_resource(self):
        return await self.code(self.sdk.read("matrix://nowhere"))

    async def ping(self):
        if self.modern:
            return "absent"
        await self.sdk.ping()
        return True


NAMES = (
    "connect tools prompts resources templates call structured numbers field read get "
    "complete progress log cancel sampling form decline url roots rounds both updated "
    "list_changed tool_error unknown_tool unknown_prompt unknown_resource ping"
).split()


def put(feature, **what):
    print(json.dumps({"feature": feature, **what}, ensure_ascii=False), flush=True)


def innermost(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def use(sdk, features, only):
    for feature in NAMES:
        if only and feature not in only:
            continue
        try:
            with anyio.fail_after(PATIENCE_S):
                put(feature, value=await getattr(features, feature)())
        except Exception as error:
            put(feature, error=innermost(error))
            if os.environ.get("TRACE"):
                traceback.print_exc()


def main(make):
    """Connects what `make` makes of the job and the features, and uses it."""
    job = json.loads(sys.argv[1])
    modern = job["mode"] == "modern"
    features = Features(None, modern, job.get("prefix", ""))
    done = False

    async def live():
        nonlocal done
        with anyio.fail_after(90):
            async with make(job, features) as sdk:
                features.sdk = sdk
                await use(sdk, features, job.get("only"))
                done = True

    try:
        anyio.run(live)
    except BaseException as error:
        if not done:
            put("connect", error=innermost(error))
            if os.environ.get("TRACE"):
                traceback.print_exc()
    sys.stdout.flush()
    os._exit(0)
