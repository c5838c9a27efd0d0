"""Which processes of a lab shall run, which do, and what happens when one ends.

The supervisor's loop tells the roster of pidfds that became readable and of time that passed; the
roster forks, restarts with back-off, stops, and keeps the record for the next supervisor.
"""

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from labctl.lab import children, processes
from labctl.lab.processes import Process, Record

_HEALTHY_SECONDS = 10.0  # a process that ran that long does not count as failing in a row
_TERM_SECONDS = 5.0
_LONGEST_DELAY = 10.0

_log = logging.getLogger(__name__)


def restart_delay(failures: int) -> float:
    """Seconds until the restart after that many quick failures in a row: none, then doubling.

    Three deaths in a row are still mended within a second.
    """
    return 0.0 if failures == 0 else min(0.1 * 2.0 ** (failures - 1), _LONGEST_DELAY)


@dataclass
class Post:
    """A place in the roster: the process that holds it, or when the next one is due."""

    name: str
    process: Process | None = None
    pidfd: int = -1
    restarts: int = 0
    failures: int = 0
    since: float = field(default_factory=time.monotonic)
    due: float | None = 0.0  # None: it runs, or shall stay dead
    stopped: bool = False

    @property
    def state(self) -> str:
        if self.process is not None:
            return "running"
        return "stopped" if self.stopped else "restarting"


class Roster:
    """The posts of one lab. `watch` and `unwatch` connect pidfds to the supervisor's poll."""

    def __init__(
        self,
        lab: str,
        watch: Callable[[int, Callable[[], None]], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self.posts: dict[str, Post] = {}
        self._lab = lab
        self._watch = watch
        self._unwatch = unwatch
        self._me = processes.observe(processes.SUPERVISOR, os.getpid())

    def adopt(self, record: Record) -> None:
        """Takes over from a supervisor that died: what still runs goes on."""
        for process in record.processes:
            pidfd = processes.open_pidfd(process)
            if process.name == processes.SUPERVISOR or pidfd is None:
                continue
            _log.info("adopting %s, pid %d", process.name, process.pid)
            post = self.posts.setdefault(process.name, Post(process.name))
            post.restarts = process.restarts
            self._fill(post, process, pidfd)
        for name in record.stopped:
            post = self.posts.setdefault(name, Post(name))
            post.stopped, post.due = True, None

    def start_first(self, wanted: Iterable[str]) -> None:
        """Has control plane and store run, before there is anything else."""
        for name in wanted:
            if name in (processes.CONTROL_PLANE, processes.ETCD):
                self.posts.setdefault(name, Post(name))
        self.start_due()

    def set_crew(self, wanted: list[str]) -> None:
        """These processes shall run, and no others."""
        self.stop([name for name in self.posts if name not in wanted])
        self.posts = {name: self.posts.get(name) or Post(name) for name in wanted}
        self.start_due()
        self.record()

    def start_due(self) -> None:
        """Forks whatever is due now, as one batch, and records it before it may run."""
        now = time.monotonic()
        due = [post for post in self.posts.values() if post.due is not None and post.due <= now]
        if not due:
            return
        gate = children.Gate()
        forked = children.fork(self._lab, [(post.name, post.restarts) for post in due], gate)
        for post, process in zip(due, forked, strict=True):
            self._fill(post, process, os.pidfd_open(process.pid))
        self.record()
        gate.open(len(forked))

    def next_due(self) -> float | None:
        """When (monotonic time) the next restart is due."""
        return min((post.due for post in self.posts.values() if post.due is not None), default=None)

    def start(self, name: str) -> None:
        """Ends a stop; nothing happens when the process runs."""
        post = self.posts[name]
        post.stopped = False
        if post.process is None:
            post.failures, post.due = 0, 0.0
        self.start_due()
        self.record()

    def kill(self, name: str) -> None:
        """SIGKILLs a process, which then stays dead until `start`; returns when it is dead."""
        self._end([name], signal.SIGKILL)

    def stop(self, names: list[str]) -> None:
        """SIGTERMs processes, which then stay dead; SIGKILL for those that do not care."""
        self._end(names, signal.SIGTERM)

    def restart(self, names: list[str]) -> None:
        """Ends processes as `stop` does, and starts them again at once."""
        self.stop(names)
        for name in names:
            self.start(name)

    def record(self) -> None:
        """Writes down what runs and what shall stay dead, for a successor."""
        running = [post.process for post in self.posts.values() if post.process is not None]
        stopped = tuple(post.name for post in self.posts.values() if post.stopped)
        processes.write_record(self._lab, Record((self._me, *running), stopped))

    def overview(self) -> list[dict[str, object]]:
        """What `status` says of each process."""
        me: dict[str, object] = {"name": self._me.name, "pid": self._me.pid}
        mine = {**me, "state": "running", "restarts": 0}
        return [mine, *map(_overview, self.posts.values())]

    def _end(self, names: list[str], number: signal.Signals) -> None:
        posts = [self.posts[name] for name in names]
        for post in posts:
            post.stopped, post.due = True, None
        self.record()
        for post in posts:
            if post.process is not None:
                signal.pidfd_send_signal(post.pidfd, number)
        deadline = time.monotonic() + _TERM_SECONDS
        for post in posts:
            self._wait_end(post, deadline)

    def _wait_end(self, post: Post, deadline: float) -> None:
        if post.process is None:
            return
        if not _ends_within(post.pidfd, deadline - time.monotonic()):
            signal.pidfd_send_signal(post.pidfd, signal.SIGKILL)
            _ends_within(post.pidfd, _TERM_SECONDS)
        self._vacate(post)

    def _fill(self, post: Post, process: Process, pidfd: int) -> None:
        post.process, post.pidfd, post.due = process, pidfd, None
        post.since = time.monotonic()
        self._watch(pidfd, lambda: self._ended(post))

    def _vacate(self, post: Post) -> None:
        self._unwatch(post.pidfd)
        os.close(post.pidfd)
        post.process, post.pidfd = None, -1

    def _ended(self, post: Post) -> None:
        self._vacate(post)
        now = time.monotonic()
        if now - post.since >= _HEALTHY_SECONDS:
            post.failures = 0
        post.due = now + restart_delay(post.failures)
        post.failures += 1
        post.restarts += 1
        _log.warning("%s ended; restart %d in %.1f s", post.name, post.restarts, post.due - now)


def _overview(post: Post) -> dict[str, object]:
    pid = post.process.pid if post.process is not None else None
    return {"name": post.name, "pid": pid, "state": post.state, "restarts": post.restarts}


def _ends_within(pidfd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))
