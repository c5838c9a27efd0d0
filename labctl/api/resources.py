"""Every resource that a lab serves by itself, and how to find one: the catalog without custom kinds."""

from labctl.api.catalog import Catalog
from labctl.api.kinds import (
    apiextensions,
    apps,
    authentication,
    authorization,
    autoscaling,
    batch,
    cluster,
    coordination,
    core,
    metrics,
    networking,
    policy,
    rbac,
)
from labctl.api.resource import Resource

__all__ = [
    "BUILT_IN",
    "COMPUTED",
    "RESOURCES",
    "SERVED",
    "Resource",
    "by_kind",
    "by_word",
    "find",
]

RESOURCES: tuple[Resource, ...] = (
    *core.RESOURCES,
    *apps.RESOURCES,
    *autoscaling.RESOURCES,
    *batch.RESOURCES,
    *coordination.RESOURCES,
    *networking.RESOURCES,
    *policy.RESOURCES,
    *rbac.RESOURCES,
    *cluster.RESOURCES,
    *apiextensions.RESOURCES,
)

COMPUTED: tuple[Resource, ...] = (
    *authentication.RESOURCES,
    *authorization.RESOURCES,
    *metrics.RESOURCES,
)
"""What is answered and never stored: reviews of access, metrics."""

SERVED = RESOURCES + COMPUTED

BUILT_IN = Catalog(RESOURCES, COMPUTED)
"""What every server serves; users define more (see custom/)."""

find = BUILT_IN.find
by_kind = BUILT_IN.by_kind
by_word = BUILT_IN.by_word
