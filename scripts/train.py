#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ordinary traffic for a gateway that is being built with what it learns from it.

    train.py PENSTOCK [CALLS]

Starts the program twice: in front of a child, and in front of the first one over HTTP, so that one
call goes through everything that calls go through. It needs no other program and no network but
loopback. Whoever wants to know how fast a gateway is asks benches/compare.sh instead.
"""

import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

KEY = "a-key-for-training-and-for-nothing-else"
CONNECTIONS = 16
SIZES = (1, 40, 200)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(port, server):
    # What was learned is written at the end, into a file that a sandbox does not know.
    return (
        f'[gateway]\nlisten = "127.0.0.1:{port}"\nagent_id = "{KEY}"\n'
        f'sandbox = {{ landlock = "off", seccomp = "off" }}\n[servers.calc]\n{server}\n'
    )


def start(program, scratch, name, server):
    """One gateway that answers, and its port."""
    port = free_port()
    config = scratch / f"{name}.toml"
    config.write_text(configuration(port, server))
    gateway = subprocess.Popen(
        [program, "--config", config, "--log-dir", scratch / f"logs-{name}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return gateway, port
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{program} does not listen")


def ask(connection, body, session=None):
    headers = {
        "Authorization": KEY,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    if session:
        headers["Mcp-Session-Id"] = session
    connection.request("POST", "/mcp/calc", json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise OSError(f"{answer.status}: {text[:300]}")
    return answer, text


def client(port, calls):
    """One agent: a session, a list, and calls of several sizes."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "train", "version": "1"},
    }
    request = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    answer, _ = ask(connection, request)
    session = answer.getheader("Mcp-Session-Id")
    ask(connection, {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
    ask(connection, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, session)
    for number in range(calls):
        # Long questions with short answers, and the other way round.
        padding = {"padding": "text " * SIZES[number % len(SIZES)]}
        arguments = {"operator": "add", "operands": ["1", "2"]}
        params = {"name": "exact_calculate", "arguments": arguments, "_meta": padding}
        call = {"jsonrpc": "2.0", "id": number + 2, "method": "tools/call", "params": params}
        if number % 4 == 0:
            call.update(method="tools/list", params={})
        _, text = ask(connection, call, session)
        if b'"result"' not in text:
            raise OSError(text[:300])


def main():
    program, calls = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        child = f'command = "{program}"\nargs = ["serve", "calculator"]\nshared = true'
        first, port = start(program, scratch, "child", child)
        http = f'url = "http://127.0.0.1:{port}/mcp/calc"\nheaders = {{ Authorization = "{KEY}" }}'
        second, port = start(program, scratch, "http", http)
        try:
            with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as clients:
                for done in [clients.submit(client, port, calls) for _ in range(CONNECTIONS)]:
                    done.result()
        finally:
            for gateway in (second, first):
                gateway.terminate()
                gateway.wait()


main()
