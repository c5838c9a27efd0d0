"""The names of pods' network namespaces in /run/netns, for `ip netns` and for people.

A pin of a pod is a symbolic link to /proc/PID/ns/net of its pause: no mount, which every other
mount namespace of the host would copy, and nothing to keep the namespace alive after pause.
"""

import contextlib
import os
from pathlib import Path

from labctl import names


def pin_sandbox(lab: str, namespace: str, pod: str, netns: str) -> Path:
    """Gives the pod's name to `netns`, taking it from whatever had it; returns the pin."""
    pin = names.netns_path(names.pod_netns(lab, namespace, pod))
    place_link(pin, netns)
    return pin


def place_link(pin: Path, target: str) -> None:
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


def rename_pin(pin: Path, lab: str, uid: str) -> Path:
    """Moves a pin out of the way of a pod of the same name; returns where it is now."""
    old = names.netns_path(names.old_netns(lab, uid))
    with contextlib.suppress(FileNotFoundError):
        os.replace(pin, old)
    return old


def unpin(pin: Path, target: str) -> None:
    """Removes the pin if it still is the one to `target`, and not a successor's."""
    with contextlib.suppress(OSError):  # EINVAL: somebody put something else there
        if os.readlink(pin) == target:
            pin.unlink()
