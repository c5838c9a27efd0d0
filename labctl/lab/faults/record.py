"""What was done to a lab and not undone, in /run/labctl/LAB/faults.json."""

import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from labctl import names
from labctl.lab.processes import Process, is_alive
from labctl.net.impairment import GOOD, Impairment


@dataclass(frozen=True)
class BadCable:
    """A node's cable, or (`pause` is given) a pod's, which is as old as its sandbox's pause.

    `port` is its far end: in the fabric, or in the node; `index` is the one that interface had when
    it was made bad, and one that was made anew has another.
    """

    node: str
    port: str
    impairment: Impairment = GOOD
    index: int = 0
    namespace: str = ""
    pod: str = ""
    pause: Process | None = None

    @property
    def identity(self) -> tuple[str, str, Process | None]:
        return self.node, self.port, self.pause

    @property
    def exists(self) -> bool:
        return self.pause is None or is_alive(self.pause)

    @property
    def title(self) -> str:
        """How people call it: as the places of a ping."""
        if not self.pod:
            return self.node
        return self.pod if self.namespace == "default" else f"{self.pod}.{self.namespace}"


@dataclass(frozen=True)
class Faults:
    """Nodes whose cable was pulled, nodes that are down, and cables that are bad."""

    cut: frozenset[str] = frozenset()
    down: frozenset[str] = frozenset()
    cables: tuple[BadCable, ...] = ()

    def known(self, cable: BadCable) -> BadCable:
        """The cable as it is remembered, or as it is given, which is a good one."""
        return next((one for one in self.cables if one.identity == cable.identity), cable)

    def with_cable(self, cable: BadCable) -> "Faults":
        """The same with that cable as it is now; a good one is not remembered."""
        others = tuple(one for one in self.cables if one.identity != cable.identity)
        return replace(self, cables=others if cable.impairment == GOOD else (*others, cable))


def read(lab: str) -> Faults:
    """What is remembered; nothing where there is no record (or half of one)."""
    try:
        return msgspec.json.decode(_file(lab).read_bytes(), type=Faults)
    except (OSError, msgspec.DecodeError):
        return Faults()


def change(lab: str, how: Callable[[Faults], Faults]) -> None:
    """Remembers what `how` makes of what is remembered; one change at a time."""
    with _turn(lab):
        new = _file(lab).with_suffix(".new")
        new.write_bytes(msgspec.json.encode(how(read(lab))))
        new.replace(_file(lab))


def cut_nodes(lab: str) -> frozenset[str]:
    """The nodes whose cables are out: that were cut, and that are down."""
    faults = read(lab)
    return faults.cut | faults.down


def down_nodes(lab: str) -> frozenset[str]:
    """The nodes that are down."""
    return read(lab).down


def forget_nodes(lab: str, nodes: Collection[str]) -> None:
    """Nodes that are in the lab no more: one of that name that comes later is a new one."""

    def without(faults: Faults) -> Faults:
        cables = tuple(one for one in faults.cables if one.node not in nodes)
        return Faults(faults.cut.difference(nodes), faults.down.difference(nodes), cables)

    change(lab, without)


def _file(lab: str) -> Path:
    return names.run_dir(lab) / "faults.json"


@contextmanager
def _turn(lab: str) -> Iterator[None]:
    directory = os.open(names.run_dir(lab), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
