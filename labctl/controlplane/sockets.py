"""Where the API server listens: on the fabric, on 127.0.0.1, and on a root-only Unix socket.

The fabric's socket is made inside the control plane's network namespace and served from here: a
socket belongs to the namespace in which it was made.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl import names
from labctl.apiserver.http.liveness import BACKLOG, watch_peers
from labctl.errors import HostCannot
from labctl.net.namespaces import socket_in


@dataclass(frozen=True)
class Doors:
    """The sockets of a lab's API server, open: who comes before there is a server waits."""

    fabric: socket.socket
    local: socket.socket
    unix: socket.socket

    @classmethod
    def of(cls, lab: str) -> "Doors":
        """Raises HostCannot or NetError when one of them cannot be had."""
        fabric, local = fabric_socket(lab), local_socket(lab)
        doors = cls(fabric, local, unix_socket(names.api_socket(lab)))
        for sock in (fabric, local):
            watch_peers(sock)
        for sock in (fabric, local, doors.unix):
            sock.listen(BACKLOG)
        return doors


def fabric_socket(lab: str) -> socket.socket:
    """Bound to 172.30.0.2:6443 in the lab's fabric."""
    place = names.netns_path(names.control_plane_netns(lab))
    sock = socket_in(place, socket.AF_INET, socket.SOCK_STREAM)
    return _bound(sock, names.CONTROL_PLANE_ADDRESS, names.API_PORT)


def local_socket(lab: str) -> socket.socket:
    """Bound to a port of 127.0.0.1 that is the lab's own, the same one after every restart.

    If another program took it meanwhile, a new one is chosen and kept.
    """
    kept = names.state_dir(lab) / "api-port"
    try:
        return _bound(_local(), "127.0.0.1", int(kept.read_text()))
    except (FileNotFoundError, ValueError, HostCannot):
        sock = _bound(_local(), "127.0.0.1", 0)
        kept.write_text(f"{sock.getsockname()[1]}\n")
        return sock


def unix_socket(path: Path) -> socket.socket:
    """Bound to `path`, which only root can open from the first moment on."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(before)
    return sock


def fabric_connector(lab: str) -> Callable[[Any], socket.socket]:
    """Makes sockets in the control plane's namespace, from where agents can be reached."""
    place = names.netns_path(names.control_plane_netns(lab))

    def make(address: Any) -> socket.socket:
        family, kind, protocol, _, _ = address
        sock = socket_in(place, family, kind, protocol)
        sock.setblocking(False)
        return sock

    return make


def _local() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def _bound(sock: socket.socket, address: str, port: int) -> socket.socket:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise HostCannot(f"cannot listen on {address}:{port}: {error.strerror}") from error
    return sock
