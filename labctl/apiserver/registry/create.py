"""Create: a new object, or a second try under another name where the server chose the name."""

from collections.abc import Callable
from functools import partial

from labctl.api import status
from labctl.api.defaults import set_defaults
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.answers import Stored
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.metadata import check_location, new_metadata
from labctl.apiserver.registry.ownership import owned_creation
from labctl.apiserver.registry.strategies import Strategy, strategy_of
from labctl.apiserver.registry.warnings import notes
from labctl.apiserver.request import Request
from labctl.apiserver.validation import check_rules, shaped
from labctl.apiserver.watchcache.entry import Entry, stored_form
from labctl.errors import StatusError
from labctl.store import Conflict

_NAME_ATTEMPTS = 8  # as kube-apiserver since 1.30

Own = Callable[[Obj], Obj]
"""Says in an object who made it."""


async def create(backend: Backend, request: Request) -> Stored:
    """201 with the object as it was stored; raises 400, 403, 404, 409, 415, 422."""
    sent = decode_object(request)
    check_location(request, sent["metadata"])
    sent, warnings = shaped(request, sent)
    entry = await create_object(backend, request, sent)
    return Stored(entry, 201, [*warnings, *notes(request.resource, sent)])


async def create_object(
    backend: Backend, request: Request, sent: Obj, own: Own | None = None
) -> Entry:
    """Takes an object of the right shape through defaults, admission and rules into the store."""
    strategy = strategy_of(request.resource)
    own = own or partial(owned_creation, request, strategy)
    circumstances = backend.circumstances(request, "CREATE")
    chosen = not sent["metadata"].get("name")
    for attempt in range(1, _NAME_ATTEMPTS + 1):
        obj = own(_prepared(request, strategy, sent))
        obj = await _admitted(backend, circumstances, strategy, obj)
        try:
            with backend.admission.charge(circumstances, obj) as charge:
                entry = await _stored(backend, request, strategy, obj)
                charge.written(entry.revision)
                return entry
        except Conflict:
            if not chosen or attempt == _NAME_ATTEMPTS:
                raise status.already_exists(request.resource, obj["metadata"]["name"]) from None
    raise AssertionError("unreachable")


async def _admitted(
    backend: Backend, circumstances: Circumstances, strategy: Strategy, obj: Obj
) -> Obj:
    """The object as it may be stored.

    What admission misses (a namespace, an account) may be on its way into the cache: before
    anything is refused for that, the newest state is at hand.
    """
    try:
        return _ruled(backend, circumstances, strategy, obj)
    except StatusError as error:
        if error.code not in {403, 404}:
            raise
    await backend.cache.fresh()
    return _ruled(backend, circumstances, strategy, obj)


def _prepared(request: Request, strategy: Strategy, sent: Obj) -> Obj:
    """The object with what the server fills in, before anything is added by admission."""
    metadata = new_metadata(request, sent["metadata"], generation=strategy.has_generation)
    return strategy.completed(set_defaults(request.resource, {**sent, "metadata": metadata}))


def _ruled(backend: Backend, circumstances: Circumstances, strategy: Strategy, obj: Obj) -> Obj:
    obj = strategy.new(backend.admission.admit(circumstances, obj))
    check_rules(strategy.resource, obj, None)
    return obj


async def _stored(backend: Backend, request: Request, strategy: Strategy, obj: Obj) -> Entry:
    metadata = obj["metadata"]
    resource, namespace = request.resource, metadata.get("namespace", "")
    key = resource.key(namespace, metadata["name"])
    if not request.dry_run:
        return await backend.commit(resource, key, 0, obj, strategy.ttl)
    await backend.cache.fresh()
    present = backend.cache.get(resource, namespace, metadata["name"])
    if present is not None:
        raise Conflict(key, None)
    return Entry(key, stored_form(obj), 0, obj)
