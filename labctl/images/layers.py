"""A layer's blob on its way into a directory: decompressed, unpacked, and proved to be the one meant."""

import io
import sys
import tarfile
from collections.abc import Sequence
from typing import Self

from labctl.errors import BadInput
from labctl.images.archive import Archive
from labctl.images.budget import Budget
from labctl.images.layout import LayerSource
from labctl.images.streams import (
    CHUNK,
    Measured,
    algorithm_of,
    buffered,
    check_blob,
    decompressed,
    drain,
    readable,
)
from labctl.images.unpack import Unpacking

_BLOCK = 512
_MAX_EXTENSION = 1024 * 1024
_EXTENSIONS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


def verify_blob(archive: Archive, source: LayerSource) -> None:
    """Reads a layer that is known already through to its end; raises BadInput if it is another."""
    if not source.digest:
        return
    with archive.open(source.path) as file, readable(_where(archive, source)):
        blob = Measured(file, sys.maxsize, algorithm_of(source.digest))
        drain(blob)
    _check_blob(archive, source, blob)


def unpack_layer(
    archive: Archive, source: LayerSource, root: str, below: Sequence[str], budget: Budget
) -> None:
    """Fills the directory `root`, above the layers `below`; raises BadInput."""
    where = _where(archive, source)
    with archive.open(source.path) as file, readable(where):
        blob = Measured(file, sys.maxsize, algorithm_of(source.digest or source.diff_id))
        packed = buffered(blob)
        content = Measured(decompressed(packed), budget.stream_limit, algorithm_of(source.diff_id))
        plain = buffered(content)
        end = _unpack(plain, Unpacking(root, below, budget))
        drain(plain)
        drain(packed)
    if source.digest:
        _check_blob(archive, source, blob)
    if content.length % _BLOCK or content.filled > end:
        raise BadInput(f"{where}: is cut off, or damaged after byte {end}")
    if content.digest != source.diff_id:
        raise BadInput(f"{where}: unpacks to {content.digest}, not to {source.diff_id}")


def _unpack(plain: io.BufferedReader, unpacking: Unpacking) -> int:
    """Returns where the archive ends, by its own account."""
    with tarfile.open(fileobj=plain, mode="r|", bufsize=CHUNK, tarinfo=_Entry) as tar:
        unpacking.take(tar)
        return tar.offset


def _where(archive: Archive, source: LayerSource) -> str:
    return f"{archive.path}: layer {source.digest or source.path}"


def _check_blob(archive: Archive, source: LayerSource, blob: Measured) -> None:
    check_blob(archive.path, source.digest, source.size, blob.digest, blob.length)


class _Entry(tarfile.TarInfo):
    """A header. One that announces much to be read into memory, before its file, is refused."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _EXTENSIONS and entry.size > _MAX_EXTENSION:
            raise BadInput(f"a header of {entry.size} bytes")
        return entry
