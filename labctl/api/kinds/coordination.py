"""The group coordination.k8s.io, v1: the leases by which nodes show that they live."""

from labctl.api.resource import Resource

LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True, acted_upon=True)

RESOURCES = (LEASES,)
