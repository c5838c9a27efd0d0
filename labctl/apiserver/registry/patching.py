"""PATCH bodies: by content type, from bytes to a function that makes the new state of the old."""

from labctl.api import status
from labctl.api.objects import Obj
from labctl.api.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from labctl.api.resource import Resource
from labctl.apiserver.decoding import decode_json, of_kind
from labctl.apiserver.registry.change import Make
from labctl.apiserver.request import Request

_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)


def read_patch(request: Request, resource: Resource) -> Make:
    """What a PATCH request does to an object of `resource`; raises 400, 415.

    The function that is returned raises 400 and 422 where the patch does not fit the object.
    """
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise status.unsupported_media_type(_TYPES)
    patch = decode_json(request.body)

    def make(old: Obj) -> Obj:
        new = of_kind(resource, apply_patch(media_type, resource, old, patch))
        if not isinstance(new.get("metadata"), dict):
            raise status.bad_request("the patch leaves the object without metadata")
        return new

    return make
