"""What is read of an image, measured as it passes: its digest, its length, and how much is too much."""

import contextlib
import hashlib
import importlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from labctl.errors import BadInput
from labctl.images.budget import too_large

CHUNK = 1024 * 1024

_SHA256 = "sha256"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Measured(io.RawIOBase):
    """Reads through to `source`; raises BadInput once more than `limit` bytes have passed."""

    def __init__(self, source: BinaryIO, limit: int, algorithm: str = _SHA256) -> None:
        super().__init__()
        self.length = 0
        self.filled = 0
        """Where the zeros begin that end it."""
        self._source = source
        self._limit = limit
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    @property
    def digest(self) -> str:
        """Of what has passed."""
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._hash.update(data)
        filled = len(data.rstrip(b"\0"))
        if filled:
            self.filled = self.length + filled
        self.length += len(data)
        if self.length > self._limit:
            raise too_large(self._limit)
        return len(data)


def buffered(stream: Measured) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", stream), CHUNK)


def drain(stream: io.RawIOBase | io.BufferedReader) -> None:
    """Reads to the end."""
    while stream.read(CHUNK):
        pass


def digest_of(text: bytes, algorithm: str = _SHA256) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, text).hexdigest()}"


def algorithm_of(digest: str) -> str:
    return digest.partition(":")[0]


def check_blob(where: str, digest: str, size: int, found: str, length: int) -> None:
    """Raises BadInput where a blob of `length` bytes, with the digest `found`, is not the one meant."""
    if length != size:
        raise BadInput(f"{where}: {digest}: is {length} bytes long, not {size}")
    if found != digest:
        raise BadInput(f"{where}: {digest}: has the digest {found}")


def decompressed(source: io.BufferedReader) -> BinaryIO:
    """What a compressed stream holds, by its first bytes; another is returned as it is."""
    head = source.peek(4)[:4]
    if head.startswith(_GZIP):
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=source, mode="rb"))
    return _zstd(source) if head == _ZSTD else source


def _zstd(source: BinaryIO) -> BinaryIO:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        why = "is compressed with zstd, and zstandard is not installed"
        raise BadInput(
            why, "pip install zstandard, or have the image compressed with gzip"
        ) from error
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
    return cast("BinaryIO", reader)


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """BadInput, naming `name`, for all that can be wrong with what is read."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}", error.hint) from error
    except EOFError as error:
        raise BadInput(f"{name}: is cut off") from error
    except (tarfile.TarError, zlib.error) as error:
        raise BadInput(f"{name}: is damaged: {error}") from error
    except Exception as error:
        if _is_of_a_codec(error):
            raise BadInput(f"{name}: is damaged: {error}") from error
        raise


def _is_of_a_codec(error: Exception) -> bool:
    """Those of gzip are OSErrors of no system; zstandard's is there only if zstandard is."""
    if isinstance(error, OSError):
        return error.errno is None
    return type(error).__name__ == "ZstdError"
