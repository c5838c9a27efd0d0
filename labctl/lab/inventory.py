"""What labctl could leave behind on a host, listed, so that before and after can be compared.

Read from /proc, /run, /sys and netlink only, and changes nothing. What belongs to labs that are
not looked at is left out, since they come and go meanwhile.
"""

import contextlib
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from labctl import names
from labctl.lab import cgroup
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link
from labctl.net.observe import observe


@dataclass(frozen=True)
class Inventory:
    """Each kind of thing as texts that say which it is."""

    namespaces: frozenset[str]
    links: frozenset[str]
    mounts: frozenset[str]
    processes: frozenset[str]
    cgroups: frozenset[str]
    tables: frozenset[str]
    files: frozenset[str]

    def difference(self, later: "Inventory") -> list[str]:
        """What came and what went, a line each; empty when nothing did."""
        lines = []
        for kind in (field.name for field in fields(self)):
            before, after = getattr(self, kind), getattr(later, kind)
            lines += [f"{kind}: + {one}" for one in sorted(after - before)]
            lines += [f"{kind}: - {one}" for one in sorted(before - after)]
        return lines


def take(lab: str) -> Inventory:
    """The host as it is now, without what belongs to labs other than `lab`."""
    return Inventory(
        namespaces=_without_others(lab, _entries(names.NETNS_DIR)),
        links=frozenset(_links()),
        mounts=_without_others(lab, _mounts()),
        processes=frozenset(_processes(lab)),
        cgroups=_without_others(lab, (f"labctl.{one}" for one in cgroup.labs())),
        tables=frozenset(_tables()),
        files=_without_others(lab, [*_entries(names.RUN_DIR), *_entries(names.STATE_DIR)]),
    )


def _entries(directory: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [str(entry) for entry in directory.iterdir()]
    return []


def _without_others(lab: str, texts: Iterable[str]) -> frozenset[str]:
    """Only texts that name no lab, or this one."""
    return frozenset(text for text in texts if not _names_another(text, lab))


def _names_another(text: str, lab: str) -> bool:
    for mark in (
        f"{names.NETNS_DIR}/labctl.",
        "labctl.",
        f"{names.RUN_DIR}/",
        f"{names.STATE_DIR}/",
    ):
        if text.startswith(mark):
            rest = text.removeprefix(mark)
            return rest.split(".")[0].split("/")[0] != lab
    return False


def _links() -> Iterator[str]:
    with Netlink.here() as netlink:
        for noun in observe(netlink):
            if isinstance(noun, Link):
                yield f"{noun.kind} {noun.name}"


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield line.split(" ")[4]


def _processes(lab: str) -> Iterator[str]:
    """Processes of the lab, by cgroup or title, zombies too; those of other labs are not."""
    members = set(cgroup.members(lab))
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (shown := _process(int(entry.name), lab, members)):
            yield shown


def _process(pid: int, lab: str, members: set[int]) -> str:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        comm = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
    mine = title.startswith(f"labctl: {lab} ") or comm.startswith(f"labctl: {lab} "[:15])
    return f"{pid} {title or comm}" if pid in members or mine else ""


def _tables() -> list[str]:
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
    return listed.stdout.split("\n")
