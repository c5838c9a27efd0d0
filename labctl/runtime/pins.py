"""The names of pods' network namespaces in /run/netns, for `ip netns` and for people.

A pin of a pod is a symbolic link to /proc/PID/ns/net of its pause: no mount, which every other
mount namespace of the host would copy, and nothing to keep the namespace alive after pause. One that
somebody else removes comes back at once (`pin_keeper`).
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from labctl import names
from labctl.net.findings import Finding
from labctl.net.marks import mark
from labctl.net.namespaces import delete_netns


class Pins:
    """The pins of one lab's pods."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._targets: dict[str, str] = {}  # by the pins' names

    def give(self, namespace: str, pod: str, netns: str) -> Path:
        """Gives the pod's name to `netns`, taking it from whatever had it; returns the pin."""
        pin = names.netns_path(names.pod_netns(self._lab, namespace, pod))
        _place_link(pin, netns)
        self.adopt(pin, netns)
        return pin

    def __contains__(self, pin: Path) -> bool:
        """Whether a pod has it."""
        return pin.name in self._targets

    def adopt(self, pin: Path, netns: str) -> None:
        """The pin should be there, and stay until it is moved or dropped."""
        self._targets[pin.name] = netns

    def move_aside(self, pin: Path, uid: str) -> Path:
        """Moves a pin out of the way of a pod of the same name; returns where it is now."""
        old = names.netns_path(names.old_netns(self._lab, uid))
        netns = self._targets.pop(pin.name, None)
        if netns is not None:
            self._targets[old.name] = netns
        with contextlib.suppress(FileNotFoundError):
            os.replace(pin, old)
        return old

    def drop(self, pin: Path, netns: str) -> None:
        """Removes the pin if it still is the one to `netns`, and not a successor's."""
        if self._targets.get(pin.name) == netns:
            del self._targets[pin.name]
        if _leads_to(pin, netns):
            pin.unlink(missing_ok=True)

    def hurt(self, changed: Iterable[str] | None) -> list[str]:
        """Those of the names `changed` (None: of all) that are pins and do not lead where they should."""
        asked = self._targets if changed is None else self._targets.keys() & set(changed)
        return [one for one in asked if not _leads_to(names.netns_path(one), self._targets[one])]

    def mend(self, name: str) -> Finding:
        """Puts a pin back, in place of whatever is there. Raises OSError, NetError."""
        pin, netns = names.netns_path(name), self._targets[name]
        found = "something else at" if os.path.lexists(pin) else "no"
        delete_netns(name)
        _place_link(pin, netns)
        return Finding(f"{found} {pin}", f"ln -s {netns} {pin}")


def _leads_to(pin: Path, netns: str) -> bool:
    try:
        return os.readlink(pin) == netns
    except OSError:  # EINVAL: somebody put something else there
        return False


def _place_link(pin: Path, target: str) -> None:
    """Makes the link, in place of whatever link was there."""
    for _ in range(100):  # whoever drops the last pin removes the directory: try again
        try:
            os.symlink(target, pin)
        except FileExistsError:
            pin.unlink(missing_ok=True)
        except FileNotFoundError:
            pin.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        else:
            mark(pin)
            return
    raise OSError(f"{pin.parent} does not stay")
