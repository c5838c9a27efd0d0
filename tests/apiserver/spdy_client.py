"""A SPDY/3.1 client as simple as can be, on a connection that an API server has upgraded."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from labctl.apiserver.spdy import frames
from labctl.apiserver.spdy.frames import Control, Data, FrameReader
from labctl.apiserver.spdy.headers import HeaderWriter


class SpdyClient:
    """Streams by name; what arrived on each, and which have ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()
        self._headers = HeaderWriter()
        self._next = 1
        self.names: dict[int, str] = {}
        self.said: defaultdict[str, bytes] = defaultdict(bytes)
        self.ended: set[str] = set()
        self.reset: set[str] = set()
        self.replied: set[str] = set()
        self.gone = False

    def open(self, name: str, **headers: str) -> None:
        block = self._headers.write({"streamtype": name, **headers})
        self.names[self._next] = name + headers.get("requestid", "")
        self.raw(frames.syn_stream(self._next, block))
        self._next += 2

    def send(self, name: str, data: bytes, *, fin: bool = False) -> None:
        number = next(number for number, one in self.names.items() if one == name)
        self.raw(frames.data_frame(number, data, fin=fin))

    def raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def read(self) -> None:
        """What comes next; `gone` is set at the end of the connection."""
        data = await self._reader.read(1 << 16)
        self.gone = not data
        for frame in self._frames.feed(data):
            self._take(frame)

    async def until(self, name: str) -> bytes:
        """All that a stream said, once it has ended."""
        while name not in self.ended:
            assert not self.gone
            await self.read()
        return self.said[name]

    def _take(self, frame: Data | Control) -> None:
        if isinstance(frame, Data):
            name = self.names[frame.stream]
            self.said[name] += frame.payload
            self.ended |= {name} if frame.fin else set()
        elif frame.kind in (frames.SYN_REPLY, frames.RST_STREAM):
            told = self.replied if frame.kind == frames.SYN_REPLY else self.reset
            told.add(self.names[frame.word])


@asynccontextmanager
async def dialled(
    port: int, tls: ssl.SSLContext, path: str, *headers: str
) -> AsyncIterator[tuple[str, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A POST that asks for SPDY: the head of the answer, and the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    lines = [f"POST {path} HTTP/1.1", "Host: a", "Content-Length: 0", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    try:
        yield (await reader.readuntil(b"\r\n\r\n")).decode(), reader, writer
    finally:
        writer.transport.abort()


UPGRADE = ("Connection: Upgrade", "Upgrade: SPDY/3.1")
V4 = "X-Stream-Protocol-Version: v4.channel.k8s.io"
