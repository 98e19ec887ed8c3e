# SPDX-License-Identifier: MIT
"""The Python SDK over the older transport: drive.py, whose HTTP transport is replaced by it."""

import mcp.client.streamable_http as newer
from mcp.client.sse import sse_client

newer.streamable_http_client = lambda url, http_client: sse_client(url, timeout=30)

import drive  # noqa: E402, F401  It runs the job.
