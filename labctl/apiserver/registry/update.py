"""Update, of objects and of their status; and what every change goes through, PATCH and scale too."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from labctl.api.defaults import set_defaults
from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain, Stored
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import Make, Outcome, change
from labctl.apiserver.registry.create import create_object
from labctl.apiserver.registry.metadata import (
    check_finalizers,
    check_identity,
    check_location,
    check_versioned,
    updated_metadata,
)
from labctl.apiserver.registry.ownership import owned_change, settled
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.registry.warnings import unevaluated
from labctl.apiserver.request import Request
from labctl.apiserver.validation import check_rules, shaped
from labctl.apiserver.watchcache.entry import Entry
from labctl.errors import StatusError

Own = Callable[[Obj, Obj, Obj], Obj]
"""Says in the first object who made it: from the third, by way of the candidate, the second."""


async def update(backend: Backend, request: Request) -> Stored | Plain:
    """PUT of an object or its status; raises 400, 403, 404, 409, 415, 422."""
    sent = decode_object(request)
    check_location(request, sent["metadata"])
    sent, doubts = shaped(request, sent)
    warnings = [*doubts, *unevaluated(request.resource, sent)]
    strategy = strategy_of(request.resource)

    def make(_: Obj) -> Obj:
        if strategy.demands_version:
            check_versioned(request, sent["metadata"])
        return sent

    try:
        outcome = await change_object(backend, request, make)
    except StatusError as error:
        if error.code != 404 or not strategy.create_on_update or request.subresource:
            raise
        return Stored(await create_named(backend, request, sent), 201, warnings)
    return answer(outcome, warnings)


async def create_named(
    backend: Backend, request: Request, sent: Obj, own: Callable[[Obj], Obj] | None = None
) -> Entry:
    """Makes what a PUT or PATCH names and is not there; raises 403 for who may not create."""
    await backend.authorizer.authorize(replace(request, verb="create"))
    named = {**sent, "metadata": {**sent["metadata"], "name": request.name}}
    return await create_object(backend, request, named, own)


async def change_object(
    backend: Backend, request: Request, make: Make, own: Own | None = None
) -> Outcome:
    """Changes the object that a request names to what `make` returns, within the rules."""

    def ruled(old: Obj) -> Obj:
        return _ruled(backend, request, make(old), old, own)

    return await change(backend, request, request.name, ruled)


def answer(outcome: Outcome, warnings: Sequence[str] = ()) -> Stored | Plain:
    """200 with the object; what was only tried, or is gone, has no stored form."""
    if outcome.entry.value and not outcome.removed:
        return Stored(outcome.entry, 200, warnings)
    return Plain(outcome.entry.object, 200, warnings)


def _ruled(backend: Backend, request: Request, candidate: Obj, old: Obj, own: Own | None) -> Obj:
    """What a candidate for the place of `old` becomes: server's fields, admission, rules."""
    resource = request.resource
    check_identity(resource, candidate["metadata"], old["metadata"])
    strategy = strategy_of(resource)
    if request.writes_status:
        new = strategy.with_status(candidate, old)
        new = new if resource.custom is None else set_defaults(resource, new)
    else:
        metadata = updated_metadata(candidate["metadata"], old["metadata"])
        check_finalizers(resource, metadata, old["metadata"])
        new = strategy.completed(set_defaults(resource, {**candidate, "metadata": metadata}))
    new = own(new, candidate, old) if own else owned_change(request, strategy, new, old)
    new = backend.admission.admit(backend.circumstances(request, "UPDATE", old), new)
    if not request.writes_status:
        new = strategy.changed(new, old)
    new = settled(new, old)
    check_rules(resource, new, old)
    return new
