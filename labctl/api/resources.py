"""Every resource that a lab serves by itself, and how to find one: the catalog without custom kinds."""

from labctl.api.catalog import Catalog
from labctl.api.kinds import (
    apiextensions,
    apps,
    authentication,
    authorization,
    autoscaling,
    batch,
    certificates,
    cluster,
    coordination,
    core,
    events,
    extension,
    metrics,
    networking,
    policy,
    rbac,
)
from labctl.api.resource import Resource

__all__ = [
    "BUILT_IN",
    "COMPUTED",
    "KINDS",
    "RESOURCES",
    "SERVED",
    "Resource",
    "by_kind",
    "by_word",
    "find",
]

KINDS: tuple[Resource, ...] = (
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
    *certificates.RESOURCES,
    *events.RESOURCES,
    *extension.RESOURCES,
)
"""Everything with objects, in each of its versions."""

RESOURCES: tuple[Resource, ...] = tuple(one for one in KINDS if one.stored is None)
"""Everything with objects once, as it is stored."""

COMPUTED: tuple[Resource, ...] = (
    *core.COMPUTED,
    *authentication.RESOURCES,
    *authorization.RESOURCES,
    *metrics.RESOURCES,
)
"""What is answered and never stored: reviews of access, metrics."""

SERVED = KINDS + COMPUTED

BUILT_IN = Catalog(KINDS, COMPUTED)
"""What every server serves; users define more (see custom/)."""

find = BUILT_IN.find
by_kind = BUILT_IN.by_kind
by_word = BUILT_IN.by_word
