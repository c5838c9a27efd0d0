"""A stand-in: the listening sockets of one container, in its pod's network namespace."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.cri.messages import Port
from labctl.net.namespaces import Place, inside
from labctl.runtime.standin.answer import Address, Answer, Note
from labctl.runtime.standin.connection import Connection
from labctl.runtime.standin.conversation import Detecting
from labctl.runtime.standin.datagrams import Datagrams

_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}
_BACKLOG = 1024
_BURST = 64  # connections accepted before others get their turn
_CONNECTIONS_MAX = 512  # of one stand-in: a pod cannot use up the runtime's descriptors
_BREATH_SECONDS = 1.0  # not accepting, when there is no descriptor left


class StandIn:
    """Answers from when it is made until `close`, after which nothing of it is left."""

    def __init__(
        self, place: Place, ports: Iterable[Port], facts: Mapping[str, Any], note: Note
    ) -> None:
        """`place` is the namespace, a path or descriptor (a pidfd is one); `facts` as in Answer.

        Raises CriError naming the port that is taken already.
        """
        self._facts = facts
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._listeners: list[socket.socket] = []
        self._datagrams: list[Datagrams] = []
        for port, bound in _open_sockets(place, ports):
            if port.protocol == "UDP":
                self._datagrams.append(Datagrams(bound, partial(self._answer, port)))
            else:
                self._listeners.append(bound)
                self._loop.add_reader(bound, self._accept, bound, port)

    def close(self) -> None:
        """Closes every socket, accepted ones too, at once."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        for datagrams in self._datagrams:
            datagrams.close()
        for connection in tuple(self._connections):
            connection.close()
        self._listeners.clear()
        self._datagrams.clear()

    def _answer(self, port: Port, client: Address) -> Answer:
        return Answer(self._facts, port.protocol, port.number, client, self._note)

    def _accept(self, listener: socket.socket, port: Port) -> None:
        for _ in range(_BURST):
            try:
                accepted, client = listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._pause(listener, port)
                return
            self._take(accepted, self._answer(port, client))

    def _take(self, accepted: socket.socket, answer: Answer) -> None:
        if len(self._connections) >= _CONNECTIONS_MAX:
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(accepted, Detecting(answer), self._connections.discard)
        self._connections.add(connection)

    def _pause(self, listener: socket.socket, port: Port) -> None:
        self._loop.remove_reader(listener)
        self._loop.call_later(_BREATH_SECONDS, self._resume, listener, port)

    def _resume(self, listener: socket.socket, port: Port) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener, self._accept, listener, port)


def _open_sockets(place: Place, ports: Iterable[Port]) -> list[tuple[Port, socket.socket]]:
    """One bound socket a port, in `place`; all or none."""
    with contextlib.ExitStack() as undo, inside(place):
        opened = [(port, undo.enter_context(_bound(port))) for port in ports]
        undo.pop_all()
        return opened


def _bound(port: Port) -> socket.socket:
    bound = socket.socket(socket.AF_INET, _KINDS[port.protocol] | socket.SOCK_NONBLOCK)
    try:
        if port.protocol == "TCP":  # on UDP it would let two have the same port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("0.0.0.0", port.number))  # noqa: S104 (every address of the pod)
        if port.protocol == "TCP":
            bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        sentence = f"port {port.number}/{port.protocol}: {(error.strerror or '').lower()}"
        raise CriError(sentence, RUN_CONTAINER_ERROR) from error
    return bound
