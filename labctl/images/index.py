"""Which images a store has: one file, replaced whole."""

import os
from pathlib import Path

import msgspec

from labctl.api.images import ImageName
from labctl.errors import LabError
from labctl.images.image import Image, repository_of

_Stamp = tuple[int, int, int]
_NONE: tuple[Image, ...] = ()


class Index:
    """The images below `directory`. What was read is kept while the file is the same."""

    def __init__(self, directory: Path) -> None:
        self.layers = directory / "layers"
        self._file = directory / "index.json"
        self._stamp: _Stamp | None = None
        self._images = _NONE

    def images(self) -> tuple[Image, ...]:
        """Raises LabError if the file is damaged."""
        stamp = self._look()
        if stamp != self._stamp:
            self._images = self._read() if stamp else _NONE
            self._stamp = stamp
        return self._images

    def find(self, name: ImageName) -> Image | None:
        """The image of a full name: with a digest, the one that has it, whatever its tag is."""
        return next((one for one in self.images() if _is_called(one, name)), None)

    def layers_of(self, image: Image) -> tuple[str, ...]:
        """The directories of its layers, the topmost first."""
        return tuple(f"{self.layers}/{one}" for one in reversed(image.layers))

    def write(self, images: tuple[Image, ...]) -> None:
        new = self._file.with_suffix(".new")
        with open(new, "wb") as file:
            file.write(msgspec.json.encode(images))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)

    def _look(self) -> _Stamp | None:
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[Image, ...]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=tuple[Image, ...])
        except (OSError, msgspec.DecodeError) as error:
            raise LabError(f"{self._file}: {error}") from error


def _is_called(image: Image, name: ImageName) -> bool:
    if not name.digest:
        return str(name) in image.names
    known = name.digest in (image.digest, image.id)
    return known and name.repository in map(repository_of, image.names)
