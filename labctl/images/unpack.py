"""A layer's tar becomes a directory that overlayfs can take as a lower one.

The archive may have been made by anyone, and this runs as root. So an entry is only ever put into
a directory of the layer itself, never through a link of it. What hides files of lower layers
(`.wh.NAME`, `.wh..wh..opq`: image-spec, layer.md) becomes what overlayfs knows for it. Devices are
refused, and so is what leads out.
"""

import contextlib
import errno
import os
import shutil
import stat
import tarfile
from collections.abc import Sequence

from labctl.errors import BadInput
from labctl.images.budget import Budget
from labctl.images.streams import CHUNK
from labctl.images.union import MAX_STEPS, OPAQUE, WHITEOUT, YES, lookup, parts_of

_HIDES, _HIDES_ALL, _AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."
_XATTR = "SCHILY.xattr."
_XATTRS_TAKEN = ("user.", "security.capability")  # trusted.overlay.* would be overlayfs's own
_MAX_ID = 2**32 - 2
_MAX_TIME = 2**33


class Unpacking:
    """Fills the directory `root`; `below` are the layers beneath it, the topmost first."""

    def __init__(self, root: str, below: Sequence[str], budget: Budget) -> None:
        self._root = root
        self._below = below
        self._budget = budget
        self._hidden: list[str] = []
        self._times: dict[str, int] = {}

    def take(self, tar: tarfile.TarFile) -> None:
        """Every entry; raises BadInput for the first that is not to be had, naming it."""
        for member in tar:
            try:
                self._budget.spend(member.size if member.isreg() else 0)
                self._take(tar, member)
            except BadInput as error:
                raise BadInput(f"{member.name}: {error.message}", error.hint) from error
            except ValueError as error:  # a NUL in a name
                raise BadInput(f"{member.name!r}: {error}") from error
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    raise BadInput(f"{member.name[:80]}…: is too long a name") from error
                raise
        self._hide()
        for directory, time in reversed(self._times.items()):
            os.utime(directory, (time, time))

    def _take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        parts = _inside(member.name)
        if not parts:
            _attribute(self._root, member)
            return
        *above, last = parts
        directory = self._directory(above)
        if last.startswith(_HIDES):
            self._take_whiteout(directory, last)
            return
        place = f"{directory}/{last}"
        _clear(place, member)
        self._make(tar, member, place)

    def _take_whiteout(self, directory: str, last: str) -> None:
        if last == _HIDES_ALL:
            os.setxattr(directory, OPAQUE, YES)
        elif not last.startswith(_AUFS):
            hidden = last.removeprefix(_HIDES)
            if hidden in ("", ".", ".."):
                raise BadInput("hides nothing that has a name")
            self._hidden.append(f"{directory}/{hidden}")

    def _hide(self) -> None:
        """At the end: a whiteout is for lower layers only, also where this one has such a file."""
        for place in self._hidden if self._below else ():
            try:
                os.mknod(place, stat.S_IFCHR, WHITEOUT)
            except FileExistsError:
                if stat.S_ISDIR(os.lstat(place).st_mode):
                    os.setxattr(place, OPAQUE, YES)

    def _directory(self, parts: Sequence[str]) -> str:
        """The directory of that path, made where the archive did not name it: like the one of a
        lower layer, or where a link of a lower layer leads.
        """
        done: list[str] = []
        todo = list(parts)[::-1]
        for _ in range(MAX_STEPS):
            if not todo:
                return "/".join((self._root, *done))
            part = todo.pop()
            if part == "..":
                done = done[:-1] if done else _refuse("leads out of the layer")
                continue
            place = "/".join((self._root, *done, part))
            beneath = None if _is_directory(place) else lookup(self._below, [*done, part])
            if beneath is not None and os.path.islink(beneath):
                target = os.readlink(beneath)
                done = [] if target.startswith("/") else done
                todo += parts_of(target)[::-1]
                continue
            if not os.path.lexists(place):
                _make_like(place, beneath)
            done.append(part)
        raise BadInput("leads in a circle")

    def _make(self, tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        if member.islnk():
            os.link(self._linked(member.linkname), place, follow_symlinks=False)
            return
        if member.isdir():
            with contextlib.suppress(FileExistsError):
                os.mkdir(place)
            self._times[place] = _time(member)
        elif member.issym():
            _check_link(member)
            os.symlink(member.linkname, place)
        elif member.isfifo():
            os.mkfifo(place)
        elif member.isreg() and not member.issparse():
            _write(tar, member, place)
        else:
            _refuse("is a device" if member.isdev() else "is of a kind that no layer has")
        _attribute(place, member)

    def _linked(self, target: str) -> str:
        """The file of this layer to which a hard link leads."""
        *above, last = _inside(target) or [""]
        place = self._root
        for part in above:
            place = f"{place}/{part}"
            if not _is_directory(place):
                raise BadInput(f"is a hard link to {target}, which is not in the layer")
        place = f"{place}/{last}"
        if not os.path.lexists(place) or os.path.isdir(place):
            raise BadInput(f"is a hard link to {target}, which is not in the layer")
        return place


def _inside(name: str) -> list[str]:
    if name.startswith("/") or ".." in name.split("/"):
        raise BadInput("leads out of the layer")
    return parts_of(name)


def _refuse(why: str) -> list[str]:
    raise BadInput(why)


def _is_directory(place: str) -> bool:
    """Raises BadInput for something else: an entry that would go through a link, say."""
    try:
        mode = os.lstat(place).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a file"
        raise BadInput(f"leads through {os.path.basename(place)}, which is {kind}")
    return True


def _make_like(place: str, beneath: str | None) -> None:
    os.mkdir(place)
    mode = 0o755
    if beneath is not None:
        status = os.stat(beneath)
        os.chown(place, status.st_uid, status.st_gid)
        mode = stat.S_IMODE(status.st_mode)
    os.chmod(place, mode)


def _clear(place: str, member: tarfile.TarInfo) -> None:
    """An entry replaces an earlier one, but for a directory that is named twice."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(os.lstat(place).st_mode):
            os.unlink(place)
        elif not member.isdir():
            shutil.rmtree(place)


def _check_link(member: tarfile.TarInfo) -> None:
    """A container's / stops what climbs too high; a layer that has such a link is refused."""
    depth = 0 if member.linkname.startswith("/") else len(parts_of(member.name)) - 1
    for part in parts_of(member.linkname):
        depth += -1 if part == ".." else 1
        if depth < 0:
            raise BadInput(f"is a link to {member.linkname}, which leads out of the layer")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
    source = tar.extractfile(member)
    assert source is not None  # of a regular file
    with source, open(place, "xb") as file:
        try:
            shutil.copyfileobj(source, file, CHUNK)
        except tarfile.ReadError as error:
            raise BadInput("is cut off") from error


def _attribute(place: str, member: tarfile.TarInfo) -> None:
    """Owner first: the kernel takes set-user-id and capabilities away when it changes."""
    if not (0 <= member.uid <= _MAX_ID and 0 <= member.gid <= _MAX_ID):
        raise BadInput(f"belongs to {member.uid}:{member.gid}, which is nobody")
    os.lchown(place, member.uid, member.gid)
    if not member.issym():
        os.chmod(place, stat.S_IMODE(member.mode))
        for key, value in member.pax_headers.items():
            name = key.removeprefix(_XATTR)
            if key.startswith(_XATTR) and name.startswith(_XATTRS_TAKEN):
                with contextlib.suppress(OSError):  # a file system that has none
                    os.setxattr(place, name, value.encode("utf-8", "surrogateescape"))
    os.utime(place, (_time(member), _time(member)), follow_symlinks=False)


def _time(member: tarfile.TarInfo) -> int:
    return int(min(max(member.mtime, 0), _MAX_TIME))
