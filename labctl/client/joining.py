"""Passing on, in both directions at once, until one of the ends has had enough."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp import web

WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all of them until the first has ended; a lost connection is one way to end."""
    tasks = [asyncio.create_task(_passing(work)) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def pump(source: WebSocket, sink: WebSocket) -> None:
    """Passes messages on, until there are no more."""
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)


async def _passing(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(OSError, aiohttp.ClientError):
        await work
