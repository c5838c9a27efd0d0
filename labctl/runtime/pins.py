"""The names of pods' network namespaces in /run/netns, for `ip netns` and for people.

A pin of a pod is a symbolic link to /proc/PID/ns/net of its pause: no mount, which every other
mount namespace of the host would copy, and nothing to keep the namespace alive after pause. One that
somebody else removes comes back at once: the directory tells of it (inotify).
"""

import asyncio
import contextlib
import logging
import os
from pathlib import Path

from labctl import names
from labctl.runtime.inotify import Inotify

_log = logging.getLogger(__name__)


class Pins:
    """The pins of one lab's pods; made inside the runtime's loop."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._targets: dict[str, str] = {}  # by the pins' names
        self._gone: Inotify | None = None

    def give(self, namespace: str, pod: str, netns: str) -> Path:
        """Gives the pod's name to `netns`, taking it from whatever had it; returns the pin."""
        pin = names.netns_path(names.pod_netns(self._lab, namespace, pod))
        self.keep(pin, netns)
        return pin

    def keep(self, pin: Path, netns: str) -> None:
        """The pin is there from now on, and stays until it is moved or dropped."""
        _place_link(pin, netns)
        self._targets[pin.name] = netns
        if self._gone is None or not self._gone.watching:
            self._watch()

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
        with contextlib.suppress(OSError):  # EINVAL: somebody put something else there
            if os.readlink(pin) == netns:
                pin.unlink()

    def close(self) -> None:
        if self._gone is not None:
            asyncio.get_running_loop().remove_reader(self._gone.descriptor)
            self._gone.close()
            self._gone = None

    def _watch(self) -> None:
        """Where the machine has no inotify left, pins that somebody removes stay away."""
        self.close()
        try:
            self._gone = Inotify(names.NETNS_DIR)
        except OSError as error:
            _log.warning("pins in %s are not watched: %s", names.NETNS_DIR, error.strerror)
        else:
            asyncio.get_running_loop().add_reader(self._gone.descriptor, self._restore)

    def _restore(self) -> None:
        assert self._gone is not None
        for name in self._gone.removed():
            netns, pin = self._targets.get(name), names.netns_path(name)
            if netns and not os.path.lexists(pin):
                _log.warning("found no pin %s, did: ln -s %s %s", name, netns, pin)
                _place_link(pin, netns)


def _place_link(pin: Path, target: str) -> None:
    """Makes the link, in place of whatever link was there."""
    for _ in range(100):  # whoever drops the last pin removes the directory: try again
        pin.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            os.symlink(target, pin)
        except FileExistsError:
            pin.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        else:
            return
    raise OSError(f"{pin.parent} does not stay")
