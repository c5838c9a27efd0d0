"""LimitRanger: what a namespace's LimitRanges give to pods that say nothing, and do not let pass."""

from labctl.api import status
from labctl.api.kinds.core import LIMITRANGES, PERSISTENTVOLUMECLAIMS, PODS
from labctl.api.limits import problems, with_defaults
from labctl.api.objects import Obj, name
from labctl.apiserver.admission import Circumstances

_LIMITED = (PODS, PERSISTENTVOLUMECLAIMS)


def limit_range(circumstances: Circumstances, obj: Obj) -> Obj:
    """The pod with defaults; raises 403 for a pod or claim beyond the bounds. Only at creation."""
    resource = circumstances.resource
    if circumstances.operation != "CREATE" or circumstances.subresource:
        return obj
    if resource not in _LIMITED:
        return obj
    entries = list(circumstances.cache.entries(LIMITRANGES, circumstances.namespace))
    if not entries:
        return obj
    ranges = sorted((entry.object for entry in entries), key=name)
    if resource is PODS:
        for one in ranges:
            obj = with_defaults(obj, one)
    found = [problem for one in ranges for problem in problems(resource, obj, one)]
    if found:
        why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise status.forbidden(resource, obj["metadata"].get("name", ""), why)
    return obj
