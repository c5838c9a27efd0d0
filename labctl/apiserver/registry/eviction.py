"""The subresource eviction: a deletion that disruption budgets may refuse (none are kept yet)."""

from typing import Any

from labctl.api import status
from labctl.apiserver.answers import Plain
from labctl.apiserver.decoding import decode_json
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.deletion import delete_object
from labctl.apiserver.registry.options import options_of
from labctl.apiserver.request import Request

_VERSIONS = ("", "policy/v1", "policy/v1beta1")  # kubectl 1.20 still sends v1beta1


async def evict(backend: Backend, request: Request) -> Plain:
    """201 once the pod's deletion has begun; raises 400, 404, 409."""
    eviction: Any = decode_json(request.body) if request.body else {}
    if not isinstance(eviction, dict) or eviction.get("apiVersion", "") not in _VERSIONS:
        raise status.bad_request("the body must be an Eviction of policy/v1")
    metadata = eviction.get("metadata") or {}
    if not isinstance(metadata, dict) or metadata.get("name", request.name) != request.name:
        raise status.bad_request("name in URL does not match name in Eviction object")
    options = options_of(eviction.get("deleteOptions") or {}, request)
    await delete_object(backend, request, options)
    return Plain(status.success(), 201)
