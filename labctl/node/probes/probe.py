"""A probe as its container's spec asks for it, with Kubernetes' defaults filled in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labctl.api.objects import Obj

Kind = Literal["startup", "readiness", "liveness"]
KINDS: tuple[Kind, ...] = ("startup", "readiness", "liveness")


@dataclass(frozen=True, slots=True)
class Probe:
    """Times are in seconds; `handler` is the spec's own: exec, httpGet, tcpSocket or grpc.

    `grace` is how long a container that failed gets to end, None for its pod's own time.
    """

    kind: Kind
    handler: Obj
    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    successes: int = 1
    failures: int = 3
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one asking came to; `message` says why it failed, in the words of the kubelet."""

    healthy: bool
    message: str = ""


def probe_of(container: Obj, kind: Kind) -> Probe | None:
    """The container's probe of that kind, if it has one."""
    spec = container.get(f"{kind}Probe")
    if not spec:
        return None
    return Probe(
        kind,
        handler=spec,
        initial_delay=spec.get("initialDelaySeconds", 0),
        period=spec.get("periodSeconds", 10),
        timeout=spec.get("timeoutSeconds", 1),
        successes=spec.get("successThreshold", 1),
        failures=spec.get("failureThreshold", 3),
        grace=spec.get("terminationGracePeriodSeconds"),
    )


def probes_of(container: Obj) -> Iterator[Probe]:
    """All that the container has."""
    for kind in KINDS:
        probe = probe_of(container, kind)
        if probe is not None:
            yield probe
