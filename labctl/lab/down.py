"""`labctl down`: everything of a lab goes, in whatever state it is, and nothing else.

Processes first, all at once and whatever they do (the cgroup); then the namespaces, which take
links, routes and rules with them; files last, so that whoever is interrupted finds what is left.
"""

import contextlib
from dataclasses import dataclass

from labctl import fabric, names
from labctl.errors import LabError
from labctl.lab import cgroup, control, host, state, store
from labctl.lab.lock import lock
from labctl.lab.progress import Progress

_STOP_SECONDS = 3.0
_KILL_SECONDS = 20.0


@dataclass(frozen=True)
class Remainder:
    """What `down` could not take away, or would not since it is somebody else's."""

    what: str
    remedy: str


def down(lab: str, progress: Progress) -> bool:
    """Takes the lab away and returns when nothing is left; False when there was nothing."""
    host.require_root()
    if lab not in state.traces():
        return False
    with lock(lab, progress):
        progress.step(f"taking lab {lab} away")
        left = take_away(lab)
    if left:
        what = "; ".join(one.what for one in left)
        raise LabError(f"lab {lab} is gone, but {what}", " && ".join(one.remedy for one in left))
    return True


def down_all(progress: Progress) -> list[str]:
    """Takes every lab of this machine away, also what crashed ones left; their names."""
    host.require_root()
    gone, problems = list[str](), list[LabError]()
    for lab in state.traces():
        try:
            if down(lab, progress):
                gone.append(lab)
        except LabError as error:  # the others go all the same
            problems.append(error)
    for problem in problems:
        raise problem
    return gone


def take_away(lab: str) -> list[Remainder]:
    """The work of `down`, for one who holds the lab's lock; what is left, if anything."""
    with contextlib.suppress(LabError):  # there may be no supervisor; with one, no zombies stay
        control.request(lab, "stop", patience=_STOP_SECONDS)
    cgroup.kill(lab)
    cgroup.wait_empty(lab, _KILL_SECONDS)
    left = _remove_keys(lab)
    fabric.remove(lab)
    left += _remove_files(lab)
    cgroup.remove(lab)
    return left


def _remove_keys(lab: str) -> list[Remainder]:
    """After all who could write, and before the state that says where the keys are."""
    with contextlib.suppress(LabError):  # a file that nobody can read names no etcd
        spec = state.load(lab)
        what = store.remove(spec) if spec is not None else ""
        return [Remainder(what, f"etcdctl del --prefix {names.etcd_root(lab)}")] if what else []
    return []


def _remove_files(lab: str) -> list[Remainder]:
    return [
        Remainder(f"something else is mounted on {point}", f"umount {point}")
        for point in state.remove(lab)
    ]
