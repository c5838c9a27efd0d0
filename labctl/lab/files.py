"""Taking a lab's directories away, and nothing that somebody mounted in them.

labctl itself mounts only volumes in memory. Whoever put a disk or a directory of theirs there shall
find it again with all that is in it: what is mounted is neither entered nor unmounted.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from labctl.mounting import detach, mounted_below


def unmount_all(directory: Path) -> None:
    """Unmounts what labctl mounted at or below a directory of its own."""
    for point in mounted_below(directory):
        with contextlib.suppress(OSError):
            detach(point)


def remove(directory: Path) -> list[Path]:
    """Removes it with all that is in it, but for what is mounted below; returns what that is.

    A directory that is itself mounted is emptied.
    """
    mounts = {Path(point) for point in mounted_below(directory)}
    with contextlib.suppress(FileNotFoundError):
        if not mounts:
            shutil.rmtree(directory)
        else:
            _remove_around(directory, mounts)
    return sorted(mounts - {directory})


def _remove_around(directory: Path, mounts: Iterable[Path]) -> None:
    for entry in os.scandir(directory):
        path = Path(entry.path)
        if path in mounts:
            continue
        if not entry.is_dir(follow_symlinks=False):
            path.unlink()
        elif any(point.is_relative_to(path) for point in mounts):
            _remove_around(path, mounts)
        else:
            shutil.rmtree(path)
    with contextlib.suppress(OSError):  # something is mounted on it, or in it
        directory.rmdir()
