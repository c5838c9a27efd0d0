"""Keeps the fabric right while the lab runs: its own namespaces, its cables, and all their names.

What the kernel announces is judged against what should be there; a wound has everything observed,
compared and mended, with one log line and one Event. A node's own side is its agent's: of that the
keeper only plugs in a cable again which has lost its end. `up` changes a fabric too, so both take
turns, and a lab that was changed is left to `up` first.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator

from labctl import names
from labctl.api.lab import LabSpec
from labctl.errors import LabError
from labctl.fabric.convergence import desired_here
from labctl.fabric.pins import FabricPins
from labctl.fabric.space import Space
from labctl.fabric.topology import CONTROL_PLANE_PORT, OUTSIDE_PORT
from labctl.fabric.turn import turn
from labctl.net.findings import Finding, finding, report
from labctl.net.nouns import Neighbor, Noun

_SETTLE_SECONDS = 0.01  # a wound comes as several events
_PAUSE_SECONDS = 0.1  # between two looks: whoever wounds without end shall not keep us busy
_RETRY_SECONDS = 0.25
_PATIENCE_SECONDS = 1.0  # between two looks at whether what is hurt may be mended by now
_READ_BACK_SECONDS = 0.5

_log = logging.getLogger(__name__)

Wish = Callable[[], LabSpec | None]
Told = Callable[[str, str], None]


class Keeper:
    """Of one lab, in the running loop.

    `wish()` is the lab as it shall be, None when there is none any more; `cut()` the nodes whose
    cables stay out. `told` is given the sentence on each wound that was mended, and the node's name
    if it was one's alone. Raises LabError when the fabric is not there.
    """

    def __init__(
        self, spec: LabSpec, wish: Wish, cut: Callable[[], Collection[str]], told: Told
    ) -> None:
        self._spec = spec
        self._wish = wish
        self._cut = cut
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._rested = 0.0
        self._pins = FabricPins()
        self._own = own_namespaces(spec.name)
        self._adopt(spec)
        self._spaces = {name: Space(name, self._pins.place(name)) for name in self._own}
        self._follow()
        self._readers: dict[int, Callable[[], None]] = {
            self._pins.directory.fileno(): self._directory_changed,
            self._pins.mounts.fileno(): self._mounts_changed,
        }
        for space in self._spaces.values():
            self._readers[space.monitor.fileno()] = lambda space=space: self._changed(space)  # type: ignore[misc]
        for descriptor, reader in self._readers.items():
            self._loop.add_reader(descriptor, reader)
        self._look_soon()  # what was hurt while nobody watched

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for descriptor in self._readers:
            self._loop.remove_reader(descriptor)
        for space in self._spaces.values():
            space.close()
        self._pins.close()

    async def run(self) -> None:
        """Looks at the settings of which no event tells, until cancelled."""
        while True:
            await asyncio.sleep(_READ_BACK_SECONDS)
            if not all(space.settings_are_right() for space in self._spaces.values()):
                self._look_soon()

    def _changed(self, space: Space) -> None:
        if space.is_hurt():
            self._look_soon()

    def _directory_changed(self) -> None:
        prefix = names.netns_prefix(self._spec.name)
        changed = self._pins.directory.changed()
        if changed is None or any(name.startswith(prefix) for name in changed):
            self._mounts_changed()

    def _mounts_changed(self) -> None:
        if self._pins.hurt:
            self._look_soon()

    def _look_soon(self, seconds: float = _SETTLE_SECONDS) -> None:
        """News bring a look forward that waits to be tried again, but none comes at once."""
        due = max(self._loop.time() + seconds, self._rested)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._rested = self._loop.time() + _PAUSE_SECONDS
        try:
            spec = self._wish()
            if spec is not None and spec != self._spec:
                self._adopt(spec)
                self._follow()
                self._look_soon(_RETRY_SECONDS)
            elif spec is not None and spec.network.healing:
                self._mend()
            else:
                self._look_soon(_PATIENCE_SECONDS)
        except BlockingIOError:  # it is `up`'s turn
            self._look_soon(_RETRY_SECONDS)
        except (LabError, OSError) as error:
            _log.warning("healing: %s", error)
            self._look_soon(_RETRY_SECONDS)

    def _adopt(self, spec: LabSpec) -> None:
        self._spec = spec
        nodes = [names.node_netns(spec.name, node) for node in spec.node_names]
        self._pins.hold([*self._own, *nodes])

    def _follow(self) -> None:
        """What is wanted changes with the spec, and with cables that are pulled out."""
        wanted = desired_here(self._spec, self._cut())
        for name, space in self._spaces.items():
            space.want(wanted[name])

    def _mend(self) -> None:
        fabric = self._pins.place(self._own[0])
        done: list[tuple[str, Finding]] = []
        try:
            with turn(fabric, wait=False):
                self._follow()
                done += [(self._node_at(name), one) for name, one in self._pins.mend()]
                self._unplug_half_cables()
                for space in self._spaces.values():
                    done += self._findings(space)
        finally:
            self._tell(done)

    def _unplug_half_cables(self) -> None:
        """A cable of which one end has another name, or place, is of no use."""
        fabric, *others = self._own
        for name, port in zip(others, (OUTSIDE_PORT, CONTROL_PLANE_PORT), strict=True):
            if self._spaces[name].lacks_cable():
                self._spaces[fabric].unplug(port)

    def _findings(self, space: Space) -> Iterator[tuple[str, Finding]]:
        """With the node that each is about, "" for none."""
        where = space.name.rpartition(".")[2]
        for one in space.mend():
            yield self._node_of(one.noun), finding(one, f"in {where}: ")

    def _node_of(self, noun: Noun) -> str:
        for node in self._spec.node_names:
            if noun.interface == names.port_name(node):
                return node
            if isinstance(noun, Neighbor) and noun.mac == names.node_mac(node):
                return node
        return ""

    def _node_at(self, netns: str) -> str:
        nodes = self._spec.node_names
        return next((n for n in nodes if names.node_netns(self._spec.name, n) == netns), "")

    def _tell(self, done: list[tuple[str, Finding]]) -> None:
        if done:
            sentence = report([one for _, one in done])
            _log.warning("healed: %s", sentence)
            nodes = {node for node, _ in done}
            self._told(sentence, nodes.pop() if len(nodes) == 1 else "")


def own_namespaces(lab: str) -> tuple[str, str, str]:
    """Those that no agent looks after, the fabric itself first."""
    return names.fabric_netns(lab), names.outside_netns(lab), names.control_plane_netns(lab)
