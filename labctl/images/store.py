"""A lab's images on disk: layers as directories named after what is in them, and an index.

    index.json            which images there are
    layers/CHAIN          a layer on top of the ones beneath it (image-spec's ChainID, cut)
    new/                  what is being unpacked, or about to be removed
    lock                  flock(2): one who changes something at a time

A layer gets its name when it is whole, and an image is in the index when all of its layers are
there; so whoever is killed half-way leaves only what the next one clears away.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from labctl.errors import LabError
from labctl.images.archive import Archive
from labctl.images.budget import LIMITS, Budget, Limits
from labctl.images.image import Image
from labctl.images.index import Index
from labctl.images.layers import unpack_layer, verify_blob
from labctl.images.layout import FoundImage, LayerSource

InUse = Callable[[], set[str]]
"""The ids of the images that containers have."""

_CHAIN = 32  # hexadecimal digits: short, since all layers of an image stand in one line of mount(2)


class Store:
    """The images below `directory`, which is made by whoever loads the first one."""

    def __init__(self, directory: Path, limits: Limits = LIMITS) -> None:
        self.directory = directory
        self._new = directory / "new"
        self.limits = limits
        self.index = Index(directory)

    def add(
        self,
        archive: Archive,
        found: FoundImage,
        names: tuple[str, ...],
        in_use: InUse,
    ) -> Image:
        """Unpacks an image of an archive and gives it `names`, which others lose.

        Raises BadInput for what is wrong with it; nothing is left of it then.
        """
        with self._locked():
            self._sweep()
            try:
                layers, size = self._add_layers(archive, found.layers, Budget(self.limits))
            except BaseException:
                self._sweep()
                raise
            image = Image(
                found.id,
                found.digest,
                self._all_names(found.id, names),
                layers,
                found.architecture,
                size,
                time.time(),
                found.defaults,
            )
            self._put(image)
            self._drop_nameless(in_use)
            return image

    def remove(self, image: Image, names: tuple[str, ...], in_use: InUse) -> None:
        """Takes names from an image, and with its last one the image itself."""
        with self._locked():
            left = tuple(name for name in image.names if name not in names)
            self._put(msgspec.structs.replace(image, names=left))
            self._drop_nameless(in_use)

    def _add_layers(
        self, archive: Archive, sources: tuple[LayerSource, ...], budget: Budget
    ) -> tuple[tuple[str, ...], int]:
        """Those that are not there yet; all directories, the lowest first, and how much is in them."""
        chain, size = "", 0
        done: list[str] = []
        for source in sources:
            chain = _chain(chain, source.diff_id)
            place = self.index.layers / _directory(chain)
            if place.is_dir():
                verify_blob(archive, source)
            else:
                self._add_layer(archive, source, place, tuple(reversed(done)), budget)
            done.append(str(place))
            size += _size_of(place)
        return tuple(os.path.basename(one) for one in done), size

    def _add_layer(
        self,
        archive: Archive,
        source: LayerSource,
        place: Path,
        below: tuple[str, ...],
        budget: Budget,
    ) -> None:
        unfinished = self._new / place.name
        unfinished.mkdir()
        unfinished.chmod(0o755)  # whatever the umask is
        unpack_layer(archive, source, str(unfinished), below, budget)
        unfinished.rename(place)

    def _all_names(self, identity: str, names: tuple[str, ...]) -> tuple[str, ...]:
        known = next((one.names for one in self.index.images() if one.id == identity), ())
        return tuple(dict.fromkeys((*known, *names)))

    def _put(self, image: Image) -> None:
        """In the place of the one with its id; its names are its own from now on."""
        others = (one for one in self.index.images() if one.id != image.id)
        kept = (
            msgspec.structs.replace(one, names=tuple(n for n in one.names if n not in image.names))
            for one in others
        )
        self.index.write((*kept, image))

    def _drop_nameless(self, in_use: InUse) -> None:
        """Asked after the index was written: whoever starts a container now finds it no more."""
        if any(not one.names for one in self.index.images()):
            used = in_use()
            kept = (one for one in self.index.images() if one.names or one.id in used)
            self.index.write(tuple(kept))
        self._sweep()

    def _sweep(self) -> None:
        """Removes what is no image's: cut short, or left by one that is gone."""
        wanted = {layer for image in self.index.images() for layer in image.layers}
        for layer in self.index.layers.iterdir():
            if layer.name not in wanted:
                layer.rename(self._new / f"{layer.name}.old")
        for rest in self._new.iterdir():
            shutil.rmtree(rest)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        for directory in (self.directory, self.index.layers, self._new):
            directory.mkdir(0o700, exist_ok=True)
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        except OSError as error:
            where = f"{error.filename or self.directory}"
            raise LabError(f"{where}: {(error.strerror or str(error)).lower()}") from error
        finally:
            os.close(lock)


def _chain(below: str, diff_id: str) -> str:
    """The ChainID of a layer on top of others (image-spec, config.md)."""
    if not below:
        return diff_id
    return f"sha256:{hashlib.sha256(f'{below} {diff_id}'.encode()).hexdigest()}"


def _directory(chain: str) -> str:
    return chain.partition(":")[2][:_CHAIN]


def _size_of(directory: Path) -> int:
    return sum(
        os.lstat(os.path.join(place, file)).st_size
        for place, _, files in os.walk(directory)
        for file in files
    )
