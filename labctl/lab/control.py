"""The supervisor's Unix socket: faults, status and the list of nodes, as JSON lines.

A request is `{"command": …, …}`, the answer `{"result": …}` or `{"error": …}`. Only root may ask:
the socket's mode says so, and the kernel tells the peer's uid.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Callable
from typing import Any, TypedDict

import msgspec

from labctl import names
from labctl.errors import LabError

_CREDENTIALS = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid
_LONGEST_REQUEST = 1 << 20
PATIENCE = 30.0  # seconds


class Request(TypedDict, total=False):
    """What may be asked; anything of another type is refused before it is looked at."""

    command: str
    node: str
    crew: list[str]
    nodes: list[str]


Handler = Callable[[Request], Any]


def listen(lab: str) -> socket.socket:
    """A listening socket at the supervisor's path, in place of one that a dead one left."""
    path = names.supervisor_socket(lab)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def is_root(peer: socket.socket) -> bool:
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(raw)[1] == 0)


class Conversation:
    """One client of the supervisor: whole lines in, an answer a line out."""

    def __init__(self, peer: socket.socket, handle: Handler) -> None:
        self.peer = peer
        self._handle = handle
        self._rest = b""

    def receive(self) -> bool:
        """Answers what has arrived; False when the client is gone and the socket closed."""
        try:
            data = self.peer.recv(1 << 16)
            if not data or len(self._rest) > _LONGEST_REQUEST:
                raise ConnectionError
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self.peer.sendall(self._answer(line) + b"\n")
        except OSError:
            self.peer.close()
            return False
        return True

    def _answer(self, line: bytes) -> bytes:
        try:
            result = self._handle(msgspec.json.decode(line, type=Request))
        except LabError as error:
            return msgspec.json.encode({"error": error.message})
        except (msgspec.MsgspecError, RecursionError, KeyError) as error:
            return msgspec.json.encode({"error": f"bad request: {error}"})
        return msgspec.json.encode({"result": result})


def request(lab: str, command: str, *, patience: float = PATIENCE, **arguments: Any) -> Any:
    """Asks the lab's supervisor; NoSuchLab when there is none, LabError when it refuses.

    One that does not answer within `patience` seconds counts as none.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as peer:
        peer.settimeout(patience)
        try:
            peer.connect(str(names.supervisor_socket(lab)))
            peer.sendall(msgspec.json.encode({"command": command, **arguments}) + b"\n")
            with peer.makefile("rb") as lines:
                line = lines.readline()
        except OSError as error:
            from labctl.lab import connect  # a client of the API, which `up` needs later only

            raise connect.not_up(lab) from error
    answer: dict[str, Any] = msgspec.json.decode(line) if line else {"error": "it ended"}
    if "error" in answer:
        raise LabError(f"the supervisor of lab {lab}: {answer['error']}")
    return answer["result"]
