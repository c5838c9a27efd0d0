"""The chain of every request, step by step:

    TLS             tls             who may speak at all; whose certificate it is
    authentication  authentication  who is asking                        401
    impersonation   impersonation   as whom                              403
    (in flight)     http.in_flight  is there room                        429
    authorization   authorization   may they                             403
    admission       admission       what the cluster adds and refuses    403, 404
    validation      validation      does it make sense                   400, 422
    store           registry        the verb itself                      404, 409

The connection is known before, so TLS and room are the listener's; admission and validation happen
inside the verbs that write, since they need what is there already. Whatever a client sends ends as
an answer or as a StatusError; only a bug ends as anything else.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from labctl.api import status
from labctl.api.conversion import View, view_of
from labctl.api.kinds.core import COMPONENTSTATUSES
from labctl.api.kinds.metrics import NODEMETRICS, PODMETRICS
from labctl.api.resource import Resource
from labctl.apiserver.answers import Answer, Stream
from labctl.apiserver.authentication import Credentials, authenticate
from labctl.apiserver.directives import check_directives
from labctl.apiserver.forms import in_form
from labctl.apiserver.impersonation import impersonate
from labctl.apiserver.metrics import verbs as metrics
from labctl.apiserver.registry import reading
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.binding import bind
from labctl.apiserver.registry.components import get_component, list_components
from labctl.apiserver.registry.create import create
from labctl.apiserver.registry.deletion import delete, delete_collection
from labctl.apiserver.registry.ephemeral import patch_ephemeral, update_ephemeral
from labctl.apiserver.registry.eviction import evict
from labctl.apiserver.registry.finalize import finalize
from labctl.apiserver.registry.patch import patch
from labctl.apiserver.registry.scale import get_scale, patch_scale, update_scale
from labctl.apiserver.registry.token import request_token
from labctl.apiserver.registry.update import update
from labctl.apiserver.registry.views import through_view
from labctl.apiserver.registry.watching import watch
from labctl.apiserver.request import Identity, Request
from labctl.apiserver.reviews import REVIEWS

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
    ("approval", "get"): reading.get,
    ("approval", "update"): update,
    ("approval", "patch"): patch,
    ("scale", "get"): get_scale,
    ("scale", "update"): update_scale,
    ("scale", "patch"): patch_scale,
    ("binding", "create"): bind,
    ("eviction", "create"): evict,
    ("finalize", "update"): finalize,
    ("token", "create"): request_token,
    ("ephemeralcontainers", "get"): reading.get,
    ("ephemeralcontainers", "update"): update_ephemeral,
    ("ephemeralcontainers", "patch"): patch_ephemeral,
}

# What is computed and not stored has verbs of its own, by resource and verb.
_COMPUTED: dict[tuple[Resource, str], Verb] = {
    **{(resource, "create"): review for resource, review in REVIEWS.items()},
    (NODEMETRICS, "get"): metrics.get_node,
    (NODEMETRICS, "list"): metrics.list_nodes,
    (PODMETRICS, "get"): metrics.get_pod,
    (PODMETRICS, "list"): metrics.list_pods,
    (COMPONENTSTATUSES, "get"): get_component,
    (COMPONENTSTATUSES, "list"): list_components,
}

_CHANGING = frozenset({"update", "patch"})


async def identify(
    backend: Backend, credentials: Credentials, headers: Iterable[tuple[str, str]]
) -> Identity:
    """Who is asking, and as whom; raises 400, 401, 403."""
    user = await authenticate(backend.tokens, credentials)
    return await impersonate(backend.authorizer, user, headers)


async def handle(backend: Backend, request: Request) -> Answer | Stream:
    """Answers a request whose sender is known; raises StatusError."""
    await backend.authorizer.authorize(request)
    return await answer(backend, request)


async def answer(backend: Backend, request: Request) -> Answer | Stream:
    """Answers a request that its sender may make; raises StatusError."""
    check_directives(request)
    verb = _COMPUTED.get((request.resource, request.verb))
    verb = verb or _VERBS.get((request.subresource, request.verb))
    if verb is None:
        raise status.no_such_path()
    view = view_of(request.resource)
    try:
        run = partial(through_view, verb, view=view) if view else verb
        work = partial(run, backend, request)
        return in_form(request, await backend.turns.take(_size(backend, request, view), work))
    except RecursionError:
        raise status.bad_request("the object is nested too deeply") from None


def _size(backend: Backend, request: Request, view: View | None) -> int:
    """Bytes that have to be worked on: those that were sent, and those that are to be changed."""
    size = len(request.body) if isinstance(request.body, bytes) else 0
    if request.name and request.verb in _CHANGING:
        resource = view.stored if view else request.resource
        entry = backend.cache.get(resource, request.namespace, request.name)
        size += len(entry.value) if entry else 0
    return size
