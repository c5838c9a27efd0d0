"""port-forward: each connection of a client becomes a WebSocket of its own to the agent.

What goes over that is told in labctl.node.forwards. A client may speak SPDY (kubectl up to
1.30), SPDY in a WebSocket (kubectl since 1.31), pairs of channels (the Python clients), or the
inner form itself, which is passed on (`labctl port-forward`; it alone carries UDP).
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from labctl.api.objects import Obj, name, uid
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.location import Location
from labctl.apiserver.kubelet.upgrades import open_websocket
from labctl.client.joining import pump, until_one_ends
from labctl.errors import StatusError
from labctl.names import FORWARD_PROTOCOL

Inner = aiohttp.ClientWebSocketResponse


class Caller(Protocol):
    """One connection of a client, whatever it speaks."""

    async def read(self) -> bytes:
        """What the client sends; nothing at its end. Raises ConnectionError when it is gone."""

    async def write(self, data: bytes) -> None:
        """Raises ConnectionError when the client is gone."""

    async def end(self) -> None:
        """The pod sends no more."""

    async def fail(self, message: str) -> None:
        """Tells why the connection failed."""


class Forwarder:
    """The way to one pod's ports."""

    def __init__(self, agents: Agents, pod: Obj, place: Location) -> None:
        self._agents = agents
        self._place = place
        self._path = f"/portForward/{place.path}"
        self._pod = f"pod {name(pod)}, uid {uid(pod)}"

    async def serve(self, caller: Caller, port: int) -> None:
        """One connection, from its beginning to its end. What goes wrong is told to the caller."""
        try:
            async with self._open(f"port={port}") as inner:
                problem = await _exchange(inner, caller)
        except StatusError as error:
            problem = error.message
        if problem:
            await caller.fail(f"error forwarding port {port} to {self._pod}: {problem}")

    async def pass_on(self, http: web.BaseRequest) -> web.StreamResponse:
        """A client that speaks the inner form itself; raises StatusError."""
        async with self._open(urlsplit(http.raw_path).query) as inner:
            outer = await open_websocket(http, (FORWARD_PROTOCOL,))
            await until_one_ends(pump(outer, inner), pump(inner, outer))
            await outer.close()
        return outer

    async def refusal(self, http: web.BaseRequest) -> StatusError:
        """For a request that asks for no upgrade: what else is wrong, or that one is required."""
        query = urlsplit(http.raw_path).query
        return await self._agents.refusal(self._place.address, self._path, query)

    def _open(self, query: str) -> AbstractAsyncContextManager[Inner]:
        return self._agents.websocket(self._place.address, self._path, query, (FORWARD_PROTOCOL,))


async def _exchange(inner: Inner, caller: Caller) -> str:
    """Both directions; returns what went wrong, or nothing."""
    sending = asyncio.create_task(_send(caller, inner))
    try:
        return await _receive(inner, caller)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(caller: Caller, inner: Inner) -> None:
    """An empty message says that the client has ended. One that is gone takes all with it."""
    try:
        data = b"-"
        while data:
            data = await caller.read()
            await inner.send_bytes(data)
    except ConnectionError:
        await inner.close()


async def _receive(inner: Inner, caller: Caller) -> str:
    """Until both directions have ended; returns what went wrong, or nothing."""
    try:
        async for message in inner:
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data)
            if message.type is aiohttp.WSMsgType.BINARY:
                await (caller.write(message.data) if message.data else caller.end())
    except ConnectionError:
        return ""
    return ""
