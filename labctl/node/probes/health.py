"""What probes have found of containers, and what that means for one: started, ready, to be ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from labctl.api.objects import Obj
from labctl.cri.messages import Container
from labctl.node.probes.probe import Kind


@dataclass(frozen=True, slots=True)
class Health:
    """Of one incarnation of a container; `failed` is the kind of the probe that gave it up."""

    started: bool = False
    ready: bool = False
    failed: Kind | None = None


UNKNOWN = Health()
Healths = Mapping[str, Health]
"""By container id; whose container has no probe, or no answer yet, is not in it."""


def is_started(spec: Obj, container: Container | None, healths: Healths) -> bool:
    """Running, and past its startup probe if it has one."""
    if container is None or container.state != "running":
        return False
    return not spec.get("startupProbe") or healths.get(container.id, UNKNOWN).started


def is_ready(spec: Obj, container: Container | None, healths: Healths) -> bool:
    """Started, and found ready by its readiness probe if it has one."""
    if container is None or not is_started(spec, container, healths):
        return False
    return not spec.get("readinessProbe") or healths.get(container.id, UNKNOWN).ready
