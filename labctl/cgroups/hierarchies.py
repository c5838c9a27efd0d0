"""Where this host has its control groups.

Version 2 is one hierarchy, and version 1 one for each controller; a controller is in one of them
only. A host in hybrid layout has both: its processes are grouped by version 2, and what limits them
is in version 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONTROLLERS = ("cpu", "memory", "pids")

_MOUNTINFO = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Hierarchies:
    """Mount points: of version 2, if it is mounted, and of version 1 by controller.

    `enabled` are the controllers that version 2 hands down to the groups below its root.
    """

    unified: Path | None = None
    enabled: frozenset[str] = frozenset()
    legacy: Mapping[str, Path] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The controllers that a container's group cannot have here."""
        return tuple(
            one for one in CONTROLLERS if one not in self.enabled and one not in self.legacy
        )

    @property
    def mounts(self) -> tuple[Path, ...]:
        """Each hierarchy once: two controllers may share one of version 1."""
        unified = () if self.unified is None else (self.unified,)
        return tuple(dict.fromkeys((*unified, *self.legacy.values())))


def read_hierarchies() -> Hierarchies:
    """Those of this host, as they are mounted now."""
    unified, legacy = parse(_MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    enabled: frozenset[str] = frozenset()
    if unified is not None:
        handed_down = (unified / "cgroup.subtree_control").read_text().split()
        enabled = frozenset(handed_down).intersection(CONTROLLERS)
    return Hierarchies(unified, enabled, legacy)


def parse(mountinfo: str) -> tuple[Path | None, dict[str, Path]]:
    """Picks version 2 and the controllers of version 1 from the text of mountinfo (proc(5))."""
    unified: Path | None = None
    legacy: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ")[:3]
        at = Path(left.split(" ")[4].replace("\\040", " "))
        if kind == "cgroup2" and unified is None:
            unified = at
        elif kind == "cgroup":
            legacy |= {one: at for one in options.split(",") if one in CONTROLLERS}
    return unified, legacy
