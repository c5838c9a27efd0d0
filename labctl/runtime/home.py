"""The runtime's own namespaces, and the way back into them.

Namespaces are made, and processes put into them, by going there: unshare or setns, start what shall
live there, come back. One thread, so nobody sees the runtime abroad; nothing awaits while it is.
"""

import contextlib
import logging
import os
from collections.abc import Iterator

from labctl.namespacing import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS, setns

log = logging.getLogger(__name__)

_KINDS = {"net": CLONE_NEWNET, "ipc": CLONE_NEWIPC, "uts": CLONE_NEWUTS, "pid": CLONE_NEWPID}


class Home:
    """Descriptors of the namespaces in which the runtime was started."""

    def __init__(self) -> None:
        self._descriptors = {
            flag: os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
            for kind, flag in _KINDS.items()
        }

    @contextlib.contextmanager
    def away(self, flags: int) -> Iterator[None]:
        """Whatever its body does to the namespaces of kinds `flags`, they are the own ones after."""
        try:
            yield
        finally:
            self._return(flags)

    def _return(self, flags: int) -> None:
        try:
            for flag, descriptor in self._descriptors.items():
                if flags & flag:
                    setns(descriptor, flag)
        except BaseException:
            # everything done from here on would be done in some pod
            log.critical("cannot return to the own namespaces", exc_info=True)
            os._exit(70)

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()
