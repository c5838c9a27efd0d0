"""What the runtime is told about a pod and its containers: their specs, with all names resolved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from labctl import names
from labctl.api.objects import Obj, annotations
from labctl.cri.messages import ContainerConfig, Mount, Port, PortMapping, Protocol, SandboxConfig
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.environment import environment, expand
from labctl.node.pods.sources import NO_SOURCES, Sources

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = ("httpGet", "tcpSocket", "grpc")
_HOSTNAME_MAX = 63


def sandbox_config(pod: Obj, attempt: int, node: str, ip: str) -> SandboxConfig:
    """`ip` is the address that the sandbox will get, empty for hostNetwork."""
    metadata, spec = pod["metadata"], pod["spec"]
    host_network = bool(spec.get("hostNetwork"))
    return SandboxConfig(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        attempt=attempt,
        node=node,
        hostname=node if host_network else hostname(pod),
        ip=ip,
        host_network=host_network,
        annotations=dict(annotations(pod)),
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
    return ContainerConfig(
        name=container["name"],
        image=container.get("image", ""),
        attempt=attempt,
        command=tuple(expand(word, values) for word in container.get("command") or ()),
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
    )


def hostname(pod: Obj) -> str:
    """spec.hostname or the pod's name, cut to what a host name can be (RFC 1123)."""
    name: str = pod["spec"].get("hostname") or pod["metadata"]["name"]
    return name[:_HOSTNAME_MAX].rstrip("-.")


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
