"""Names of images: `registry:5000/team/app:1.2@sha256:…`."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class ImageName:
    """An image's parts; `tag` is "latest" where neither tag nor digest is given."""

    repository: str
    tag: str
    digest: str = ""


def parse_image(text: str) -> ImageName:
    """The parts of an image's name; anything is taken, since only a registry can say what exists."""
    rest, _, digest = text.partition("@")
    # A colon before the last slash belongs to the registry's port.
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return ImageName(rest, "" if digest else "latest", digest)
    return ImageName(head, tag, digest)


@lru_cache(maxsize=1024)
def pull_policy(image: str) -> str:
    """The default imagePullPolicy: Always for what may change under its name (`latest`)."""
    return "Always" if parse_image(image).tag == "latest" else "IfNotPresent"
