"""The downward API: what a container may be told of its pod, by environment or by file.

Kubernetes' pkg/fieldpath and pkg/api/v1/resource.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING
from typing import Any

from labctl.api.objects import Obj, annotations, labels
from labctl.api.quantity import parse_quantity

_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True)
class Surroundings:
    """Where a container runs; `capacity` is what the node has, for limits that nobody set."""

    pod_ip: str = ""
    host_ip: str = ""
    capacity: Mapping[str, str] | None = None


def field_value(pod: Obj, path: str, around: Surroundings) -> str | None:
    """What a fieldRef names; None for a field that there is not."""
    keyed = _KEYED_FIELD.fullmatch(path)
    if keyed is not None:
        table = labels(pod) if keyed[1] == "labels" else annotations(pod)
        return str(table.get(keyed[2], ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        return _lines(labels(pod) if path.endswith("labels") else annotations(pod))
    return _fields(pod, around).get(path)


def resource_value(container: Obj, source: Mapping[str, Any], around: Surroundings) -> str:
    """What a resourceFieldRef names, in units of its divisor, rounded up.

    A limit that was not set is what the node has; a request that was not set is 0.
    """
    which, _, resource = str(source["resource"]).partition(".")
    amounts = (container.get("resources") or {}).get(which) or {}
    unset = (around.capacity or {}).get(resource, "0") if which == "limits" else "0"
    amount = parse_quantity(amounts.get(resource, unset))
    divisor = parse_quantity(source.get("divisor") or "1") or parse_quantity("1")
    return str(int((amount / divisor).to_integral_value(rounding=ROUND_CEILING)))


def _fields(pod: Obj, around: Surroundings) -> dict[str, str]:
    metadata, spec = pod["metadata"], pod["spec"]
    return {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": around.pod_ip,
        "status.podIPs": around.pod_ip,
        "status.hostIP": around.host_ip,
        "status.hostIPs": around.host_ip,
    }


def _lines(table: Mapping[str, str]) -> str:
    """As files of labels and annotations have it: sorted, quoted as Go's %q."""
    return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(table.items()))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'
