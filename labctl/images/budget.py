"""How much one image may unpack to: an archive of kilobytes can hold terabytes of zeros."""

from dataclasses import dataclass

from labctl.errors import BadInput

MAX_BYTES = 2 * 1024**3
MAX_FILES = 200_000


@dataclass(frozen=True)
class Limits:
    size: int = MAX_BYTES
    files: int = MAX_FILES


LIMITS = Limits()


class Budget:
    """What is left of the limits while one archive is unpacked."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._size = limits.size
        self._files = limits.files

    def spend(self, size: int) -> None:
        """For one file; raises BadInput when the limit is passed."""
        self._size -= size
        self._files -= 1
        if self._size < 0:
            raise too_large(self._limits.size)
        if self._files < 0:
            raise BadInput(f"the image unpacks to more than {self._limits.files} files")

    @property
    def stream_limit(self) -> int:
        """Of a tar with all that could be left, its headers and padding included."""
        return self._size + (self._files + 1) * 4096


def too_large(limit: int) -> BadInput:
    return BadInput(f"the image unpacks to more than {limit // 2**20} MiB")
