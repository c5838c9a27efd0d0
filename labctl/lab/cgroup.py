"""The cgroup (version 2) that holds every process of a lab.

Whatever a lab's processes fork stays in it, however it daemonises, so `down` can end all of them
with one write and wait until none is left, and no process of anyone else is ever in question.
It lies directly below the hierarchy's mount point. An extended attribute says that labctl made it
(systemd may well have a `labctl.slice` there), so it is also the mark of a lab that crashed.

    labctl.LAB/supervisor    the supervisor
    labctl.LAB/processes     all others, pauses among them; the supervisor is spared to reap them
    labctl.LAB/pods          a group for each pod that has processes, and in it one for each container

Where version 1 has the controllers, the last of these is in its hierarchies too; all members of
those are members here.
"""

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labctl import names
from labctl.cgroups.group import Group
from labctl.cgroups.hierarchies import Hierarchies, read_hierarchies
from labctl.cgroups.limits import Limits
from labctl.errors import HostCannot, LabError

SUPERVISOR, PROCESSES, PODS = "supervisor", "processes", "pods"

_PREFIX = "labctl."
_MARK = "trusted.labctl"
_FIX = "mount -t cgroup2 none /sys/fs/cgroup"


def hierarchy() -> Path:
    """Where the cgroup2 hierarchy is mounted; HostCannot when it is not."""
    unified = read_hierarchies().unified
    if unified is None:
        raise HostCannot("no cgroup v2 hierarchy is mounted on this host", f"sudo {_FIX}")
    return unified


def path(lab: str) -> Path:
    return hierarchy() / names.lab_cgroup(lab)


def labs() -> set[str]:
    """The labs of which a cgroup is left."""
    found = hierarchy().glob(f"{_PREFIX}*")
    return {entry.name.removeprefix(_PREFIX) for entry in found if _is_ours(entry)}


def exists(lab: str) -> bool:
    return _is_ours(path(lab))


def _is_ours(directory: Path) -> bool:
    try:
        return bool(os.getxattr(directory, _MARK))
    except OSError:
        return False


def create(lab: str) -> None:
    """Makes the lab's cgroups; HostCannot when the hierarchy is read-only or lacks cgroup.kill."""
    at = path(lab)
    if not _is_ours(at):
        _make(at, lab)
    for part in (SUPERVISOR, PROCESSES):
        (at / part).mkdir(exist_ok=True)
    hierarchies = read_hierarchies()
    for old in _legacy(hierarchies, lab):
        _make_legacy(old, lab)
    for name in (names.lab_cgroup(lab), names.pods_cgroup(lab)):
        Group(hierarchies, name).make(Limits(), leaf=False)


def _make(at: Path, lab: str) -> None:
    try:
        at.mkdir()
        os.setxattr(at, _MARK, lab.encode())
    except FileExistsError as error:
        raise HostCannot(
            f"{at} is there already and is not labctl's", "use another name"
        ) from error
    except OSError as error:
        raise HostCannot(
            f"cannot make the cgroup {at}: {error.strerror}", "is the hierarchy mounted read-only?"
        ) from error
    if not (at / "cgroup.kill").exists():
        at.rmdir()
        raise HostCannot("this kernel has no cgroup.kill", "labctl needs Linux 5.14 or newer")


def _legacy(hierarchies: Hierarchies, lab: str) -> list[Path]:
    mounts = dict.fromkeys(hierarchies.legacy.values())
    return [mount / names.lab_cgroup(lab) for mount in mounts]


def _make_legacy(at: Path, lab: str) -> None:
    with suppress(FileExistsError):
        at.mkdir()
        os.setxattr(at, _MARK, lab.encode())


def enter(lab: str, part: str) -> None:
    """Moves the calling process into a part of the lab's cgroup, and with it what it will fork."""
    with entrance(lab, part) as descriptor:
        go_through(descriptor)


@contextmanager
def entrance(lab: str, part: str) -> Iterator[int]:
    """A descriptor through which a part of the lab's cgroup is entered."""
    descriptor = os.open(path(lab) / part / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def go_through(descriptor: int) -> None:
    os.write(descriptor, b"0")


def members(lab: str) -> list[int]:
    """The pids in the lab's cgroup and the ones below it; none when there is no cgroup."""
    pids: list[int] = []
    for file in path(lab).rglob("cgroup.procs"):
        with suppress(OSError):
            pids += map(int, file.read_text().split())
    return pids


def kill(lab: str, part: str = "") -> None:
    """SIGKILLs every process in it (or in a part) at once; forks in flight are caught too."""
    if exists(lab):
        (path(lab) / part / "cgroup.kill").write_text("1")


def wait_empty(lab: str, seconds: float, part: str = "") -> None:
    """Returns when no process is left in it (or in a part); LabError after `seconds`."""
    if not exists(lab):
        return
    deadline = time.monotonic() + seconds
    events = os.open(path(lab) / part / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while b"populated 1" in os.pread(events, 4096, 0):
            _wait_change(events, deadline, lab)
    finally:
        os.close(events)


def _wait_change(events: int, deadline: float, lab: str) -> None:
    # kernfs raises POLLPRI on an attribute when its content changed (cgroup-v2.rst, "events").
    poll = select.poll()
    poll.register(events, select.POLLPRI)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        left = ", ".join(map(str, members(lab)))
        raise LabError(f"processes of lab {lab} do not end: {left}")


def remove(lab: str) -> None:
    """Removes the lab's empty cgroup and the ones below it, if there are any."""
    for at in (*_legacy(read_hierarchies(), lab), path(lab)):
        if _is_ours(at):
            _remove_tree(at)


def _remove_tree(at: Path) -> None:
    below = sorted((e for e in at.rglob("*") if e.is_dir()), key=lambda e: -len(e.parts))
    for directory in (*below, at):
        directory.rmdir()
