"""`labctl down`: everything of a lab goes, in whatever state it is, and nothing else.

Processes first, all at once and whatever they do (the cgroup); then the namespaces, which take
links, routes and rules with them; files last, so that whoever is interrupted finds what is left.
"""

import contextlib

from labctl import fabric
from labctl.errors import LabError
from labctl.lab import cgroup, control, host, state
from labctl.lab.lock import lock
from labctl.lab.progress import Progress

_STOP_SECONDS = 3.0
_KILL_SECONDS = 20.0


def down(lab: str, progress: Progress) -> bool:
    """Takes the lab away and returns when nothing is left; False when there was nothing."""
    host.require_root()
    if lab not in state.traces():
        return False
    with lock(lab, progress):
        progress.step(f"taking lab {lab} away")
        take_away(lab)
    return True


def down_all(progress: Progress) -> list[str]:
    """Takes every lab of this machine away, also what crashed ones left; their names."""
    host.require_root()
    return [lab for lab in state.traces() if down(lab, progress)]


def take_away(lab: str) -> None:
    """The work of `down`, for one who holds the lab's lock."""
    with contextlib.suppress(LabError):  # there may be no supervisor; with one, no zombies stay
        control.request(lab, "stop", patience=_STOP_SECONDS)
    cgroup.kill(lab)
    cgroup.wait_empty(lab, _KILL_SECONDS)
    fabric.remove(lab)
    state.remove(lab)
    cgroup.remove(lab)
