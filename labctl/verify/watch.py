"""Who captures what during a run.

In pods and outside one capture on eth0, in nodes one on each interface where packets enter or leave
the node's own stack: those that labctl makes, and whatever else a route of the node leads to, as
CNI plugins have it. They stay open for the whole run, since to close a packet socket costs an RCU
grace period; each pass gives them its own filter. Failed probes get captures on every interface of
their path besides: all of the nodes' and the fabric's.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from labctl import names
from labctl.verify import interface, marks
from labctl.verify.capture import Capture, close_all
from labctl.verify.filters import Filter
from labctl.verify.marks import Marks
from labctl.verify.namespaces import Namespaces
from labctl.verify.topology import Endpoint, Kind

_NODE_INTERFACES = ("eth0", names.BRIDGE, names.VXLAN_DEVICE)
_POD_INTERFACES = ("eth0",)
_ROOM = 32 << 20  # bytes of a capture's queue: an upper limit, not an allocation
_PATH_ROOM = 256 << 20


class Watch:
    """The captures of a run. A context manager; `captures` are those of the present pass."""

    def __init__(
        self, namespaces: Namespaces, endpoints: Iterable[Endpoint], path: Iterable[Endpoint]
    ) -> None:
        """`endpoints` are the ends of checks; `path` are the nodes and the fabric between them."""
        self._namespaces = namespaces
        self._path_places = [place for place in path if place in namespaces]
        self._ends: list[Capture] = []
        self._path: list[Capture] = []
        self._is_tracing = False
        with contextlib.ExitStack() as stack:
            stack.callback(self._close)
            for endpoint in endpoints:
                self._open_end(endpoint)
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        close_all(capture.sock for capture in self._ends + self._path)

    def _open_end(self, endpoint: Endpoint) -> None:
        """An interface that is not there is no error: the probes will fail and say so."""
        question = self._namespaces.question(endpoint)
        for name in self._interfaces(endpoint):
            if interface.has(question, name):
                self._ends.append(self._open(endpoint, name, _ROOM))

    def _interfaces(self, endpoint: Endpoint) -> Iterable[str]:
        if endpoint.kind is not Kind.NODE:
            return _POD_INTERFACES
        ways = interface.routes(self._namespaces.descriptor(endpoint))
        return dict.fromkeys((*_NODE_INTERFACES, *(way.interface for way in ways)))

    def _open(self, place: Endpoint, name: str, room: int) -> Capture:
        return Capture(place, self._namespaces.descriptor(place), name, ((),), room=room)

    @property
    def captures(self) -> list[Capture]:
        """Those that the present pass uses: on the path, or at the nodes' ends, but not both."""
        if not self._is_tracing:
            return self._ends
        return [one for one in self._ends if one.place.kind is not Kind.NODE] + self._path

    def keep_time(self) -> None:
        """All frames have times from now on."""
        for capture in self._ends + self._path:
            capture.keep_time()

    def trace(self) -> None:
        """From now on every interface of every path is watched."""
        if not self._is_tracing:
            self._path = [self._open(place, "", _PATH_ROOM) for place in self._path_places]
            self._is_tracing = True
            self.keep_time()

    def watch_for(self, present: Sequence[Marks]) -> None:
        """Filters for these passes; what is left of earlier ones has other marks."""
        for capture in self.captures:
            wanted = self._filter(capture)
            capture.watch_for(tuple(one for each in present for one in wanted(each)))

    def _filter(self, capture: Capture) -> Callable[[Marks], Filter]:
        if self._is_tracing:
            return marks.for_path
        return marks.for_node if capture.place.kind is Kind.NODE else marks.for_pod

    def drops(self) -> int:
        """Frames that captures lost for want of room since this was last asked."""
        return sum(capture.drops() for capture in self.captures)

    def remove(self, capture: Capture) -> None:
        """Of an interface that is gone."""
        if capture in self._ends:
            self._ends.remove(capture)
        close_all([capture.sock])
