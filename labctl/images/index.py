"""Which images a store has: one file, replaced whole."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from labctl.api.images import ImageName
from labctl.errors import LabError
from labctl.images.image import Image, repository_of

_Stamp = tuple[int, int, int]
_NONE: tuple[Image, ...] = ()


@dataclass
class Index:
    """Reads and writes the file; what was read is kept while the file is the same."""

    file: Path
    _stamp: _Stamp | None = None
    _images: tuple[Image, ...] = _NONE

    def images(self) -> tuple[Image, ...]:
        """Raises LabError if the file is damaged."""
        stamp = self._look()
        if stamp != self._stamp:
            self._images = self._read() if stamp else _NONE
            self._stamp = stamp
        return self._images

    def write(self, images: tuple[Image, ...]) -> None:
        new = self.file.with_suffix(".new")
        with open(new, "wb") as file:
            file.write(msgspec.json.encode(images))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)

    def _look(self) -> _Stamp | None:
        try:
            status = os.stat(self.file)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[Image, ...]:
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=tuple[Image, ...])
        except (OSError, msgspec.DecodeError) as error:
            raise LabError(f"{self.file}: {error}") from error


def find_image(images: tuple[Image, ...], name: ImageName) -> Image | None:
    """The image of that full name: with a digest, the one that has it, whatever its tag is."""
    for image in images:
        repositories = {repository_of(one) for one in image.names}
        if name.digest:
            if name.digest in (image.digest, image.id) and name.repository in repositories:
                return image
        elif str(name) in image.names:
            return image
    return None
