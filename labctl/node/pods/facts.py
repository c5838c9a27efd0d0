"""What a node has of one pod at one moment: the input of `plan` and of `status`.

Sandboxes and containers come from the runtime; the rest is what the agent itself knows and what no
restart of it can make wrong: forgetting `stopped` only makes it stop a dead sandbox once more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl.api.objects import Obj
from labctl.cri.messages import Container, Sandbox
from labctl.node.probes.health import Healths


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a container could not be created; it is tried again at `until` (epoch seconds)."""

    reason: str
    message: str
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class PodFacts:
    """Sandboxes and containers of one pod, of all attempts."""

    sandboxes: tuple[Sandbox, ...] = ()
    containers: tuple[Container, ...] = ()
    attached: frozenset[str] = frozenset()
    """Sandboxes that are on the network: their port is in the bridge, or they need none."""
    stopped: frozenset[str] = frozenset()
    """Sandboxes that were taken down whole: port gone, address free again."""
    stopping: Mapping[str, float] = field(default_factory=dict)
    """Containers that were asked to end, and by when (epoch seconds) they will be made to."""
    delays: Mapping[str, float] = field(default_factory=dict)
    """Seconds that must pass between a container's end and its next start, by container name."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    healths: Healths = field(default_factory=dict)
    eviction: str = ""
    """Why the pod must leave the node, if it must."""

    @property
    def newest_sandbox(self) -> Sandbox | None:
        return max(self.sandboxes, key=lambda one: one.config.attempt, default=None)

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox in which containers run: the newest, if its pause is alive."""
        newest = self.newest_sandbox
        return newest if newest is not None and is_usable(newest, self.stopped) else None

    def newest(self, name: str) -> Container | None:
        """The last of a container's incarnations."""
        return next(iter(self.incarnations(name)), None)

    def incarnations(self, name: str) -> list[Container]:
        """All that is still known of a container, newest first."""
        found = [one for one in self.containers if one.config.name == name]
        return sorted(found, key=lambda one: one.config.attempt, reverse=True)

    def names(self) -> Iterator[str]:
        return iter(dict.fromkeys(one.config.name for one in self.containers))


def is_usable(sandbox: Sandbox, stopped: Iterable[str]) -> bool:
    return sandbox.state == "ready" and sandbox.id not in stopped


def exit_code(container: Container, *, init: bool = False) -> int | None:
    """The exit code of one that ended, else None.

    A stand-in in an init container's place has nothing to do: it has succeeded once created.
    """
    if container.state == "exited":
        return container.exit_code
    if init and container.stand_in and container.state == "created":
        return 0
    return None


def containers_of(pod: Obj) -> list[Obj]:
    return pod["spec"].get("containers") or []


def init_containers_of(pod: Obj) -> list[Obj]:
    return pod["spec"].get("initContainers") or []


def ephemeral_containers_of(pod: Obj) -> list[Obj]:
    """Those that were added to a running pod, to look into it."""
    return pod["spec"].get("ephemeralContainers") or []


def told_statuses(pod: Obj) -> Iterator[Obj]:
    """The statuses of containers of all kinds that the API was told."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        yield from status.get(kind) or ()


def is_sidecar(container: Obj) -> bool:
    """An init container that keeps running beside the others (KEP-753)."""
    return container.get("restartPolicy") == "Always"


def restart_policy(pod: Obj) -> str:
    return str(pod["spec"].get("restartPolicy", "Always"))


def is_host_network(pod: Obj) -> bool:
    return bool(pod["spec"].get("hostNetwork"))
