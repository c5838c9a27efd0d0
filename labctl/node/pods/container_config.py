"""What the runtime is told about a pod and its containers: their specs, with all names resolved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from labctl import names
from labctl.api.images import pull_policy
from labctl.api.objects import Obj, annotations
from labctl.api.quantity import parse_quantity
from labctl.cri.messages import (
    ContainerConfig,
    Mount,
    Port,
    PortMapping,
    Protocol,
    PullPolicy,
    SandboxConfig,
)
from labctl.node.pods import naming
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.environment import environment, expand
from labctl.node.pods.facts import ephemeral_containers_of
from labctl.node.pods.limits import container_limits, pod_limits
from labctl.node.pods.security import security_of
from labctl.node.pods.sources import NO_SOURCES, Sources

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = ("httpGet", "tcpSocket", "grpc")


def sandbox_config(pod: Obj, attempt: int, node: str) -> SandboxConfig:
    """All but the address that the sandbox will get. Raises NameTooLong."""
    metadata, spec = pod["metadata"], pod["spec"]
    host_network = bool(spec.get("hostNetwork"))
    names_of_others = naming.resolver(pod)
    return SandboxConfig(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        attempt=attempt,
        node=node,
        hostname=node if host_network else naming.hostname(pod),
        host_network=host_network,
        shared_processes=bool(spec.get("shareProcessNamespace")),
        annotations=dict(annotations(pod)),
        limits=pod_limits(pod),
        settings=_settings(spec),
        domain=naming.domain(pod),
        aliases=naming.aliases(pod),
        name_servers=names_of_others.servers,
        searches=names_of_others.searches,
        resolver_options=names_of_others.options,
        port_mappings=() if host_network else tuple(_port_mappings(pod)),
    )


def _port_mappings(pod: Obj) -> Iterator[PortMapping]:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield PortMapping(
                    port["hostPort"],
                    port["containerPort"],
                    cast("Protocol", port.get("protocol", "TCP")),
                    port.get("hostIP", ""),
                )


def _settings(spec: Obj) -> tuple[tuple[str, str], ...]:
    given = (spec.get("securityContext") or {}).get("sysctls") or ()
    return tuple((one["name"], str(one.get("value", ""))) for one in given)


def container_config(
    lab: str,
    pod: Obj,
    container: Obj,
    attempt: int,
    around: Surroundings,
    sources: Sources = NO_SOURCES,
    mounts: tuple[Mount, ...] = (),
) -> ContainerConfig:
    """The runtime's view of `container`, one of `pod`'s (init) containers. Raises MissingSource."""
    values = environment(pod, container, around, sources)
    ephemeral = container in ephemeral_containers_of(pod)
    return ContainerConfig(
        name=container["name"],
        image=container.get("image", ""),
        attempt=attempt,
        command=tuple(expand(word, values) for word in _command(container, ephemeral)),
        args=tuple(expand(word, values) for word in container.get("args") or ()),
        working_dir=container.get("workingDir", ""),
        env=tuple(values.items()),
        ports=_ports(container),
        probe_ports=tuple(sorted(set(_probe_ports(container)))),
        mounts=mounts,
        log_path=str(log_file(lab, pod, container["name"], attempt)),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdin") and container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        limits=container_limits(container),
        security=security_of(pod, container, _memory(around)),
        target=container.get("targetContainerName", ""),
        needs_program=ephemeral,
        message_path=container.get("terminationMessagePath", ""),
        pull_policy=_pull_policy(container),
        message_from_log=container.get("terminationMessagePolicy") == "FallbackToLogsOnError",
    )


def _command(container: Obj, ephemeral: bool) -> list[str]:
    """One that is to look into a pod has a shell at least: the host's tools are its image."""
    command: list[str] = container.get("command") or []
    return ["sh"] if ephemeral and not (command or container.get("args")) else command


def _pull_policy(container: Obj) -> PullPolicy:
    given = container.get("imagePullPolicy") or pull_policy(container.get("image", ""))
    return cast("PullPolicy", given)


def _memory(around: Surroundings) -> int:
    return int(parse_quantity((around.capacity or {}).get("memory", "0")))


def log_file(lab: str, pod: Obj, container: str, attempt: int) -> Path:
    metadata = pod["metadata"]
    directory = names.pod_log_dir(lab, metadata["namespace"], metadata["name"], metadata["uid"])
    return directory / container / f"{attempt}.log"


def _ports(container: Obj) -> tuple[Port, ...]:
    return tuple(
        Port(port["containerPort"], cast("Protocol", port.get("protocol", "TCP")))
        for port in container.get("ports") or ()
    )


def _probe_ports(container: Obj) -> Iterator[int]:
    for probe in _PROBES:
        for handler in _HANDLERS:
            wanted = (container.get(probe) or {}).get(handler)
            number = port_number(container, wanted["port"]) if wanted else None
            if number is not None:
                yield number


def port_number(container: Obj, port: Any) -> int | None:
    """A port given by number, or by the name of one of the container's ports."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(port) if str(port).isdigit() else None
