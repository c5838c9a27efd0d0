"""The names of a fabric's namespaces in /run/netns, put back when somebody took one away.

Each namespace is held open, so that its name can be given back to it, and let go when the lab has
no such node any more. A name that is none of the fabric's is not touched.
"""

import os
import select
from collections.abc import Collection, Iterator

from labctl import names
from labctl.net.findings import Finding
from labctl.net.inotify import DirectoryWatch
from labctl.net.namespaces import delete_netns, is_netns, netns_path, pin_netns


class MountWatch:
    """Tells of every mount and umount: a pin that is unmounted stays in its directory as a file."""

    def __init__(self) -> None:
        self._table = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        # The table can always be read; that it changed is a priority event, for which event loops
        # do not wait (proc(5)).
        self._poll = select.epoll()
        self._poll.register(self._table, select.EPOLLPRI | select.EPOLLERR)

    def fileno(self) -> int:
        return self._poll.fileno()

    def close(self) -> None:
        self._poll.close()
        os.close(self._table)


class FabricPins:
    """Those of one lab; use as a context manager, or close it."""

    def __init__(self) -> None:
        self.directory = DirectoryWatch(names.NETNS_DIR)
        self.mounts = MountWatch()
        self._held: dict[str, int] = {}

    def close(self) -> None:
        self.directory.close()
        self.mounts.close()
        self.hold(())

    def hold(self, wanted: Collection[str]) -> None:
        """Holds what there is of the namespaces `wanted`, and no others."""
        for name in [name for name in self._held if name not in wanted]:
            os.close(self._held.pop(name))
        for name in wanted:
            if name not in self._held and is_netns(netns_path(name)):
                self._held[name] = os.open(netns_path(name), os.O_RDONLY | os.O_CLOEXEC)

    def place(self, name: str) -> str:
        """A path that leads to a namespace that is held, whatever is at its name."""
        return f"/proc/{os.getpid()}/fd/{self._held[name]}"

    @property
    def hurt(self) -> tuple[str, ...]:
        """The names that do not lead where they should."""
        return tuple(name for name, held in self._held.items() if not _leads_to(name, held))

    def mend(self) -> Iterator[tuple[str, Finding]]:
        """Puts back the names that are hurt, and says so of each. Raises NetError."""
        for name in self.hurt:
            pin = netns_path(name)
            found = "something else at" if is_netns(pin) else "no namespace at"
            delete_netns(name)
            pin_netns(name, self.place(name))
            yield name, Finding(f"{found} {pin}", f"mount --bind {self.place(name)} {pin}")


def _leads_to(name: str, held: int) -> bool:
    try:
        return os.path.samestat(os.stat(netns_path(name)), os.fstat(held))
    except OSError:
        return False
