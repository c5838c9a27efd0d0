"""`labctl up`: from whatever there is (nothing, a lab, the wreck of one) to the lab that shall be.

The same steps every time, each of which leaves alone what is right already: files, certificates,
fabric, supervisor with its processes (build), the lab's objects, nodes until they are Ready
(converge), manifests. If a step fails, a lab that was not there before is taken away again.

The supervisor is forked first of all: what it and this process import takes longer than all the
rest, and so goes on side by side. Hence the imports within functions here.
"""

import asyncio

from labctl.api.lab import LabSpec
from labctl.lab import cgroup, host, plugins, processes, state, store
from labctl.lab.former import Former
from labctl.lab.launch import Launch
from labctl.lab.lock import lock
from labctl.lab.manifests import Manifest
from labctl.lab.progress import Progress
from labctl.lab.wish import Change, Wish, resolve

_END_SECONDS = 20.0


def up(wish: Wish, progress: Progress) -> LabSpec:
    """Makes the lab, or makes it what it shall be; returns when every node is Ready.

    Raises HostCannot before anything is touched; BadInput for what is wrong with the wish.
    """
    host.require()
    with lock(wish.lab, progress):
        stored = state.load(wish.lab)
        change = Change(stored, resolve(wish, stored))
        store.require(change.spec.store)
        if change.spec.network.cni:
            plugins.require(change.spec.network.cni)
        if stored is None and state.is_left(wish.lab):  # by an `up` or `down` that was killed
            progress.step("taking away what is left of a former lab")
            _take_away(wish.lab)
        try:
            _bring_up(change, progress)
            if wish.manifests:
                asyncio.run(_apply(wish.lab, wish.manifests, progress))
        except BaseException:
            if stored is None:
                progress.step("taking away what was made")
                _take_away(wish.lab)
            raise
    return change.spec


def _bring_up(change: Change, progress: Progress) -> None:
    lab = change.spec.name
    _end_unrecorded(lab, progress)
    former = Former.of(lab)
    _make_cgroup(lab)
    state.make_directories(lab)
    launch = None if processes.supervisor_of(lab) else Launch(lab)
    try:
        from labctl.lab.build import build

        build(change.wider, launch, progress)
        from labctl.lab.converge import converge

        if launch is not None:
            launch.wait()
    finally:
        if launch is not None:
            launch.close()
    converge(change, former, progress)


def _end_unrecorded(lab: str, progress: Progress) -> None:
    """Ends what runs of a lab whose /run somebody emptied: nobody could adopt it."""
    if cgroup.members(lab) and not processes.read_record(lab).processes:
        progress.step("what runs of this lab is on no record: starting anew")
        cgroup.kill(lab)
        cgroup.wait_empty(lab, _END_SECONDS)


def _make_cgroup(lab: str) -> None:
    """One in which nobody is left is made anew.

    The kernel counts the kills of each cgroup, and since Linux 6.14 it takes a process that is
    forked into another cgroup than its parent's, with another count, for one that was being killed
    (cgroup_css_set_fork reads the parent's count, cgroup_post_fork compares the target's).
    """
    if not cgroup.members(lab):
        cgroup.wait_empty(lab, _END_SECONDS)  # who is listed no more may still be dying
        cgroup.remove(lab)
    cgroup.create(lab)


async def _apply(lab: str, manifests: tuple[Manifest, ...], progress: Progress) -> None:
    from labctl.lab import connect
    from labctl.lab.apply import apply_all

    async for outcome in apply_all(connect.client(lab), manifests):
        progress.step(str(outcome))


def _take_away(lab: str) -> None:
    from labctl.lab.down import take_away

    take_away(lab)
