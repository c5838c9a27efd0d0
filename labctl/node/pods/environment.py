"""The environment of a container: envFrom, plain values, references, the downward API, and `$(VAR)`."""

import re
from collections.abc import Mapping
from typing import Any

from labctl.api.objects import Obj, namespace
from labctl.node.pods.downward import Surroundings, field_value, resource_value
from labctl.node.pods.sources import NO_SOURCES, Kind, MissingSource, Sources

# Kubernetes' third_party/forked/golang/expansion: "$$" is a dollar, "$(NAME)" a reference; a
# reference to what is not defined stays as it is written.
_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_BULK: tuple[tuple[Kind, str], ...] = (("configmap", "configMapRef"), ("secret", "secretRef"))
_KEYS: tuple[tuple[Kind, str, str], ...] = (
    ("configmap", "configMapKeyRef", "ConfigMap"),
    ("secret", "secretKeyRef", "Secret"),
)


def environment(
    pod: Obj, container: Obj, around: Surroundings, sources: Sources = NO_SOURCES
) -> dict[str, str]:
    """Names and values, in order of definition; a value may refer to those before it.

    What `env` says wins over `envFrom`. Raises MissingSource for a reference that leads nowhere.
    """
    values = _bulk(container, sources)
    for entry in container.get("env") or ():
        value = _value(entry, pod, container, around, sources)
        if value is not None:
            values[entry["name"]] = expand(value, values)
    return values


def expand(text: str, values: Mapping[str, str]) -> str:
    """`text` with every `$(NAME)` of `values` replaced."""

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        return values.get(name, match[0])

    return _REFERENCE.sub(replacement, text) if "$" in text else text


def _bulk(container: Obj, sources: Sources) -> dict[str, str]:
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix") or ""
        for kind, member in _BULK:
            if member in source:
                wanted = source[member]
                optional = bool(wanted.get("optional"))
                data = sources.data(kind, wanted.get("name", ""), optional=optional)
                values |= {prefix + key: _text(value) for key, value in data.items()}
    return values


def _value(
    entry: Mapping[str, Any], pod: Obj, container: Obj, around: Surroundings, sources: Sources
) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"].get("fieldPath", ""), around)
    if "resourceFieldRef" in source:
        return resource_value(container, source["resourceFieldRef"], around)
    for kind, member, title in _KEYS:
        if member in source:
            return _key(pod, kind, title, source[member], sources)
    return None


def _key(
    pod: Obj, kind: Kind, title: str, wanted: Mapping[str, Any], sources: Sources
) -> str | None:
    at, key, optional = wanted.get("name", ""), wanted.get("key", ""), bool(wanted.get("optional"))
    data = sources.data(kind, at, optional=optional)
    if key in data:
        return _text(data[key])
    if optional:
        return None
    raise MissingSource(f"couldn't find key {key} in {title} {namespace(pod)}/{at}")


def _text(value: bytes) -> str:
    """Bytes that are no text stay what they are: execve takes any but NUL."""
    return value.decode(errors="surrogateescape")
