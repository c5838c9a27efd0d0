"""Where a container's log lies: the runtime writes and rotates it, the agent reads it.

The newest lines are in the file that the container's config names. One that grew too long is set
aside under that name, a dot, and the time: in the order of their names they are in order of time.
"""

import os
import time

_KEPT = 5  # files, the present one among them; kubelet's containerLogMaxFiles


def rotated(path: str) -> list[str]:
    """The files set aside for `path`, oldest first."""
    directory, name = os.path.split(path)
    try:
        found = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(f"{directory}/{one}" for one in found if one.startswith(name + "."))


def rotate(path: str, nanoseconds: int) -> None:
    """Sets `path` aside, as of that time since the epoch, and lets go of the oldest.

    Raises OSError.
    """
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    os.rename(path, f"{path}.{stamp}.{fraction:09}")
    for old in rotated(path)[: 1 - _KEPT]:
        os.unlink(old)


def after(path: str, inode: int) -> str | None:
    """The file that goes on where the one with `inode` ended; None while there is none.

    If that one is gone already, it is the oldest that is left.
    """
    files = [*rotated(path), path]
    inodes = [_inode(file) for file in files]
    following = files[inodes.index(inode) + 1 :] if inode in inodes else files
    return next((file for file in following if os.path.exists(file)), None)


def remove(path: str) -> None:
    """Removes the log and what was set aside of it."""
    for file in (*rotated(path), path):
        try:
            os.unlink(file)
        except OSError:
            continue


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
