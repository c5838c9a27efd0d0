"""An image's archive: a directory or a tar file, whose members are read by their names.

Nothing of it is unpacked by name, so that a name which leads out of it has nowhere to lead; it is
refused all the same.
"""

import contextlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from labctl.errors import BadInput
from labctl.images.streams import CHUNK, Measured, buffered, decompressed, readable

DOCUMENT_LIMIT = 4 * 1024 * 1024


class Archive(Protocol):
    """Its members by name; `path` is what the user called it."""

    path: str

    def has(self, name: str) -> bool: ...

    def open(self, name: str) -> BinaryIO:
        """Raises BadInput if there is no such file in it."""
        ...


@contextlib.contextmanager
def open_archive(path: str, limit: int) -> Iterator[Archive]:
    """The archive at `path`; raises BadInput. A compressed one may hold `limit` bytes."""
    try:
        if os.path.isdir(path):
            yield _Directory(path)
            return
        file = _open_regular(path)
    except OSError as error:
        raise BadInput(f"{path}: {(error.strerror or '').lower()}") from error
    with file, _plain(file, path, limit) as plain:
        yield _TarFile(path, plain)


def read_document(archive: Archive, name: str) -> bytes:
    """A member that is a document, whole; raises BadInput."""
    with archive.open(name) as file, readable(f"{archive.path}: {name}"):
        text = file.read(DOCUMENT_LIMIT + 1)
    if len(text) > DOCUMENT_LIMIT:
        raise BadInput(f"{archive.path}: {name}: is larger than {DOCUMENT_LIMIT // 2**20} MiB")
    return text


class _Directory:
    def __init__(self, path: str) -> None:
        self.path = path

    def has(self, name: str) -> bool:
        return os.path.isfile(os.path.join(self.path, name))

    def open(self, name: str) -> BinaryIO:
        try:
            return _open_regular(os.path.join(self.path, _inside(name, self.path)))
        except OSError as error:
            why = (error.strerror or "").lower()
            raise BadInput(f"{self.path}: {name}: {why}") from error


class _TarFile:
    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
            self._members = {_inside(one.name, path): one for one in self._tar}
        except tarfile.TarError as error:
            raise BadInput(f"{path}: cannot be read as a tar file: {error}") from error

    def has(self, name: str) -> bool:
        return name in self._members

    def open(self, name: str) -> BinaryIO:
        member = self._members.get(name)
        try:
            file = self._tar.extractfile(member) if member else None
        except KeyError:  # a link to what is not in it
            file = None
        if file is None:
            raise BadInput(f"{self.path}: {name}: no such file")
        return cast("BinaryIO", file)


def _inside(name: str, path: str) -> str:
    """A member's name without detours; raises BadInput for one that leads out."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise BadInput(f"{path}: {name}: leads out of the archive")
    return "/".join(parts)


def _open_regular(path: str) -> io.BufferedReader:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{path}: is no regular file")
    return os.fdopen(descriptor, "rb")


@contextlib.contextmanager
def _plain(file: io.BufferedReader, path: str, limit: int) -> Iterator[BinaryIO]:
    """The tar file itself: members of a compressed one cannot be found without reading it through."""
    with readable(path):
        content = decompressed(file)
    if content is file:
        yield file
        return
    with tempfile.TemporaryFile() as plain:
        with readable(path):
            shutil.copyfileobj(buffered(Measured(content, limit)), plain, CHUNK)
        plain.seek(0)
        yield plain
