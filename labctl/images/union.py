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
        place = "/".join((layer, *parts))
        try:
            status = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            if _hides(layer, parts):
                return None
            continue
        return None if _is_whiteout(status) else place
    return None


def _hides(layer: str, parts: Sequence[str]) -> bool:
    """Whether something on the way to a path hides what lies below this layer."""
    place = layer
    for part in parts:
        if _is_opaque(place):
            return True
        place = f"{place}/{part}"
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(status.st_mode):
            return True
    return False


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == WHITEOUT


def _is_opaque(directory: str) -> bool:
    try:
        return os.getxattr(directory, OPAQUE) == YES
    except OSError:
        return False
