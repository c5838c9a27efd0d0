"""A SPDY connection for coroutines: streams come, and each is read and written."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from labctl.apiserver.spdy.frames import ProtocolError
from labctl.apiserver.spdy.session import Answer, Event, Opened, Received, Reset, Session

_UNREAD_MAX = 1 << 20  # bytes of one stream; beyond it nothing more is read from the connection
_LINGER_SECONDS = 5.0


class Wire(Protocol):
    """What carries the frames. Only the first part of `write` is ordered: up to where it waits."""

    async def read(self) -> bytes:
        """Whatever came; nothing once the peer hung up."""

    async def write(self, data: bytes) -> None:
        """Sends; returns when there is room for more. Raises ConnectionError."""


class Stream:
    """One stream of a connection: two directions, each with an end of its own."""

    def __init__(self, connection: "Connection", number: int, headers: dict[str, str]) -> None:
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._given_up = False
        self._wanted = True
        self._changed = asyncio.Event()
        self.number = number
        self.headers = headers

    async def read(self) -> bytes:
        """The next bytes; nothing at the end. Raises ConnectionResetError if it was given up."""
        while not self._pieces:
            if self._given_up:
                raise ConnectionResetError("the client gave the stream up")
            if self._ended:
                return b""
            await self._change()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        self._changed.set()
        return piece

    async def write(self, data: bytes) -> None:
        """Raises ConnectionError when the client hung up; after `finish` it does nothing."""
        await self._connection.write(self._connection.session.send(self.number, data))

    async def end(self) -> None:
        """No more is written."""
        await self._connection.write(self._connection.session.send(self.number, b"", fin=True))

    async def close(self) -> None:
        """No more is written, nor read what still comes."""
        self.ignore()
        self._connection.forget(self)
        await self.end()

    async def reset(self) -> None:
        """Gives it up."""
        self.ignore()
        self._connection.forget(self)
        await self._connection.write(self._connection.session.reset(self.number))

    def ignore(self) -> None:
        """Drops what comes, so that a stream that nobody reads does not hold up the others."""
        self._wanted = False
        self._pieces.clear()
        self._size = 0
        self._changed.set()

    async def take(self, data: bytes, *, fin: bool) -> None:
        """Of the connection: what came. Returns when there is room for more."""
        if data and self._wanted:
            self._pieces.append(data)
            self._size += len(data)
        self._ended = self._ended or fin
        self._changed.set()
        while self._size > _UNREAD_MAX:
            await self._change()

    def given_up(self) -> None:
        """Of the connection: the client reset it."""
        self.ignore()
        self._given_up = True

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Connection:
    """Streams as the client opens them. `ended` is done once it hung up or broke the protocol."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._opened: asyncio.Queue[Stream] = asyncio.Queue()
        self._streams: dict[int, Stream] = {}
        self.session = Session()
        self.ended = asyncio.create_task(self._serve())

    async def accept(self) -> Stream:
        """The next stream, which the client may use from now on. Raises ConnectionError."""
        coming = asyncio.create_task(self._opened.get())
        try:
            await asyncio.wait((coming, self.ended), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise ConnectionResetError("the client hung up")
            stream = coming.result()
        finally:
            coming.cancel()
        await self.write(self.session.reply(stream.number))
        return stream

    async def write(self, data: bytes) -> None:
        """Sends frames; raises ConnectionError."""
        if data:
            await self._wire.write(data)

    def forget(self, stream: Stream) -> None:
        """Nobody reads that stream any more."""
        self._streams.pop(stream.number, None)

    async def linger(self) -> None:
        """Waits for the client to hang up first.

        Bytes of its that were still under way would be answered with a reset, and that would take
        from it what it has not read yet.
        """
        for stream in self._streams.values():
            stream.ignore()
        await asyncio.wait((self.ended,), timeout=_LINGER_SECONDS)

    async def _serve(self) -> None:
        try:
            while data := await self._wire.read():
                for event in self.session.receive(data):
                    await self._take(event)
        except ProtocolError:
            with contextlib.suppress(ConnectionError):
                await self.write(self.session.go_away())
        except ConnectionError:
            return

    async def _take(self, event: Event) -> None:
        match event:
            case Opened(number, headers):
                stream = Stream(self, number, headers)
                self._streams[number] = stream
                self._opened.put_nowait(stream)
            case Received(number, data, fin) if number in self._streams:
                await self._streams[number].take(data, fin=fin)
            case Reset(number) if number in self._streams:
                self._streams.pop(number).given_up()
            case Answer(data):
                await self.write(data)


@contextlib.asynccontextmanager
async def connected(wire: Wire) -> AsyncIterator[Connection]:
    """A connection over `wire`, read for as long as the body runs."""
    connection = Connection(wire)
    try:
        yield connection
    finally:
        connection.ended.cancel()
        await asyncio.gather(connection.ended, return_exceptions=True)
