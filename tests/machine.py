"""A machine of its own for a test: pids, mounts, network, cgroups; the files are the host's.

Nothing else goes on in it, so whatever `up` and `down` change shows in a survey, and `down --all`
is nobody else's loss. /run, /var/lib and /dev/shm are empty. What is left of it at the end goes.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from labctl.lab import cgroup
from tests.command import SECONDS, Labctl
from tests.waiting import until

_numbers = itertools.count(1)
_SURVEY, _HANDLES = (Path(__file__).with_name(name) for name in ("survey.py", "handles.py"))
# A process belongs to the machine's cgroup before it enters the rest of it: where cgroup2 is
# mounted with nsdelegate (systemd does), it could not be moved inside otherwise.
_JOIN = 'echo 0 > "$1/cgroup.procs" && shift && exec "$@"'
_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--cgroup")
_BOOT = r"""
sed -n 's,.* \(/run/netns/[^ ]*\) .*,\1,p' /proc/self/mountinfo | xargs -r umount --lazy
umount --lazy "$1" && mount -t cgroup2 none "$1" || exit
for directory in /run /var/lib /dev/shm; do mount -t tmpfs none "$directory" || exit; done
ip link set lo up && echo up && exec catatonit -- sleep infinity
"""


@dataclass(frozen=True)
class Machine:
    """One that is up. `entry` are the words that, before a command, run it there."""

    entry: tuple[str, ...]

    def run(self, *words: str, check: bool = True) -> str:
        """Runs a command there and returns what it printed."""
        command = [*self.entry, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0 or not check, f"{words}: {done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *words: str) -> Iterator[None]:
        """A command there that says a line when it is ready, until the context ends."""
        command = [*self.entry, *words]
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline()
                yield
            finally:
                process.kill()

    def labctl(self, lab: str) -> Labctl:
        """The command line there."""
        return Labctl(lab, self.entry)

    def survey(self, *kinds: str) -> frozenset[str]:
        """Everything there is, or what is there of some kinds (survey.py)."""
        return frozenset(self.run(sys.executable, str(_SURVEY), *kinds).splitlines())

    def namespaces(self) -> frozenset[str]:
        """Handles of all that a process is in, or that is pinned (handles.py)."""
        return frozenset(self.run(sys.executable, str(_HANDLES)).splitlines())

    def living(self, namespaces: frozenset[str]) -> frozenset[str]:
        """Those that the kernel still has, whoever may hold them."""
        command = (sys.executable, str(_HANDLES), *namespaces)
        return frozenset(self.run(*command).splitlines()) if namespaces else namespaces

    def until_as(
        self, before: frozenset[str], gone: frozenset[str] = frozenset(), kinds: Sequence[str] = ()
    ) -> None:
        """Returns when there is what there was, and the namespaces `gone` are. The dead are reaped in
        the kernel's own time, and TCP holds the namespace of a node whose cable was cut for some
        seconds more (fabric/removal.py).
        """
        changes: list[str] = []

        def same() -> bool:
            now = self.survey(*kinds)
            changes[:] = sorted(f"+ {one}" for one in now - before)
            changes.extend(sorted(f"- {one}" for one in before - now))
            changes.extend(sorted(f"lives: {one}" for one in self.living(gone)))
            return not changes

        try:
            until(same, seconds=20 if gone else 5)
        except AssertionError:
            raise AssertionError("\n".join(changes)) from None


@contextmanager
def machine() -> Iterator[Machine]:
    """Makes one, and takes it away with all that is in it."""
    group = cgroup.hierarchy() / f"test-machine-{os.getpid()}-{next(_numbers)}"
    group.mkdir()
    join = ("sh", "-c", _JOIN, "sh", str(group))
    words = ("unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc")
    boot = ("sh", "-c", _BOOT, "sh", str(cgroup.hierarchy()))
    with subprocess.Popen([*join, *words, *boot], stdout=PIPE, text=True) as first:
        assert first.stdout is not None
        try:
            assert first.stdout.readline() == "up\n"
            (init,) = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
            yield Machine((*join, "nsenter", f"--target={init}", *_NAMESPACES))
        finally:
            (group / "cgroup.kill").write_text("1")
            first.wait()
            until(lambda: _removed(group))


def _removed(group: Path) -> bool:
    for at, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(at)
        except OSError:  # somebody in it is still dying
            return False
    return True
