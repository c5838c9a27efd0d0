"""A Service that changes keeps what it was given, and loses what its new type has no use for."""

from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj
from labctl.api.service_type import settled
from labctl.apiserver.admission import Circumstances


def settle_service(circumstances: Circumstances, obj: Obj) -> Obj:
    """The Service that is to replace another, before addresses and ports are given out."""
    old = circumstances.old
    if circumstances.resource is not SERVICES or circumstances.subresource:
        return obj
    if circumstances.operation != "UPDATE" or old is None:
        return obj
    return {**obj, "spec": settled(obj.get("spec") or {}, old.get("spec") or {})}
