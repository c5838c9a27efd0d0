"""The images of a lab: loaded from archives, listed with who runs them, removed.

The work is done here, in the store's directory. The runtime is asked who has an image, and told when
there are more or less of them, so that pods that wait for one need not wait any longer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from labctl import names
from labctl.api.images import full_name
from labctl.api.objects import Obj, format_time
from labctl.api.version import architecture
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.errors import LabError, NoSuchLab
from labctl.images.image import Image
from labctl.images.load import load as load_archive
from labctl.images.store import Store
from labctl.lab import connect

T = TypeVar("T")
Users = dict[str, list[str]]

_LEAST_OF_AN_ID = 4  # hexadecimal digits


def load(lab: str, path: str, name: str) -> tuple[Obj, list[str]]:
    """Loads the archive at `path`, under `name` if it is not empty: the ImageList of what came, and
    the names that it came under.

    Raises BadInput for what is wrong with the archive; nothing is changed then.
    """
    _users(lab)  # nothing is unpacked for a lab that is not up
    loaded = load_archive(_store(lab), path, name, architecture(), lambda: _used(lab))
    _tell(lab)
    images = [image for image, _ in loaded]
    return _report(lab, images, {}), [name for _, own in loaded for name in own]


def image_list(lab: str) -> Obj:
    """The ImageList: every image, with the containers that have it."""
    return _report(lab, _store(lab).index.images(), _users(lab))


def remove(lab: str, wanted: Iterable[str]) -> list[str]:
    """Removes images by name or id, all or none; returns what went, a sentence each.

    Raises LabError for one that is not there, or that a container has.
    """
    store = _store(lab)
    chosen = [_choose(store.index.images(), word) for word in wanted]
    users = _users(lab)
    for image, taken in chosen:
        _refuse_used(image, taken, users)
    told = []
    for image, taken in chosen:
        store.remove(image, taken, lambda: _used(lab))
        told += [f"Untagged: {one}" for one in taken]
        if set(taken) == set(image.names):
            told.append(f"Deleted: {image.id}")
    _tell(lab)
    return told


def stored_names(lab: str) -> list[str]:
    """The names of all images, for completion: short ones, as people write them."""
    index = _store(lab).index
    return sorted(short_name(name) for image in index.images() for name in image.names)


def short_name(name: str) -> str:
    """A full name without what Docker adds to it."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def _choose(images: Iterable[Image], word: str) -> tuple[Image, tuple[str, ...]]:
    """The image that is meant, and the names to take from it: an id stands for all of them."""
    by_id = [one for one in images if _is_id_of(word, one)]
    if by_id:
        return by_id[0], by_id[0].names
    name = str(full_name(word))
    for image in images:
        if name in image.names:
            return image, (name,)
    raise LabError(f"no such image: {word}", "labctl image list")


def _is_id_of(word: str, image: Image) -> bool:
    digits = word.removeprefix("sha256:")
    return len(digits) >= _LEAST_OF_AN_ID and image.id.removeprefix("sha256:").startswith(digits)


def _refuse_used(image: Image, taken: tuple[str, ...], users: Users) -> None:
    """It may lose one name of several."""
    if set(taken) == set(image.names) and users.get(image.id):
        name = short_name(taken[0]) if taken else image.short_id
        raise LabError(f"image {name} is used by {', '.join(users[image.id])}", "delete them first")


def _used(lab: str) -> set[str]:
    return set(_users(lab))


def _users(lab: str) -> Users:
    """The containers that there are, running or not, by the image that they are made of."""

    async def asked(runtime: RuntimeClient) -> Users:
        pods = {one.id: one.config for one in await runtime.list_pod_sandboxes()}
        found: Users = {}
        for one in await runtime.list_containers():
            if one.image is not None:
                pod = pods[one.sandbox_id]
                user = f"{pod.namespace}/{pod.name}/{one.config.name}"
                found.setdefault(one.image.id, []).append(user)
        return {image: sorted(set(users)) for image, users in found.items()}

    return _ask(lab, asked)


def _tell(lab: str) -> None:
    with contextlib.suppress(NoSuchLab):  # it will look itself when it is up
        _ask(lab, lambda runtime: runtime.images_changed())


def _ask(lab: str, question: Callable[[RuntimeClient], Awaitable[T]]) -> T:
    """Raises NoSuchLab when nobody answers."""
    connect.require(lab)

    async def asked() -> T:
        runtime = RuntimeClient(names.runtime_socket(lab))
        try:
            return await question(runtime)
        finally:
            await runtime.close()

    try:
        return asyncio.run(asked())
    except CriError as error:
        raise connect.not_up(lab) from error


def _store(lab: str) -> Store:
    connect.require(lab)
    return Store(names.image_dir(lab))


def _report(lab: str, images: Iterable[Image], users: Users) -> Obj:
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "ImageList",
        "lab": lab,
        "items": [
            _item(one, users.get(one.id, [])) for one in sorted(images, key=lambda one: one.names)
        ],
    }


def _item(image: Image, users: list[str]) -> Obj:
    defaults = image.defaults
    return {
        "names": list(image.names),
        "id": image.id,
        "digest": image.digest,
        "size": image.size,
        "architecture": image.architecture,
        "layers": len(image.layers),
        "loadedAt": format_time(image.loaded_at),
        "config": {
            "entrypoint": list(defaults.entrypoint or ()),
            "cmd": list(defaults.cmd or ()),
            "env": list(defaults.env or ()),
            "workingDir": defaults.working_dir or "",
            "user": defaults.user or "",
            "exposedPorts": sorted(defaults.exposed_ports or ()),
            "stopSignal": defaults.stop_signal or "",
        },
        "containers": users,
    }
