"""Many who watch, each at the cost of a search in what it is sent: when did it see which change?

Changes are ConfigMaps with their number in `data`, so that a watcher parses no JSON.
"""

import asyncio
import contextlib
import re
import ssl
import time
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import msgspec

from benchmarks.lean import encoded, flood
from labctl.api.kinds.core import CONFIGMAPS

_NUMBER = re.compile(rb'"number":"(\d+)"')
_SECONDS = 120.0
_WRITERS = 8


class Watcher(asyncio.Protocol):
    """Follows a watch and notes when each numbered change arrived."""

    def __init__(self, request: bytes, total: int) -> None:
        self.arrived: dict[int, float] = {}
        self.watching = asyncio.Event()
        self.saw_all = asyncio.Event()
        self._request = request
        self._total = total
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.watching.set()
        lines, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if newline:
            for number in _NUMBER.findall(lines):
                self.arrived.setdefault(int(number), now)
        if len(self.arrived) >= self._total:
            self.saw_all.set()


async def furthest_behind(
    url: str, tls: ssl.SSLContext, namespace: str, watchers: int, changes: int
) -> tuple[float, int]:
    """Seconds from a write to the last watcher that heard of it, at worst; and events never seen."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 443
    path = f"{CONFIGMAPS.path(namespace)}?watch=true"
    everybody: list[Watcher] = []
    for _ in range(watchers):
        make = partial(Watcher, encoded("GET", path), changes)
        loop = asyncio.get_running_loop()
        _, watcher = await loop.create_connection(make, host, port, ssl=tls)
        everybody.append(watcher)
    await asyncio.gather(*(one.watching.wait() for one in everybody))
    sent = await _write(url, tls, namespace, changes)
    waiting = asyncio.gather(*(one.saw_all.wait() for one in everybody))
    with contextlib.suppress(TimeoutError):  # who has not seen all by then has lost some
        await asyncio.wait_for(waiting, _SECONDS)
    for one in everybody:
        one.transport.abort()
    lags = (when - sent[number] for one in everybody for number, when in one.arrived.items())
    return max(lags), sum(changes - len(one.arrived) for one in everybody)


async def _write(url: str, tls: ssl.SSLContext, namespace: str, changes: int) -> dict[int, float]:
    """When each of the changes was sent, by number."""
    sent: dict[int, float] = {}

    def change(number: int) -> bytes:
        sent[number] = time.perf_counter()
        metadata = {"name": f"c{number}", "namespace": namespace}
        body = {"metadata": metadata, "data": {"number": str(number)}}
        return encoded("POST", CONFIGMAPS.path(namespace), msgspec.json.encode(body))

    await flood(url, tls, change, changes, _WRITERS)
    return sent
