"""PATCH bodies: by content type, from bytes to a function that makes the new state of the old."""

from collections.abc import Callable, Sequence
from typing import Any

from labctl.api import causes, status
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.patches import APPLY_PATCH, apply_patch, patch_types
from labctl.api.resource import Resource
from labctl.apiserver.decoding import decode_json, of_kind
from labctl.apiserver.request import Request
from labctl.apiserver.validation import shaped
from labctl.errors import StatusError

_SHOWN = 1000  # characters of a patch in an error

Patch = Callable[[Obj], tuple[Obj, Sequence[str]]]
"""The new object and what the client is to be warned of."""


def read_patch(request: Request, resource: Resource) -> Patch:
    """What a PATCH request does to an object of `resource`; raises 400, 415.

    The function that is returned raises 400 for a patch that is malformed and 422 for one that does
    not fit the object, or makes of it what is none of the kind.
    """
    media_type = request.media_type
    if media_type not in patch_types(resource) or media_type == APPLY_PATCH:
        raise status.unsupported_media_type(patch_types(resource))
    patch = decode_json(request.body)

    def make(old: Obj) -> tuple[Obj, Sequence[str]]:
        patched = apply_patch(media_type, resource, old, patch)
        try:
            new, warnings = shaped(request, of_kind(resource, patched, request.body), resource)
        except StatusError as error:
            raise _unfit(patch, error) from None
        _check_metadata(resource, new, old)
        return new, warnings

    return make


def _unfit(patch: Any, error: StatusError) -> StatusError:
    cause = causes.invalid("patch", causes.shown(patch)[:_SHOWN], error.message)
    return status.invalid_request([cause])


def _check_metadata(resource: Resource, new: Obj, old: Obj) -> None:
    metadata, present = new.get("metadata") or {}, old["metadata"]
    if not metadata.get("name"):
        raise status.bad_request(
            f"the name of the object ({present['name']} based on URL) was undeterminable: "
            "name must be provided"
        )
    uid = metadata.get("uid", present.get("uid"))
    if uid != present.get("uid"):
        cause: Cause = causes.invalid("metadata.uid", uid, "field is immutable")
        raise status.invalid(resource, present["name"], [cause])
