"""From an archive's path to images in a store."""

from labctl.api.images import full_name
from labctl.errors import BadInput
from labctl.images.archive import open_archive
from labctl.images.image import Image
from labctl.images.layout import FoundImage, find_images
from labctl.images.store import InUse, Store

Loaded = tuple[Image, tuple[str, ...]]


def load(store: Store, path: str, name: str, architecture: str, in_use: InUse) -> list[Loaded]:
    """Every image that the archive has for this machine, and the names under which it was loaded;
    `name` is for the only one.

    Raises BadInput for what is wrong with the archive; what it was about is not in the store then.
    """
    with open_archive(path, store.limits.size) as archive:
        found = find_images(archive, architecture)
        if name and len(found) > 1:
            raise BadInput(f"{path}: holds {len(found)} images, and a name is for one")
        names = [_names(one, name, path) for one in found]  # all of them, before anything is done
        return [
            (store.add(archive, one, own, in_use), own)
            for one, own in zip(found, names, strict=True)
        ]


def _names(image: FoundImage, wanted: str, path: str) -> tuple[str, ...]:
    names = tuple(map(name_to_keep, (wanted,) if wanted else image.names))
    if not names:
        raise BadInput(f"{path}: the image has no name in it", "--name REF")
    return names


def name_to_keep(text: str) -> str:
    """A full name with a tag, which a digest has no place in; raises BadInput."""
    parts = full_name(text)
    if not parts.tag:
        raise BadInput(f"{text}: an image is loaded under a name with a tag, not with a digest")
    return f"{parts.repository}:{parts.tag}"
