"""The chain of a request: authorization → admission → validation → store, verb by verb.

Authentication happens before, where the connection is known; admission and validation happen
inside the verbs that write, since they need what is there already. Whatever a client sends ends as
an answer or as a StatusError; only a bug ends as anything else.
"""

from collections.abc import Awaitable, Callable

from labctl.api import status
from labctl.api.kinds.metrics import NODEMETRICS, PODMETRICS
from labctl.api.resource import Resource
from labctl.apiserver.answers import Answer, Stream
from labctl.apiserver.authorization import authorize
from labctl.apiserver.metrics import verbs as metrics
from labctl.apiserver.registry import reading
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.binding import bind
from labctl.apiserver.registry.create import create
from labctl.apiserver.registry.deletion import delete, delete_collection
from labctl.apiserver.registry.ephemeral import patch_ephemeral, update_ephemeral
from labctl.apiserver.registry.eviction import evict
from labctl.apiserver.registry.finalize import finalize
from labctl.apiserver.registry.scale import get_scale, patch_scale, update_scale
from labctl.apiserver.registry.update import patch, update
from labctl.apiserver.registry.watching import watch
from labctl.apiserver.request import Request
from labctl.apiserver.tables import tabulated

Verb = Callable[[Backend, Request], Awaitable[Answer | Stream]]

_VERBS: dict[tuple[str, str], Verb] = {
    ("", "get"): reading.get,
    ("", "list"): reading.list_,
    ("", "watch"): watch,
    ("", "create"): create,
    ("", "update"): update,
    ("", "patch"): patch,
    ("", "delete"): delete,
    ("", "deletecollection"): delete_collection,
    ("status", "get"): reading.get,
    ("status", "update"): update,
    ("status", "patch"): patch,
    ("scale", "get"): get_scale,
    ("scale", "update"): update_scale,
    ("scale", "patch"): patch_scale,
    ("binding", "create"): bind,
    ("eviction", "create"): evict,
    ("finalize", "update"): finalize,
    ("ephemeralcontainers", "get"): reading.get,
    ("ephemeralcontainers", "update"): update_ephemeral,
    ("ephemeralcontainers", "patch"): patch_ephemeral,
}

# What is computed and not stored has verbs of its own, by resource and verb.
_COMPUTED: dict[tuple[Resource, str], Verb] = {
    (NODEMETRICS, "get"): metrics.get_node,
    (NODEMETRICS, "list"): metrics.list_nodes,
    (PODMETRICS, "get"): metrics.get_pod,
    (PODMETRICS, "list"): metrics.list_pods,
}


async def handle(backend: Backend, request: Request) -> Answer | Stream:
    """Answers a request whose sender is known; raises StatusError."""
    authorize(request)
    verb = _COMPUTED.get((request.resource, request.verb))
    verb = verb or _VERBS.get((request.subresource, request.verb))
    if verb is None:
        raise status.no_such_path()
    try:
        return tabulated(request, await verb(backend, request))
    except RecursionError:
        raise status.bad_request("the object is nested too deeply") from None
