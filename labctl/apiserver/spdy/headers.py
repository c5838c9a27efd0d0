"""Header blocks: names and values behind their lengths, compressed (2.6.10).

One zlib stream a direction lasts as long as the connection: every block has to go through it, even
one that nobody wants.
"""

import struct
import zlib
from collections.abc import Mapping

from labctl.apiserver.spdy.dictionary import DICTIONARY
from labctl.apiserver.spdy.frames import ProtocolError

_LENGTH = struct.Struct(">I")
_BLOCK_MAX = 64 * 1024  # uncompressed: a block of zeros would come to a thousand times its size


class HeaderReader:
    """Decompresses the blocks of one direction, in their order."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)

    def read(self, block: bytes) -> dict[str, str]:
        """Headers by lower-case name; raises ProtocolError."""
        try:
            plain = self._zlib.decompress(block, _BLOCK_MAX)
        except zlib.error as error:
            raise ProtocolError(f"headers: {error}") from error
        if self._zlib.unconsumed_tail:
            raise ProtocolError(f"headers: more than {_BLOCK_MAX} bytes")
        return _parse(plain)


class HeaderWriter:
    """Compresses the blocks of one direction, in their order."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(zdict=DICTIONARY)

    def write(self, headers: Mapping[str, str]) -> bytes:
        words = [word.encode("latin-1", "replace") for pair in headers.items() for word in pair]
        plain = _LENGTH.pack(len(headers)) + b"".join(_LENGTH.pack(len(w)) + w for w in words)
        return self._zlib.compress(plain) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


def _parse(plain: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    try:
        (count,) = _LENGTH.unpack_from(plain)
        position = _LENGTH.size
        for _ in range(count):
            name, position = _word(plain, position)
            value, position = _word(plain, position)
            headers[name.lower()] = value
    except struct.error as error:
        raise ProtocolError("headers: cut off") from error
    return headers


def _word(plain: bytes, position: int) -> tuple[str, int]:
    (length,) = _LENGTH.unpack_from(plain, position)
    start, end = position + _LENGTH.size, position + _LENGTH.size + length
    if end > len(plain):
        raise ProtocolError("headers: cut off")
    return plain[start:end].decode("latin-1"), end
