"""Update and patch, of objects and of their status: PUT brings the new state, PATCH makes it."""

from collections.abc import Sequence

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
    updated_metadata,
)
from labctl.apiserver.registry.patching import read_patch
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.registry.warnings import unevaluated
from labctl.apiserver.request import Request
from labctl.apiserver.validation import check_rules, check_shape
from labctl.errors import StatusError

# Subresources that write an object's status, each with a permission of its own.
_OF_STATUS = frozenset({"status", "approval"})


async def update(backend: Backend, request: Request) -> Stored | Plain:
    """PUT of an object or its status; raises 400, 403, 404, 409, 415, 422."""
    sent = decode_object(request)
    check_location(request, sent["metadata"])
    warnings = [*check_shape(request, sent), *unevaluated(request.resource, sent)]
    strategy = strategy_of(request.resource)
    try:
        outcome = await change_object(backend, request, lambda _: sent)
    except StatusError as error:
        if error.code != 404 or not strategy.create_on_update or request.subresource:
            raise
        named = {**sent, "metadata": {**sent["metadata"], "name": request.name}}
        return Stored(await create_object(backend, request, named), 201, warnings)
    return answer(outcome, warnings)


async def patch(backend: Backend, request: Request) -> Stored | Plain:
    """PATCH of an object or its status; raises what `update` raises."""
    apply = _patch_in_its_form(request)
    warnings: list[str] = []

    def make(old: Obj) -> Obj:
        patched = apply(old)
        check_location(request, patched["metadata"])
        warnings[:] = [*check_shape(request, patched), *unevaluated(request.resource, patched)]
        return patched

    return answer(await change_object(backend, request, make), warnings)


def _patch_in_its_form(request: Request) -> Make:
    """What the patch does to a stored object, where it is written for another form of it too."""
    view = request.view
    if view is None:
        return read_patch(request, request.resource)
    apply, shown, kept = read_patch(request, view.resource), view.shown, view.kept
    return lambda old: kept(apply(shown(old)))


async def change_object(backend: Backend, request: Request, make: Make) -> Outcome:
    """Changes the object that a request names to what `make` returns, within the rules."""

    def ruled(old: Obj) -> Obj:
        return _ruled(backend, request, make(old), old)

    return await change(backend, request, request.name, ruled)


def answer(outcome: Outcome, warnings: Sequence[str] = ()) -> Stored | Plain:
    """200 with the object; what was only tried, or is gone, has no stored form."""
    if outcome.entry.value and not outcome.removed:
        return Stored(outcome.entry, 200, warnings)
    return Plain(outcome.entry.object, 200, warnings)


def _ruled(backend: Backend, request: Request, candidate: Obj, old: Obj) -> Obj:
    """What a candidate for the place of `old` becomes: server's fields, admission, rules."""
    resource = request.resource
    check_identity(resource, candidate["metadata"], old["metadata"])
    strategy = strategy_of(resource)
    if request.subresource in _OF_STATUS:
        new = strategy.with_status(candidate, old)
        new = new if resource.custom is None else set_defaults(resource, new)
    else:
        metadata = updated_metadata(candidate["metadata"], old["metadata"])
        check_finalizers(resource, metadata, old["metadata"])
        new = set_defaults(resource, {**candidate, "metadata": metadata})
    new = backend.admission.admit(backend.circumstances(request, "UPDATE", old), new)
    if request.subresource not in _OF_STATUS:
        new = strategy.changed(new, old)
    check_rules(resource, new, old)
    return new
