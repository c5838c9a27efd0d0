"""From the bytes of a request to an object that is at least of the right kind.

Everything that a client can get wrong here is a 400 or 415; whether the object makes sense is
validation's business. Callers in this process hand in objects, which are taken as they are.
"""

from typing import Any

import msgspec

from labctl.api import status
from labctl.api.objects import Obj, is_deeper_than, without_nulls
from labctl.api.resource import Resource
from labctl.apiserver.request import JSON, Request

MAX_DEPTH = 200  # what follows goes through objects by recursion
_decode = msgspec.json.Decoder().decode


def decode_json(body: Any) -> Any:
    """The JSON value of a body; what is no bytes is one already. Raises 400."""
    if not isinstance(body, bytes):
        return body
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise status.bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    # Only a body with that many brackets can be that deep, and few have as many.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and is_deeper_than(value, MAX_DEPTH):
        raise status.bad_request(f"json parse error: nested deeper than {MAX_DEPTH} levels")
    return value


def decode_object(request: Request) -> Obj:
    """The object in a request, of its resource's kind, without nulls; raises 400, 415."""
    _check_content_type(request)
    obj = of_kind(request.resource, decode_json(request.body))
    metadata = obj.get("metadata")
    if metadata is None:
        return {**obj, "metadata": {}}
    if not isinstance(metadata, dict):
        raise _not_handled(
            request.resource, f"metadata must be an object, not {type(metadata).__name__}"
        )
    return obj


def of_kind(resource: Resource, value: Any) -> Obj:
    """An object with the apiVersion and kind of `resource`, filled in where absent; raises 400."""
    if not isinstance(value, dict):
        raise status.bad_request(
            "couldn't get version/kind; json parse error: the body must be a JSON object"
        )
    obj: Obj = without_nulls(value)
    version = obj.get("apiVersion") or resource.api_version
    if version != resource.api_version:
        raise status.bad_request(
            f"the API version in the data ({version}) does not match "
            f"the expected API version ({resource.api_version})"
        )
    kind = obj.get("kind") or resource.kind
    if kind != resource.kind:
        raise status.bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
        )
    return {"apiVersion": version, "kind": kind, **_without(obj, ("apiVersion", "kind"))}


def _check_content_type(request: Request) -> None:
    media_type = request.content_type.partition(";")[0].strip().lower()
    # Several clients send none at all with JSON (kubectl 1.20, the official Python client).
    if media_type not in {"", JSON}:
        raise status.unsupported_media_type([JSON])


def _not_handled(resource: Resource, why: str) -> Exception:
    return status.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )


def _without(obj: Obj, fields: tuple[str, ...]) -> Obj:
    return {field: value for field, value in obj.items() if field not in fields}
