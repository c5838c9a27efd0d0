"""Kinds of the cluster as a whole: scheduling.k8s.io, node.k8s.io and storage.k8s.io, v1."""

from labctl.api.resource import Resource

PRIORITYCLASSES = Resource(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    namespaced=False,
    short_names=("pc",),
    acted_upon=True,
)

RUNTIMECLASSES = Resource(
    "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False, acted_upon=True
)

STORAGECLASSES = Resource(
    "storage.k8s.io",
    "v1",
    "StorageClass",
    "storageclasses",
    namespaced=False,
    short_names=("sc",),
)

CSIDRIVERS = Resource("storage.k8s.io", "v1", "CSIDriver", "csidrivers", namespaced=False)

CSINODES = Resource("storage.k8s.io", "v1", "CSINode", "csinodes", namespaced=False)

VOLUMEATTACHMENTS = Resource(
    "storage.k8s.io",
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    namespaced=False,
    subresources=("status",),
)

CSISTORAGECAPACITIES = Resource(
    "storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", namespaced=True
)

RESOURCES = (
    PRIORITYCLASSES,
    RUNTIMECLASSES,
    STORAGECLASSES,
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
    VOLUMEATTACHMENTS,
)
