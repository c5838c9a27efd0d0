"""The forms of a custom object: as a client sends it, as it is settled, as it is shown, as it is kept."""

from labctl.api.custom.defaulting import fill
from labctl.api.custom.prune import prune
from labctl.api.custom.type import CustomType
from labctl.api.objects import Obj
from labctl.api.resource import Resource


def settled(custom: CustomType, obj: Obj) -> Obj:
    """The object without what its schema does not know, and with the defaults of its schema."""
    result: Obj = fill(custom.schema, prune(custom.schema, obj).value)
    return result


def shown(resource: Resource, custom: CustomType, stored: Obj) -> Obj:
    """A stored object as one version shows it: by conversion `None` only apiVersion differs.

    The definition may have changed since it was stored, so it is settled again, as when it was new.
    """
    return settled(custom, with_version(stored, resource.api_version))


def with_version(obj: Obj, api_version: str) -> Obj:
    return obj if obj["apiVersion"] == api_version else {**obj, "apiVersion": api_version}
