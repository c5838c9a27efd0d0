"""The rules of ephemeral containers (pkg/apis/core/validation: validateEphemeralContainers).

They come after the pod, one by one, and stay as they came.
"""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj

_LIST = "spec.ephemeralContainers"
_ONLY_OF_OTHERS = (
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "startupProbe",
)


def check_ephemeral_containers(spec: Obj, path: str) -> Iterator[Cause]:
    """What they may not have, and whom they may look at."""
    others = {
        one.get("name")
        for member in ("containers", "initContainers")
        for one in spec.get(member) or ()
    }
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        here = f"{path}.ephemeralContainers[{index}]"
        target = container.get("targetContainerName")
        if target and target not in others:
            yield causes.not_found(f"{here}.targetContainerName", target)
        for member in _ONLY_OF_OTHERS:
            if container.get(member):
                sentence = "cannot be set for an Ephemeral Container"
                yield causes.forbidden(f"{here}.{member}", sentence)
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for member in ("subPath", "subPathExpr"):
                if mount.get(member):
                    field = f"{here}.volumeMounts[{number}].{member}"
                    yield causes.forbidden(field, "cannot be set for an Ephemeral Container")


def check_without_ephemeral(pod: Obj) -> Iterator[Cause]:
    """A new pod has none."""
    if (pod.get("spec") or {}).get("ephemeralContainers"):
        yield causes.forbidden(_LIST, "cannot be set on create")


def check_ephemeral_update(new: Obj, old: Obj) -> Iterator[Cause]:
    """Those that are there stay as they are."""
    after = {one.get("name"): (n, one) for n, one in enumerate(_containers(new))}
    for before in _containers(old):
        name = before["name"]
        number, present = after.get(name, (0, None))
        if present is None:
            sentence = f'existing ephemeral containers "{name}" may not be removed\n'
            yield causes.forbidden(_LIST, sentence)
        elif present != before:
            sentence = f'existing ephemeral containers "{name}" may not be changed\n'
            yield causes.forbidden(f"{_LIST}[{number}]", sentence)


def _containers(pod: Obj) -> list[Obj]:
    return pod["spec"].get("ephemeralContainers") or []
