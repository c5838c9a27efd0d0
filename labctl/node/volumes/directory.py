"""A volume on the disk: made, filled in one step, and gone with its pod.

What the API fills is written as kubelets write it (pkg/volume/util/atomic_writer.go): the files lie
in a directory with a name of its own, `..data` is a link to it, and what a container sees are links
through `..data`. Renaming that one link changes all files at once.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from labctl.node.volumes.files import File

_DATA, _NEW_DATA = "..data", "..data_tmp"


def make_empty(volume: Path) -> None:
    """An emptyDir, for everybody to write into; what is in it stays."""
    volume.mkdir(parents=True, exist_ok=True)
    volume.chmod(0o777)


def fill(volume: Path, files: Iterable[File]) -> None:
    """Makes the volume hold exactly these files; does nothing if it does already."""
    wanted = {file.path: file for file in files}
    volume.mkdir(parents=True, exist_ok=True)
    volume.chmod(0o755)
    former = _target(volume / _DATA)
    if former is not None and _holds(former, wanted):
        return
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=volume))
    fresh.chmod(0o755)
    for file in wanted.values():
        _write(fresh / file.path, file)
    new_link = volume / _NEW_DATA
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(fresh.name)
    new_link.rename(volume / _DATA)
    _link(volume, {path.split("/")[0] for path in wanted})
    if former is not None:
        shutil.rmtree(former, ignore_errors=True)


def remove(volumes: Path) -> None:
    """All volumes of a pod."""
    shutil.rmtree(volumes, ignore_errors=True)


def _target(link: Path) -> Path | None:
    try:
        return link.parent / os.readlink(link)
    except OSError:
        return None


def _holds(directory: Path, wanted: dict[str, File]) -> bool:
    present = {
        str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()
    }
    return present == set(wanted) and all(
        (directory / file.path).read_bytes() == file.data for file in wanted.values()
    )


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(descriptor, file.mode)
        out.write(file.data)


def _link(volume: Path, tops: set[str]) -> None:
    for top in tops:
        if not (volume / top).is_symlink():
            (volume / top).symlink_to(f"{_DATA}/{top}")
    for path in volume.iterdir():
        if not path.name.startswith("..") and path.name not in tops:
            with contextlib.suppress(OSError):
                path.unlink()
