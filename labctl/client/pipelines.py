"""HTTP/1.1 requests over a few kept-alive connections, each of which is asked without waiting.

Answers come in the order of the questions, so the next may be sent before the last is answered
(RFC 9112, 9.3.2). An agent with fifty new pods has two hundred things to tell: those of one turn of
the loop share a write and a TLS record, and each costs a fifth of what aiohttp's client takes.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, cast

import httptools

# A TLS handshake costs both ends 1.5 ms, more than waiting for a few answers, and a connection 0.1 MB
# at either end: whoever asks one thing after the other has one of them, who asks much has two.
_CONNECTIONS = 2
_SHORT = 4  # so many may wait for their answers before another connection is worth its price


class RawAnswer(NamedTuple):
    """An answer's HTTP status and its body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """Takes requests from its first moment, and sends them once it is connected.

    `gone` is called when it takes no more. What is not answered by then fails with OSError.
    """

    def __init__(self, gone: Callable[["Connection"], None]) -> None:
        self._gone = gone
        self._waiting: deque[asyncio.Future[RawAnswer]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._over = False

    def __len__(self) -> int:
        """How many requests are not answered yet."""
        return len(self._waiting)

    def ask(self, request: bytes) -> asyncio.Future[RawAnswer]:
        loop = asyncio.get_running_loop()
        if self._transport is not None and not self._unsent:
            loop.call_soon(self._send)
        self._unsent.append(request)
        answer: asyncio.Future[RawAnswer] = loop.create_future()
        self._waiting.append(answer)
        return answer

    def give_up(self, why: Exception) -> None:
        """Ends it at once; whoever waits is told why."""
        self._over = True
        self._gone(self)
        waiting, self._waiting = self._waiting, deque()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(why)
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if self._transport is not None and self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    # As asyncio calls it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        if self._over:
            self._transport.abort()
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.give_up(ConnectionError(f"no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.give_up(exc or ConnectionResetError("the server closed the connection"))

    # As the parser calls it.

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        raw = RawAnswer(self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        answer = self._waiting.popleft() if self._waiting else None
        if answer is not None and not answer.done():
            answer.set_result(raw)
        if not self._parser.should_keep_alive():
            self.give_up(ConnectionResetError("the server takes no more requests here"))


class Pipelines:
    """The connections to one server; `connect(connection)` connects one."""

    def __init__(self, connect: Callable[[Connection], Awaitable[None]]) -> None:
        self._connect = connect
        self._connections: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()

    async def ask(self, request: bytes, seconds: float) -> RawAnswer:
        """The answer to a whole request. Raises OSError, TimeoutError after so many seconds."""
        connection = self._choose()
        answer = connection.ask(request)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            connection.give_up(error)  # what waits behind would wait for nothing
            raise

    def close(self) -> None:
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.give_up(ConnectionAbortedError("closed"))

    def _choose(self) -> Connection:
        """One on which few wait; a new one while there may be more; else the least busy."""
        best = min(self._connections, key=len, default=None)
        if best is not None and (len(best) < _SHORT or len(self._connections) >= _CONNECTIONS):
            return best
        return self._open()

    def _open(self) -> Connection:
        connection = Connection(self._forget)
        self._connections.append(connection)
        task = asyncio.create_task(self._opened(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return connection

    async def _opened(self, connection: Connection) -> None:
        try:
            await self._connect(connection)
        except OSError as error:
            connection.give_up(error)

    def _forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
