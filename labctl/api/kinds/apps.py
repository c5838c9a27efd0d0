"""The group apps, v1."""

from labctl.api.resource import Resource

DEPLOYMENTS = Resource(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    namespaced=True,
    short_names=("deploy",),
    categories=("all",),
    subresources=("scale", "status"),
    acted_upon=True,
)

REPLICASETS = Resource(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    namespaced=True,
    short_names=("rs",),
    categories=("all",),
    subresources=("scale", "status"),
    acted_upon=True,
    field_selectors=("status.replicas",),
)

DAEMONSETS = Resource(
    "apps",
    "v1",
    "DaemonSet",
    "daemonsets",
    namespaced=True,
    short_names=("ds",),
    categories=("all",),
    subresources=("status",),
    acted_upon=True,
)

STATEFULSETS = Resource(
    "apps",
    "v1",
    "StatefulSet",
    "statefulsets",
    namespaced=True,
    short_names=("sts",),
    categories=("all",),
    subresources=("scale", "status"),
    acted_upon=True,
)

CONTROLLERREVISIONS = Resource(
    "apps", "v1", "ControllerRevision", "controllerrevisions", namespaced=True, acted_upon=True
)

RESOURCES = (DEPLOYMENTS, REPLICASETS, DAEMONSETS, STATEFULSETS, CONTROLLERREVISIONS)
