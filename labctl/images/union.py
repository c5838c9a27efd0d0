"""Several layers looked at as the one tree that overlayfs makes of them: what a path leads to.

A file of mode character device 0/0 hides what lies below it, and a directory with the attribute
`trusted.overlay.opaque` hides all that is below in it (Documentation/filesystems/overlayfs.rst).
"""

import errno
import os
import stat
from collections.abc import Sequence

OPAQUE, YES = "trusted.overlay.opaque", b"y"
WHITEOUT = os.makedev(0, 0)

MAX_STEPS = 256  # of a path with its links: what is longer turns in a circle


def parts_of(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def find(layers: Sequence[str], path: str) -> str | None:
    """Where `path` lies, links followed as if the tree were /; None if it is not there.

    `layers` are directories, the topmost first. Raises OSError (ELOOP) for links in a circle.
    """
    done: list[str] = []
    todo = parts_of(path)[::-1]
    for _ in range(MAX_STEPS):
        if not todo:
            return lookup(layers, done)
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        place = lookup(layers, [*done, part])
        if place is None:
            return None
        if not os.path.islink(place):
            done.append(part)
            continue
        target = os.readlink(place)
        if target.startswith("/"):
            done.clear()
        todo += parts_of(target)[::-1]
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def lookup(layers: Sequence[str], parts: Sequence[str]) -> str | None:
    """The topmost file at a path without links."""
    for layer in layers:
        place, hides = _walk(layer, parts)
        if place is not None or hides:
            return place
    return None


def _walk(layer: str, parts: Sequence[str]) -> tuple[str | None, bool]:
    """Where one layer has a path, and whether it hides what lower ones have of it."""
    place, hides = layer, False
    for number, part in enumerate(parts, 1):
        hides = hides or _is_opaque(place)
        place = f"{place}/{part}"
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return None, hides
        if number < len(parts) and not stat.S_ISDIR(status.st_mode):
            return None, True
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == WHITEOUT:
            return None, True
    return place, True


def _is_opaque(directory: str) -> bool:
    try:
        return os.getxattr(directory, OPAQUE) == YES
    except OSError:
        return False
