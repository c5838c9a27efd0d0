"""A container before it has run: its id, whether its image, a program or a stand-in will, and if it
may.
"""

import time
from collections.abc import Iterator

from msgspec.structs import replace

from labctl.cri.messages import Container, ContainerConfig, SandboxConfig
from labctl.images.index import Index
from labctl.runtime.capabilities import grant
from labctl.runtime.images import complete, find_image
from labctl.runtime.privileges import check_user
from labctl.runtime.programs import why_stand_in


def container_id(sandbox_id: str, config: ContainerConfig) -> str:
    return f"{sandbox_id}.{config.name}.{config.attempt}"


def new_container(
    images: Index, sandbox_id: str, pod: SandboxConfig, config: ContainerConfig
) -> Container:
    """Decides between image, program and stand-in by what is there now; raises CriError."""
    identity, found = container_id(sandbox_id, config), find_image(images, config)
    if found is not None:
        notes = _check(pod, config, found[1].defaults.user or "")
        config, image = complete(config, *found, images)
        value = Container(identity, sandbox_id, config, "created", notes=notes, image=image)
    else:
        why = why_stand_in(config)
        notes = () if why else (*_check(pod, config), *_without_handler(pod, config))
        value = Container(identity, sandbox_id, config, "created", bool(why), why, notes=notes)
    return replace(value, created_at=time.time())


def _check(pod: SandboxConfig, config: ContainerConfig, image_user: str = "") -> tuple[str, ...]:
    """What of its wishes a program is not given, a sentence each; raises CriError if it must not be."""
    check_user(pod, config.name, config.security, image_user)
    withheld = grant(config.security, beside_pause=pod.shared_processes).withheld
    return tuple(f"capability CAP_{one} reaches beyond the pod: not given" for one in withheld)


def _without_handler(pod: SandboxConfig, config: ContainerConfig) -> Iterator[str]:
    if pod.handler:
        what = f'image "{config.image}" is not loaded'
        yield f"{what}: a program of this machine runs, without {pod.handler}"
