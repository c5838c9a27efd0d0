"""The rules of containers (pkg/apis/core/validation: validateContainers and what it calls).

A container that breaks no rule passes here in a few microseconds: paths are put together only where
something is wrong, or once a container.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms
from labctl.api.validation.environment import check_environment
from labctl.api.validation.ephemeral import check_ephemeral_containers
from labctl.api.validation.probe import check_handler, check_probes
from labctl.api.validation.resources import check_resources
from labctl.api.validation.security import check_container_security

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROTOCOLS = ("SCTP", "TCP", "UDP")


def check_containers(spec: Obj, path: str) -> Iterator[Cause]:
    """All containers of a pod, whose names must differ from each other across the lists."""
    seen: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    if not spec.get("containers") and "containers" in spec:
        yield causes.required(f"{path}.containers")
    for member in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(member) or ()):
            here = f"{path}.{member}[{index}]"
            name = container.get("name")
            if name in seen:
                yield causes.duplicate(f"{here}.name", name)
            seen.add(name)
            yield from _container(container, here, volumes)
            if member == "initContainers":
                yield from _init_container(container, here)
    if spec.get("ephemeralContainers"):
        yield from check_ephemeral_containers(spec, path)
    yield from _host_ports(spec, path)


def _container(container: Obj, path: str, volumes: set[Any]) -> Iterator[Cause]:
    name = container.get("name")
    if name is not None:
        yield from terms.named(names.label, name, f"{path}.name")
    yield from _image(container.get("image"), path)
    if "imagePullPolicy" in container:
        yield from terms.choice(container, "imagePullPolicy", PULL_POLICIES, path)
    if "terminationMessagePolicy" in container:
        yield from terms.choice(container, "terminationMessagePolicy", MESSAGE_POLICIES, path)
    if container.get("ports"):
        yield from _ports(container["ports"], f"{path}.ports")
    if "env" in container or "envFrom" in container:
        yield from check_environment(container, path)
    if container.get("resources"):
        yield from check_resources(container["resources"], f"{path}.resources")
    if container.get("volumeMounts"):
        yield from _mounts(container["volumeMounts"], volumes, f"{path}.volumeMounts")
    if container.get("securityContext"):
        yield from check_container_security(container["securityContext"], f"{path}.securityContext")
    yield from check_probes(container, path)
    if "lifecycle" in container:
        yield from _lifecycle(container["lifecycle"], f"{path}.lifecycle")


def _image(image: str | None, path: str) -> Iterator[Cause]:
    if not image:
        yield causes.required(f"{path}.image")
    elif image != image.strip():
        sentence = "must not have leading or trailing whitespace"
        yield causes.invalid(f"{path}.image", image, sentence)


def _ports(ports: list[Obj], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        name = port.get("name")
        if name:
            for problem in names.port_name(name):
                yield causes.invalid(f"{path}[{index}].name", name, problem)
            if name in seen:
                yield causes.duplicate(f"{path}[{index}].name", name)
            seen.add(name)
        yield from _port(port, f"{path}[{index}]")


def _port(port: Obj, path: str) -> Iterator[Cause]:
    number, host = port.get("containerPort"), port.get("hostPort")
    if number == 0:
        yield causes.required(f"{path}.containerPort")
    elif number is not None and not 0 < number < 65536:
        yield causes.invalid(f"{path}.containerPort", number, names.port_number(0)[0])
    if host and not 0 < host < 65536:
        yield causes.invalid(f"{path}.hostPort", host, names.port_number(0)[0])
    protocol = port.get("protocol")
    if protocol == "":
        yield causes.required(f"{path}.protocol")
    elif protocol is not None and protocol not in PROTOCOLS:
        yield causes.not_supported(f"{path}.protocol", protocol, PROTOCOLS)


def _host_ports(spec: Obj, path: str) -> Iterator[Cause]:
    """No two containers can have the same port of the host; with hostNetwork all ports are its."""
    host_network, seen = spec.get("hostNetwork"), set()
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            here = f"{path}.containers[{index}].ports[{number}]"
            host, inner = port.get("hostPort"), port.get("containerPort")
            if host_network and host != inner:
                sentence = "must match `hostPort` when `hostNetwork` is true"
                yield causes.invalid(f"{here}.containerPort", inner, sentence)
            if not host:
                continue
            taken = f"{port.get('protocol', 'TCP')}/{port.get('hostIP', '')}/{host}"
            if taken in seen:
                yield causes.duplicate(f"{here}.hostPort", taken)
            seen.add(taken)


def _mounts(mounts: list[Obj], volumes: set[Any], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        name, target = mount.get("name"), mount.get("mountPath")
        here = f"{path}[{index}]"
        if name == "":
            yield causes.required(f"{here}.name")
        elif name is not None and name not in volumes:
            yield causes.not_found(f"{here}.name", name)
        if target == "":
            yield causes.required(f"{here}.mountPath")
        elif target is not None and target in seen:
            yield causes.invalid(f"{here}.mountPath", target, "must be unique")
        seen.add(target or "")
        if mount.get("subPath"):
            yield from check_local_path(mount["subPath"], f"{here}.subPath")


def check_local_path(value: str, field: str) -> Iterator[Cause]:
    """A path inside a volume: relative, and never upwards."""
    if value.startswith("/"):
        yield causes.invalid(field, value, "must be a relative path")
    if ".." in value.split("/"):
        yield causes.invalid(field, value, "must not contain '..'")


def _lifecycle(lifecycle: Obj, path: str) -> Iterator[Cause]:
    for hook in ("postStart", "preStop"):
        if hook in lifecycle:
            yield from check_handler(lifecycle[hook], _HOOKS, f"{path}.{hook}")


_HOOKS: Iterable[str] = ("exec", "httpGet", "sleep", "tcpSocket")


def _init_container(container: Obj, path: str) -> Iterator[Cause]:
    """Init containers run to their end, so only those that stay (sidecars) have hooks and probes."""
    policy = container.get("restartPolicy")
    if policy == "Always":
        return
    if policy is not None:
        yield causes.not_supported(f"{path}.restartPolicy", policy, ("Always",))
    for member in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if member in container:
            sentence = "may not be set for init containers without restartPolicy=Always"
            yield causes.forbidden(f"{path}.{member}", sentence)
