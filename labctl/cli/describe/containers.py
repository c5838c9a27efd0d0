"""Containers, of a pod with their state or of a template without."""

from collections.abc import Iterable, Sequence
from typing import Any

from labctl.api.objects import Obj
from labctl.cli.describe import times

_STAND_IN = "labctl://stand-in"  # as the agent writes it


def container_lines(
    title: str, containers: Sequence[Obj], statuses: Iterable[Obj], indent: str = "  "
) -> list[str]:
    """The section of a pod's containers; a template has no statuses."""
    by_name = {status["name"]: status for status in statuses}
    lines = [f"{title}:"]
    for container in containers:
        lines += [f"{indent}{container['name']}:"]
        lines += [f"  {indent}{line}" for line in _container(container, by_name)]
    return lines


def _container(container: Obj, statuses: dict[str, Obj]) -> list[str]:
    status = statuses.get(container["name"])
    return [
        *_identity(status),
        f"Image:\t{container.get('image', '')}",
        *(_image_id(status, container) if status else []),
        *_ports(container),
        *_words("Command", container.get("command")),
        *_words("Args", container.get("args")),
        *(_status(status) if status else []),
        *_resources(container),
        *_probes(container),
        *_environment(container),
        *_mounts(container),
    ]


def _identity(status: Obj | None) -> list[str]:
    return [f"Container ID:\t{status.get('containerID', '')}"] if status else []


def _image_id(status: Obj, container: Obj) -> list[str]:
    """The line of kubectl, and one of ours where no program of the image runs."""
    image_id = str(status.get("imageID", ""))
    lines = [f"Image ID:\t{image_id}"]
    if image_id == _STAND_IN:
        image = container.get("image", "")
        lines.append(f'Stand-In:\timage "{image}" is not here: a stand-in answers')
    return lines


def _ports(container: Obj) -> list[str]:
    ports = container.get("ports") or []
    own = ", ".join(f"{one['containerPort']}/{one.get('protocol', 'TCP')}" for one in ports)
    host = ", ".join(f"{one.get('hostPort', 0)}/{one.get('protocol', 'TCP')}" for one in ports)
    plural = "s" if len(ports) > 1 else ""
    return [f"Port{plural}:\t{own or '<none>'}", f"Host Port{plural}:\t{host or '<none>'}"]


def _words(title: str, words: Sequence[str] | None) -> list[str]:
    return [f"{title}:", *(f"  {word}" for word in words)] if words else []


def _status(status: Obj) -> list[str]:
    lines = _state("State", status.get("state") or {})
    if status.get("lastState"):
        lines += _state("Last State", status["lastState"])
    lines.append(f"Ready:\t{status.get('ready', False)}")
    lines.append(f"Restart Count:\t{status.get('restartCount', 0)}")
    return lines


def _state(title: str, state: Obj) -> list[str]:
    if "running" in state:
        return [
            f"{title}:\tRunning",
            f"  Started:\t{times.date(state['running'].get('startedAt'))}",
        ]
    if "waiting" in state:
        return [f"{title}:\tWaiting", *_reason(state["waiting"])]
    if "terminated" in state:
        ended = state["terminated"]
        return [
            f"{title}:\tTerminated",
            *_reason(ended),
            f"  Exit Code:\t{ended.get('exitCode', 0)}",
            f"  Started:\t{times.date(ended.get('startedAt'))}",
            f"  Finished:\t{times.date(ended.get('finishedAt'))}",
        ]
    return [f"{title}:\tWaiting"]


def _reason(state: Obj) -> list[str]:
    found = [("Reason", state.get("reason")), ("Message", state.get("message"))]
    return [f"  {title}:\t{text}" for title, text in found if text]


def _resources(container: Obj) -> list[str]:
    resources = container.get("resources") or {}
    lines = []
    for title in ("limits", "requests"):
        if amounts := resources.get(title):
            lines.append(f"{title.capitalize()}:")
            lines += [f"  {key}:\t{amounts[key]}" for key in sorted(amounts)]
    return lines


def _probes(container: Obj) -> list[str]:
    kinds = (
        ("Liveness", "livenessProbe"),
        ("Readiness", "readinessProbe"),
        ("Startup", "startupProbe"),
    )
    return [f"{title}:\t{_probe(container[key])}" for title, key in kinds if container.get(key)]


def _probe(probe: Obj) -> str:
    times_of = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )
    return f"{_probe_action(probe)} {times_of}"


def _probe_action(probe: Obj) -> str:
    if "exec" in probe:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}]"
    if "httpGet" in probe:
        get = probe["httpGet"]
        scheme = get.get("scheme", "HTTP").lower()
        return f"http-get {scheme}://{get.get('host', '')}:{get['port']}{get.get('path', '')}"
    if "tcpSocket" in probe:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket']['port']}"
    if "grpc" in probe:
        return f"grpc <pod>:{probe['grpc']['port']} {probe['grpc'].get('service') or ''}"
    return "unknown"


def _environment(container: Obj) -> list[str]:
    env = container.get("env") or []
    if not env:
        return ["Environment:\t<none>"]
    return ["Environment:", *(f"  {one['name']}:\t{_env_value(one)}" for one in env)]


def _env_value(entry: Obj) -> str:
    source: dict[str, Any] = entry.get("valueFrom") or {}
    if "fieldRef" in source:
        reference = source["fieldRef"]
        return f" ({reference.get('apiVersion', 'v1')}:{reference['fieldPath']})"
    for kind, word in (("configMapKeyRef", "config map"), ("secretKeyRef", "secret")):
        if kind in source:
            reference = source[kind]
            return f"<set to the key '{reference['key']}' of {word} '{reference.get('name')}'>"
    if "resourceFieldRef" in source:
        return f" ({source['resourceFieldRef']['resource']})"
    return str(entry.get("value", ""))


def _mounts(container: Obj) -> list[str]:
    mounts = container.get("volumeMounts") or []
    if not mounts:
        return ["Mounts:\t<none>"]
    ordered = sorted(mounts, key=lambda one: one["mountPath"])
    return [
        "Mounts:",
        *(f"  {one['mountPath']} from {one['name']} {_access(one)}" for one in ordered),
    ]


def _access(mount: Obj) -> str:
    access = "ro" if mount.get("readOnly") else "rw"
    return f"({access},path={mount['subPath']!r})" if mount.get("subPath") else f"({access})"
