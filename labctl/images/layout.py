"""Which images an archive holds for this machine: by OCI's image layout, or as Docker saved them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from labctl.errors import BadInput
from labctl.images.archive import Archive, read_document
from labctl.images.documents import (
    Defaults,
    Descriptor,
    DockerEntry,
    ImageDocument,
    Manifest,
    decode,
)
from labctl.images.streams import algorithm_of, check_blob, digest_of

MAX_LAYERS = 100  # so many names fit on the one page that mount(2) takes as options

_INDEX, _DOCKER = "index.json", "manifest.json"
_MAX_DEPTH = 4  # of indexes in indexes
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_ONLY_TAG = re.compile(r"latest|v?[0-9][\w.-]*")  # what the specification calls a reference


@dataclass(frozen=True)
class LayerSource:
    """Where a layer is in the archive; `digest` and `size` are its blob's, "" where nobody says."""

    path: str
    diff_id: str
    digest: str = ""
    size: int = 0


@dataclass(frozen=True)
class FoundImage:
    """An image of an archive, and the names that it has there.

    `id` is its configuration's digest; `digest` its manifest's, "" if it has none.
    """

    names: tuple[str, ...]
    id: str
    digest: str
    architecture: str
    layers: tuple[LayerSource, ...]
    defaults: Defaults = field(default_factory=Defaults)


def find_images(archive: Archive, architecture: str) -> list[FoundImage]:
    """Every image for this machine, once for all of its names; raises BadInput if there is none."""
    if archive.has(_INDEX):
        found = _of_layout(archive, architecture)
    elif archive.has(_DOCKER):
        found = list(_of_docker(archive, architecture))
    else:
        what = "neither an OCI image layout (no index.json) nor a Docker archive"
        raise BadInput(f"{archive.path}: is {what}")
    if not found:
        raise BadInput(f"{archive.path}: holds no image for linux/{architecture}")
    return found


def _of_layout(archive: Archive, architecture: str) -> list[FoundImage]:
    index = decode(read_document(archive, _INDEX), Manifest, f"{archive.path}: {_INDEX}")
    names: dict[Descriptor, list[str]] = {}
    for descriptor in index.manifests or ():
        chosen = _choose(archive, descriptor, architecture)
        if chosen is not None:
            names.setdefault(chosen, []).extend(_names_of(descriptor))
    return [_image(archive, one, tuple(own), architecture) for one, own in names.items()]


def _names_of(descriptor: Descriptor) -> Iterator[str]:
    """The name that an entry's annotations give to an image: the first that is more than a tag."""
    for key in _NAMES:
        name = (descriptor.annotations or {}).get(key, "")
        if name and not _ONLY_TAG.fullmatch(name):
            yield name
            return


def _choose(
    archive: Archive, descriptor: Descriptor, architecture: str, depth: int = 0
) -> Descriptor | None:
    """The manifest for this machine that an entry of an index stands for; None if there is none."""
    platform = descriptor.platform
    if platform and (platform.os, platform.architecture) != ("linux", architecture):
        return None
    nested = _manifest(archive, descriptor).manifests
    if nested is None:
        return Descriptor(descriptor.digest, descriptor.size)
    if depth == _MAX_DEPTH:
        raise BadInput(f"{archive.path}: {descriptor.digest}: indexes in indexes in indexes")
    choices = (_choose(archive, one, architecture, depth + 1) for one in nested)
    return next((one for one in choices if one is not None), None)


def _manifest(archive: Archive, descriptor: Descriptor) -> Manifest:
    return decode(read_blob(archive, descriptor), Manifest, f"{archive.path}: {descriptor.digest}")


def _image(
    archive: Archive, descriptor: Descriptor, names: tuple[str, ...], architecture: str
) -> FoundImage:
    where = f"{archive.path}: {descriptor.digest}"
    manifest = _manifest(archive, descriptor)
    if manifest.config is None or manifest.layers is None:
        raise BadInput(f"{where}: is no image's manifest: config and layers are missing")
    document = decode(read_blob(archive, manifest.config), ImageDocument, where)
    _check(document, len(manifest.layers), architecture, where)
    layers = tuple(
        LayerSource(blob_path(blob.digest), diff_id, blob.digest, blob.size)
        for blob, diff_id in zip(manifest.layers, document.rootfs.diff_ids, strict=True)
    )
    return FoundImage(
        names, manifest.config.digest, descriptor.digest, architecture, layers, _defaults(document)
    )


def _of_docker(archive: Archive, architecture: str) -> Iterator[FoundImage]:
    where = f"{archive.path}: {_DOCKER}"
    entries = decode(read_document(archive, _DOCKER), tuple[DockerEntry, ...], where)
    for entry in entries:
        text = read_document(archive, entry.config)
        document = decode(text, ImageDocument, f"{archive.path}: {entry.config}")
        _check(document, len(entry.layers), architecture, f"{archive.path}: {entry.config}")
        layers = tuple(map(LayerSource, entry.layers, document.rootfs.diff_ids))
        names = tuple(entry.repo_tags or ())
        yield FoundImage(names, digest_of(text), "", architecture, layers, _defaults(document))


def _defaults(document: ImageDocument) -> Defaults:
    return document.config or Defaults()


def _check(document: ImageDocument, layers: int, architecture: str, where: str) -> None:
    told = (document.os or "linux", document.architecture or architecture)
    if told != ("linux", architecture):
        raise BadInput(
            f"{where}: the image is for {'/'.join(told)}, this machine is linux/{architecture}"
        )
    if layers != len(document.rootfs.diff_ids):
        what = f"{layers} layers, and {len(document.rootfs.diff_ids)} diff_ids"
        raise BadInput(f"{where}: {what}")
    if not 1 <= layers <= MAX_LAYERS:
        raise BadInput(f"{where}: {layers} layers: an image has 1 to {MAX_LAYERS}")


def blob_path(digest: str) -> str:
    algorithm, _, text = digest.partition(":")
    return f"blobs/{algorithm}/{text}"


def read_blob(archive: Archive, descriptor: Descriptor) -> bytes:
    """A blob that is a document, verified; raises BadInput."""
    text = read_document(archive, blob_path(descriptor.digest))
    found = digest_of(text, algorithm_of(descriptor.digest))
    check_blob(archive.path, descriptor.digest, descriptor.size, found, len(text))
    return text
