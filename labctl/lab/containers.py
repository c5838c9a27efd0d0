"""Which container of a pod is meant when none is named, as kubectl chooses it."""

from collections.abc import Iterator

from labctl.api.objects import Obj, annotations, name
from labctl.errors import BadInput

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def container_names(pod: Obj) -> list[str]:
    """All containers that the pod's spec names, in the order in which they are offered."""
    return [one["name"] for one in _specs(pod)]


def choose(pod: Obj, wanted: str) -> tuple[str, str]:
    """The container's name and, where there was a choice, the sentence that tells of it."""
    known = container_names(pod)
    if wanted:
        if wanted not in known:
            listed = ", ".join(known)
            raise BadInput(f"container {wanted} is not in pod {name(pod)}", f"one of {listed}")
        return wanted, ""
    default = annotations(pod).get(_DEFAULT_CONTAINER, "")
    chosen = default if default in known else known[0]
    if len(known) == 1:
        return chosen, ""
    return chosen, f'Defaulted container "{chosen}" out of: {", ".join(known)}'


def container_spec(pod: Obj, container: str) -> Obj:
    """The pod's own words for one of its containers."""
    return next(one for one in _specs(pod) if one["name"] == container)


def _specs(pod: Obj) -> Iterator[Obj]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod["spec"].get(kind) or ()
