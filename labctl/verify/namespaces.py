"""The namespaces of a run: one descriptor each, and one socket for questions to interfaces.

A descriptor keeps a namespace alive, so they are given back with the run, or as soon as the
sandbox behind one goes away.
"""

import os
import socket
from collections.abc import Iterable
from typing import Self

from labctl.errors import NetError
from labctl.net.namespaces import socket_in
from labctl.verify.topology import Endpoint, Kind

DEPARTED = "it went away while verify ran"


class Namespaces:
    """Descriptors of endpoints' namespaces. A context manager; `missing` has who has none."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._descriptors: dict[Endpoint, int] = {}
        self._questions: dict[Endpoint, socket.socket] = {}
        self._inodes: dict[Endpoint, int] = {}  # outlive what is given up
        self.missing: set[Endpoint] = set()
        for endpoint in endpoints:
            self._open(endpoint)

    def _open(self, endpoint: Endpoint) -> None:
        try:
            descriptor = os.open(endpoint.netns, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.missing.add(endpoint)
            return
        try:
            self._questions[endpoint] = socket_in(descriptor, socket.AF_INET, socket.SOCK_DGRAM)
        except NetError:  # a pin whose namespace is gone is an ordinary file
            os.close(descriptor)
            self.missing.add(endpoint)
            return
        self._descriptors[endpoint] = descriptor
        self._inodes[endpoint] = os.fstat(descriptor).st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for endpoint in list(self._descriptors):
            self.give_up(endpoint)

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._descriptors

    def descriptor(self, endpoint: Endpoint) -> int:
        return self._descriptors[endpoint]

    def question(self, endpoint: Endpoint) -> socket.socket:
        """A socket in the namespace, for ioctls."""
        return self._questions[endpoint]

    def socket(self, endpoint: Endpoint, kind: int, protocol: int = 0) -> socket.socket:
        """A new AF_INET socket in the endpoint's namespace, not blocking."""
        sock = socket_in(self._descriptors[endpoint], socket.AF_INET, kind, protocol)
        sock.setblocking(False)
        return sock

    def absence(self, endpoint: Endpoint) -> str:
        """Why someone could not be probed to the end; "" of those who are as they were."""
        if endpoint in self.missing:
            return "it has no network namespace"
        if endpoint in self._descriptors and endpoint.kind is not Kind.POD:
            return ""
        try:
            is_same = os.stat(endpoint.netns).st_ino == self._inodes[endpoint]
        except OSError:
            is_same = False
        if not is_same:
            return DEPARTED
        return "" if endpoint in self._descriptors else "its eth0 is down or gone"

    def give_up(self, endpoint: Endpoint) -> None:
        """Lets go of a namespace."""
        descriptor = self._descriptors.pop(endpoint, None)
        if descriptor is not None:
            os.close(descriptor)
            self._questions.pop(endpoint).close()
