"""The group policy, v1."""

from labctl.api.resource import Resource

PODDISRUPTIONBUDGETS = Resource(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    namespaced=True,
    short_names=("pdb",),
    subresources=("status",),
    acted_upon=True,
)

RESOURCES = (PODDISRUPTIONBUDGETS,)
