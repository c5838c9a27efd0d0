"""Every resource that a lab serves, and how to find one by path, by kind, or by a user's word."""

from functools import cache

from labctl.api.kinds import (
    apps,
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

__all__ = ["COMPUTED", "RESOURCES", "SERVED", "Resource", "by_kind", "by_word", "find"]

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
)

COMPUTED: tuple[Resource, ...] = (*metrics.RESOURCES,)
"""What is answered and never stored: reviews of access, metrics."""

SERVED = RESOURCES + COMPUTED

_BY_PATH = {(one.group, one.version, one.plural): one for one in SERVED}
_BY_KIND = {(one.api_version, one.kind): one for one in RESOURCES}


def find(group: str, version: str, plural: str) -> Resource | None:
    """The resource of a REST path, or None; the core group is ""."""
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The resource of an object's apiVersion and kind, or None."""
    return _BY_KIND.get((api_version, kind))


def by_word(word: str) -> Resource | None:
    """The resource that a user means: `po`, `pods`, `Pod`, `deploy`, `deployments.v1.apps`.

    Upper and lower case are the same, and the core group wins, as with kubectl.
    """
    return _words().get(word.lower())


@cache
def _words() -> dict[str, Resource]:
    words: dict[str, Resource] = {}
    for resource in RESOURCES:
        for word in (resource.plural, resource.singular, *resource.short_names):
            words.setdefault(word, resource)
            words.setdefault(f"{word}.{resource.group}", resource)
            words.setdefault(f"{word}.{resource.version}.{resource.group}", resource)
    return words
