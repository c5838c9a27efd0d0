"""A volume on the disk: made, filled in one step, and gone with its pod.

What the API fills is written as kubelets write it (pkg/volume/util/atomic_writer.go): the files lie
in a directory with a name of its own, `..data` is a link to it, and what a container sees are links
through `..data`. Renaming that one link changes all files at once.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from labctl.mounting import MS_NODEV, MS_NOSUID, detach, mount, mounted_below
from labctl.node.volumes.files import File

_DATA, _NEW_DATA = "..data", "..data_tmp"
_GROUP_READS, _GROUP_WRITES, _GROUP_DIRECTORY = 0o440, 0o660, 0o2770


def make_empty(volume: Path) -> None:
    """An emptyDir, for everybody to write into; what is in it stays."""
    volume.mkdir(parents=True, exist_ok=True)
    volume.chmod(0o777)


def make_in_memory(volume: Path, limit: int) -> None:
    """An emptyDir of the medium Memory: a tmpfs of `limit` bytes (0: half of the machine's)."""
    volume.mkdir(parents=True, exist_ok=True)
    if not volume.is_mount():
        size = f",size={limit}" if limit else ""
        mount("tmpfs", str(volume), "tmpfs", MS_NOSUID | MS_NODEV, f"mode=0777{size}")


def give_to_group(volume: Path, group: int, *, read_only: bool = False) -> None:
    """Lets a group have all that is in it (pkg/volume/volume_linux.go), unless it has it already."""
    if (at := volume.stat()).st_gid == group and at.st_mode & stat.S_ISGID and not read_only:
        return
    os.chown(volume, -1, group)
    volume.chmod(at.st_mode | _GROUP_DIRECTORY)
    for path in volume.rglob("*"):
        mode = path.lstat().st_mode
        os.chown(path, -1, group, follow_symlinks=False)
        if stat.S_ISDIR(mode):
            path.chmod(mode | _GROUP_DIRECTORY)
        elif not stat.S_ISLNK(mode):
            path.chmod(mode | (_GROUP_READS if read_only else _GROUP_WRITES))


def fill(volume: Path, files: Iterable[File], group: int | None = None) -> None:
    """Makes the volume hold exactly these files, for a group to read; those that it holds already
    are left alone.
    """
    wanted = {file.path: file for file in files}
    former = _target(volume / _DATA)
    if former is None:
        _make(volume, group)
    if former is None or not _holds(former, wanted):
        _replace(volume, _written(volume, wanted.values(), group))
    _link(volume, {path.split("/")[0] for path in wanted})


def _make(volume: Path, group: int | None) -> None:
    volume.mkdir(parents=True, exist_ok=True)
    volume.chmod(0o755)
    if group is not None:
        os.chown(volume, -1, group)
        volume.chmod(0o755 | _GROUP_DIRECTORY)


def _written(volume: Path, files: Iterable[File], group: int | None) -> Path:
    """A directory with the files in it, which nobody looks into yet."""
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=volume))
    fresh.chmod(0o755)
    for file in files:
        _write(fresh / file.path, file)
    if group is not None:
        give_to_group(fresh, group, read_only=True)
    return fresh


def _replace(volume: Path, fresh: Path) -> None:
    """All at once; what an agent that died half-way left behind goes as well."""
    new_link = volume / _NEW_DATA
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(fresh.name)
    new_link.rename(volume / _DATA)
    for path in volume.glob("..*"):
        if path != fresh and path.name != _DATA:
            shutil.rmtree(path, ignore_errors=True)


def remove(volumes: Path) -> None:
    """All volumes of a pod."""
    for point in mounted_below(volumes):
        with contextlib.suppress(OSError):
            detach(point)
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
        if file.owner is not None:
            os.fchown(descriptor, file.owner, -1)
        out.write(file.data)


def _link(volume: Path, tops: set[str]) -> None:
    for top in tops:
        if not (volume / top).is_symlink():
            (volume / top).symlink_to(f"{_DATA}/{top}")
    for path in volume.iterdir():
        if not path.name.startswith("..") and path.name not in tops:
            with contextlib.suppress(OSError):
                path.unlink()
