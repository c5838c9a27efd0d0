"""What Kubernetes 1.33 fills in where a manifest says nothing (its `defaults.go` files).

An object with defaults set is what is stored and what comes back; setting them again changes
nothing, which is why a ReplicaSet's template can be compared with its Deployment's.
"""

from collections.abc import Callable

from labctl.api import schema
from labctl.api.custom.forms import settled
from labctl.api.defaults import (
    config,
    definition,
    extension,
    pod,
    policy,
    roles,
    service,
    storage,
    workload,
)
from labctl.api.objects import Obj, without_nulls
from labctl.api.resource import Resource

__all__ = ["set_defaults"]

_DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    **config.DEFAULTERS,
    **definition.DEFAULTERS,
    **extension.DEFAULTERS,
    **pod.DEFAULTERS,
    **policy.DEFAULTERS,
    **roles.DEFAULTERS,
    **service.DEFAULTERS,
    **storage.DEFAULTERS,
    **workload.DEFAULTERS,
}


def set_defaults(resource: Resource, obj: Obj) -> Obj:
    """The object with defaults filled in and nulls left out; the one given is not changed.

    An object with a field of the wrong type gets no defaults: it is validation's to refuse. A custom
    object loses the fields that its schema does not know.
    """
    if resource.custom is not None:
        return settled(resource.custom, obj)
    defaulter = _DEFAULTERS.get(resource)
    if schema.is_valid(resource, obj):  # which also means that no null is in it
        return defaulter(obj) if defaulter else obj
    cleaned: Obj = without_nulls(obj)
    if defaulter is None or schema.problems(resource, cleaned).types:
        return cleaned
    return defaulter(cleaned)
