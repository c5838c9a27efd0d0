"""The documents of the OCI image format, version 1, and of Docker's archives, as far as they matter.

Field names on paper are those of the specifications; unknown fields are skipped.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from labctl.errors import BadInput

T = TypeVar("T")

Digest = Annotated[str, Meta(pattern=r"\A(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\Z")]
Size = Annotated[int, Meta(ge=0)]


class Platform(Struct, frozen=True):
    architecture: str = ""
    os: str = ""


class Descriptor(Struct, frozen=True, rename="camel"):
    """A blob, by its digest."""

    digest: Digest
    size: Size
    platform: Platform | None = None
    annotations: dict[str, str] | None = None


class Manifest(Struct, frozen=True):
    """An image's manifest or, with `manifests`, an index of several."""

    manifests: tuple[Descriptor, ...] | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None


class Defaults(Struct, frozen=True, rename="pascal"):
    """What an image says of the programs that are run from it."""

    user: str | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str | None = None
    stop_signal: str | None = None
    exposed_ports: dict[str, object] | None = None


class RootFs(Struct, frozen=True):
    diff_ids: tuple[Digest, ...]


class ImageDocument(Struct, frozen=True):
    """An image's configuration."""

    rootfs: RootFs
    architecture: str = ""
    os: str = ""
    config: Defaults | None = None


class DockerEntry(Struct, frozen=True, rename="pascal"):
    """One image in the manifest.json of a Docker archive; names are paths in it."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def decode(text: bytes, kind: type[T], where: str) -> T:
    """Raises BadInput, naming `where`, for what is no such document."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{where}: {error}") from error
