"""The group policy, v1."""

from dataclasses import replace

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

# Kubernetes 1.25 took it away; kubectl 1.20 creates budgets by it.
PODDISRUPTIONBUDGETS_V1BETA1 = replace(
    PODDISRUPTIONBUDGETS, version="v1beta1", stored=PODDISRUPTIONBUDGETS
)

RESOURCES = (PODDISRUPTIONBUDGETS, PODDISRUPTIONBUDGETS_V1BETA1)
