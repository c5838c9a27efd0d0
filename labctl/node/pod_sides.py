"""The pods' own ends of their cables: what each should be, and bringing it there.

A pod's namespace is entered for one operation and never held on to. What happens in it is heard
from outside, and judged here against what should be there.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from labctl.net.monitor import Event, Lost
from labctl.net.netlink import Netlink
from labctl.net.operations import Operation
from labctl.net.state import NetState
from labctl.net.wounds import wounds
from labctl.node.domain import concerns_pod
from labctl.node.pod_namespaces import PodNamespaces, converge
from labctl.node.pod_side import desired_pod
from labctl.node.snapshot import PodPort, Snapshot


class PodSides:
    """Those of one node's ports, by the port's link."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._namespaces = PodNamespaces()
        self._snapshot: Snapshot | None = None
        self._ports: dict[str, PodPort] = {}

    def follow(self, snapshot: Snapshot) -> None:
        """What pods should have changes with the cluster's settings."""
        self._snapshot = snapshot

    def put(self, port: PodPort) -> None:
        self._ports[port.link] = port

    def drop(self, port: PodPort) -> None:
        self._ports.pop(port.link, None)
        self._namespaces.forget(port)

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(self._ports)

    def port(self, link: str) -> PodPort | None:
        return self._ports.get(link)

    def is_there(self, port: PodPort) -> bool:
        """Whether the sandbox's namespace is."""
        return self._namespaces.is_there(port)

    def hurt(self, link: str, events: Iterable[Event]) -> bool:
        """Whether `events` beyond that link tell of a wound; what pods make themselves is theirs."""
        wanted = self._wanted_of(link)
        own = [one for one in events if isinstance(one, Lost) or concerns_pod(one.noun, wanted)]
        return len(wanted) > 0 and bool(wounds(own, wanted))

    def converge(self, port: PodPort) -> tuple[Operation, ...]:
        """Brings a pod's side to what it should be; returns what that took.

        Raises NetError; CableMissing when it has no `eth0`, which only the node's side can give it.
        """
        with self._namespaces.opened(port) as descriptor, Netlink.at(descriptor) as netlink:
            return converge(netlink, self._wanted_of(port.link))

    def opened(self, port: PodPort) -> AbstractContextManager[int]:
        """A descriptor of its namespace, for one operation; raises NetError if it is gone."""
        return self._namespaces.opened(port)

    def _wanted_of(self, link: str) -> NetState:
        port = self._ports.get(link)
        if port is None or self._snapshot is None:
            return NetState()
        return desired_pod(self._snapshot, self._node, port)
