"""The environment of a container: plain values, the downward API, and `$(VAR)`.

References to ConfigMaps, Secrets and resources are left out: a stand-in does not read them, and a
program that does finds them unset.
"""

import re
from collections.abc import Mapping
from typing import Any

from labctl.api.objects import Obj, annotations, labels

# Kubernetes' third_party/forked/golang/expansion: "$$" is a dollar, "$(NAME)" a reference; a
# reference to what is not defined stays as it is written.
_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def environment(pod: Obj, container: Obj, pod_ip: str, host_ip: str) -> dict[str, str]:
    """Names and values, in order of definition; a value may refer to those before it."""
    fields = downward_fields(pod, pod_ip, host_ip)
    values: dict[str, str] = {}
    for entry in container.get("env") or ():
        value = _value(entry, pod, fields)
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


def downward_fields(pod: Obj, pod_ip: str, host_ip: str) -> dict[str, str]:
    """What fieldRef can name, apart from single labels and annotations."""
    metadata, spec = pod["metadata"], pod["spec"]
    return {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }


def _value(entry: Mapping[str, Any], pod: Obj, fields: Mapping[str, str]) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value", ""))
    path = source.get("fieldRef", {}).get("fieldPath", "")
    keyed = _KEYED_FIELD.fullmatch(path)
    if keyed is None:
        return fields.get(path)
    table = labels(pod) if keyed[1] == "labels" else annotations(pod)
    return str(table.get(keyed[2], ""))
