"""The runtime's Unix socket: lines in, verbs called, lines out; descriptors where exec needs them.

On the plain socket, since a stream transport drops SCM_RIGHTS. Requests of one connection are
served as they come and answered as they are done. Only root can connect (mode 0600).
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from labctl.cri import wire
from labctl.cri.errors import INTERNAL, INVALID_ARGUMENT, CriError
from labctl.cri.messages import ContainerEvent
from labctl.passing import receive

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_BACKLOG = 1024
_LONGEST_REQUEST = 16 << 20  # bytes; objects have at most 3 MB
_MOST_UNSENT = 64 << 20  # an agent that was stopped for hours asks anew

Serve = Callable[["Connection", wire.Call], Awaitable[None] | None]


class Connection:
    """One client. `closed` is set when it hung up; `descriptors` are what it sent and nobody took."""

    def __init__(self, connection: socket.socket, serve: Serve) -> None:
        connection.setblocking(False)
        self.closed = asyncio.Event()
        self.descriptors: list[int] = []
        self._socket = connection
        self._serve = serve
        self._lines = wire.LineBuffer()
        self._unsent = b""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._receive)

    def answer(self, number: int, result: object) -> None:
        self._write(wire.result_line(number, result))

    def answer_with_descriptor(self, number: int, result: object, descriptor: int) -> None:
        """The caller closes its copy. The line must be this connection's next (exec's is)."""
        with contextlib.suppress(OSError):
            socket.send_fds(self._socket, [wire.result_line(number, result)], [descriptor])

    def refuse(self, number: int, error: CriError) -> None:
        self._write(wire.error_line(number, error))

    def push(self, event: ContainerEvent) -> None:
        self._write(wire.event_line(event))

    def take_descriptors(self) -> list[int]:
        taken, self.descriptors = self.descriptors, []
        return taken

    def close(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for descriptor in self.take_descriptors():
            os.close(descriptor)

    def _receive(self) -> None:
        try:
            data, descriptors = receive(self._socket, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self.descriptors += descriptors
        for line in self._lines.feed(data):
            self._begin(line)
        if not data or self._lines.pending > _LONGEST_REQUEST:
            self.close()

    def _begin(self, line: bytes) -> None:
        try:
            call = wire.decode_call(line)
        except (msgspec.DecodeError, RecursionError) as error:
            log.warning("bad request: %s", error)
            self.close()
            return
        with self._refusing(call):
            rest = self._serve(self, call)
            if rest is not None:
                task = self._loop.create_task(self._finish(call, rest))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _finish(self, call: wire.Call, rest: Awaitable[None]) -> None:
        with self._refusing(call):
            await rest

    @contextlib.contextmanager
    def _refusing(self, call: wire.Call) -> Iterator[None]:
        """What its body raises is the answer."""
        try:
            yield
        except CriError as error:
            self.refuse(call.id, error)
        except msgspec.DecodeError as error:
            self.refuse(call.id, CriError(f"{call.method}: {error}", INVALID_ARGUMENT))
        except Exception as error:
            log.exception("%s failed", call.method)
            self.refuse(call.id, CriError(f"{call.method}: {error}", INTERNAL))

    def _write(self, line: bytes) -> None:
        if not self.closed.is_set():
            self._unsent += line
            self._send()
        if len(self._unsent) > _MOST_UNSENT:
            self.close()

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._unsent:
            self._loop.add_writer(self._socket, self._send)
        else:
            self._loop.remove_writer(self._socket)


class Server:
    """Listens on `path` from when it is made; an old socket there is replaced."""

    def __init__(self, path: Path, serve: Serve) -> None:
        self._serve = serve
        self._connections: set[Connection] = set()
        self._listener = _listen(path)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in tuple(self._connections):
            connection.close()

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        connection = Connection(accepted, self._serve)
        self._connections = {known for known in self._connections if not known.closed.is_set()}
        self._connections.add(connection)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener
