"""The group metrics.k8s.io, v1beta1: what nodes and pods use now. Computed, never stored."""

from labctl.api.resource import Resource

_GROUP, _VERSION = "metrics.k8s.io", "v1beta1"

NODEMETRICS = Resource(
    _GROUP,
    _VERSION,
    "NodeMetrics",
    "nodes",
    namespaced=False,
    verbs=("get", "list"),
    acted_upon=True,
)

PODMETRICS = Resource(
    _GROUP,
    _VERSION,
    "PodMetrics",
    "pods",
    namespaced=True,
    verbs=("get", "list"),
    acted_upon=True,
)

RESOURCES = (NODEMETRICS, PODMETRICS)
