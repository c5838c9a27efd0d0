"""Settings of which no event tells, looked at again and again.

Twice a second for ever, so the files stay open, and what was right and has not changed is not taken
apart.
"""

from labctl.net.netlink import Netlink
from labctl.net.nouns import Sysctl
from labctl.net.sysctl import SysctlFiles


class SettingsWatch:
    """Those of the namespace of `netlink`. Open files of settings keep no namespace alive."""

    def __init__(self, netlink: Netlink) -> None:
        self._netlink = netlink
        self._files: SysctlFiles | None = None
        self._wanted: frozenset[Sysctl] = frozenset()
        self._right: list[bytes] | None = None  # what the files held when all was right

    def are_right(self, wanted: frozenset[Sysctl]) -> bool:
        if self._files is None or self._wanted != wanted:
            self.close()
            with self._netlink.inside():
                self._files = SysctlFiles(noun.name for noun in wanted)
            self._wanted = wanted
        found = self._files.raw()
        if found != self._right:
            if wanted != set(self._files.parse(found)):
                return False
            self._right = found
        return True

    def close(self) -> None:
        """Files of an interface that went show nothing any more: the next look opens them anew."""
        self._right = None
        if self._files is not None:
            self._files.close()
            self._files = None
