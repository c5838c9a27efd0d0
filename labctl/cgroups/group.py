"""One control group, in every hierarchy of this host: made, limited, asked, ended, removed.

Two levels below a lab's own: a pod's, made with its first container that is a process, and a
container's. A pod of stand-ins has none.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labctl.cgroups.hierarchies import CONTROLLERS, Hierarchies
from labctl.cgroups.limits import (
    OPTIONAL,
    Limits,
    Setting,
    legacy_settings,
    unified_settings,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time in nanoseconds, and memory in bytes."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu + other.cpu, self.memory + other.memory)


class Group:
    """The group `name`, a path below each hierarchy's mount point."""

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self._hierarchies = hierarchies
        self._name = name

    def make(self, limits: Limits, *, leaf: bool = True) -> None:
        """Makes it, unless it is there, and sets its limits; raises OSError.

        One that is no leaf hands the controllers of version 2 down to the groups below it.
        """
        for mount in self._hierarchies.mounts:
            _make(f"{mount}/{self._name}")
        for file, value in self._settings(limits):
            _write(file, value)
        if self._unified is None:
            return
        enabled = self._hierarchies.enabled
        if not leaf:
            _hand_down(self._unified, enabled)
        elif "memory" in enabled:
            _write(
                f"{self._unified}/memory.oom.group", "1"
            )  # a container dies whole, as KEP-2570 has it

    @property
    def entrances(self) -> tuple[str, ...]:
        """The files that take a process in, where it cannot be born in the group: version 1's."""
        mounts = dict.fromkeys(self._hierarchies.legacy.values())
        return tuple(f"{mount}/{self._name}/cgroup.procs" for mount in mounts)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int | None]:
        """A descriptor of its directory in version 2, for a process to be born there."""
        if self._unified is None:
            yield None
            return
        descriptor = os.open(self._unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def oom_kills(self) -> int:
        """How many of its processes were killed since it had used up its memory."""
        if "memory" in self._hierarchies.enabled:
            return _counter(f"{self._unified}/memory.events", "oom_kill")
        memory = self._hierarchies.legacy.get("memory")
        return _counter(f"{memory}/{self._name}/memory.oom_control", "oom_kill") if memory else 0

    def usage(self) -> Usage | None:
        """What its processes use and have used; None where there is no such group."""
        if self._unified is None or not self._unified.exists():
            return None
        # has the time even where version 2 has no controllers (cgroup-v2.rst)
        cpu = _counter(f"{self._unified}/cpu.stat", "usage_usec") * 1000
        return Usage(cpu, max(0, self._held() - self._reclaimable()))

    @property
    def counts_memory(self) -> bool:
        return "memory" not in self._hierarchies.missing

    def members(self) -> list[int]:
        """The pids in it; none where there is no such group."""
        return [int(pid) for pid in _text(f"{self._unified}/cgroup.procs").split()]

    def end(self) -> None:
        """SIGKILLs what is left in it."""
        if self._unified is not None:
            with contextlib.suppress(OSError):
                _write(f"{self._unified}/cgroup.kill", "1")

    def remove(self) -> None:
        """Removes it where nobody is in it any more; the lab's end removes what stays."""
        for mount in self._hierarchies.mounts:
            with contextlib.suppress(OSError):
                os.rmdir(mount / self._name)

    @property
    def _unified(self) -> Path | None:
        unified = self._hierarchies.unified
        return None if unified is None else unified / self._name

    def _settings(self, limits: Limits) -> list[Setting]:
        settings = [
            (f"{self._unified}/{file}", value)
            for file, value in unified_settings(limits, self._hierarchies.enabled)
        ]
        for controller in CONTROLLERS:
            mount = self._hierarchies.legacy.get(controller)
            if mount is not None:
                settings += [
                    (f"{mount}/{self._name}/{file}", value)
                    for file, value in legacy_settings(limits, controller)
                ]
        return settings

    def _held(self) -> int:
        memory = self._hierarchies.legacy.get("memory")
        if memory is not None:
            return _number(f"{memory}/{self._name}/memory.usage_in_bytes")
        return _number(f"{self._unified}/memory.current")

    def _reclaimable(self) -> int:
        """Cached files that nobody has used lately are not counted (kubelet's working set)."""
        memory = self._hierarchies.legacy.get("memory")
        if memory is not None:
            return _counter(f"{memory}/{self._name}/memory.stat", "total_inactive_file")
        return _counter(f"{self._unified}/memory.stat", "inactive_file")


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)
    except FileNotFoundError:
        os.makedirs(directory, exist_ok=True)
    except FileExistsError:
        return


def _hand_down(group: Path, controllers: frozenset[str]) -> None:
    if controllers:
        wanted = " ".join(f"+{one}" for one in sorted(controllers))
        _write(f"{group}/cgroup.subtree_control", wanted)


def _write(file: str, value: str) -> None:
    """One write(2), as the files of cgroups want it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if os.path.basename(file) in OPTIONAL:
            return
        raise
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _counter(file: str, name: str) -> int:
    """A counter of a file of lines `NAME NUMBER`; 0 where there is none."""
    for line in _text(file).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _number(file: str) -> int:
    return int(_text(file) or 0)


def _text(file: str) -> str:
    try:
        with open(file, encoding="ascii") as opened:
            return opened.read()
    except OSError:
        return ""
