"""Server-side apply: a PATCH that says what a manager wants, and of which the server makes the rest.

What is not there is created. Merging and conflicts are labctl.api.managed; here a request becomes
a configuration, and its outcome an answer.
"""

from functools import partial
from typing import Any

from labctl.api import causes, status
from labctl.api.managed import (
    APPLY,
    Conflict,
    Conflicts,
    NoElement,
    apply,
    first_problem,
    type_of,
)
from labctl.api.objects import Obj, now, without_nulls
from labctl.api.resource import Resource
from labctl.api.validation import shape_problems
from labctl.apiserver.answers import Plain, Stored
from labctl.apiserver.decoding import decode_configuration
from labctl.apiserver.directives import is_forced, validation_mode
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.metadata import check_location
from labctl.apiserver.registry.ownership import entries_of, manager, with_entries
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.registry.update import answer, change_object, create_named
from labctl.apiserver.registry.warnings import notes, unevaluated
from labctl.apiserver.request import Request
from labctl.errors import StatusError

_ATTEMPTS = 5  # of creating what others delete, or changing what others create, in between


async def apply_object(backend: Backend, request: Request) -> Stored | Plain:
    """PATCH of a configuration: 200, or 201 if it was not there; raises 400, 403, 404, 409, 422."""
    config, warnings = _in_stored_form(request)
    for _ in range(_ATTEMPTS):
        try:
            outcome = await change_object(
                backend, request, partial(applied, request, config), own=as_candidate
            )
            return answer(outcome, [*warnings, *unevaluated(request.resource, config)])
        except StatusError as error:
            if error.code != 404 or request.subresource:
                raise
        try:
            return await _create(backend, request, config, warnings)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
    raise status.conflict(request.resource, request.name)


def _in_stored_form(request: Request) -> tuple[Obj, list[str]]:
    view = request.view
    config, warnings = read_configuration(request, view.resource if view else request.resource)
    return view.kept(config) if view else config, warnings


def read_configuration(request: Request, resource: Resource) -> tuple[Obj, list[str]]:
    """What a request wants to be applied to a `resource`, and warnings; raises 400."""
    config, repeated = decode_configuration(request)
    version = config.get("apiVersion")
    if (version, config.get("kind")) != (resource.api_version, resource.kind):
        raise status.bad_request(f"invalid object type: {version}, Kind={config.get('kind')}")
    metadata = config.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise _untyped(request, ".metadata: expected map")
    if metadata.get("managedFields") is not None:
        raise status.bad_request("metadata.managedFields must be nil")
    check_location(request, without_nulls(metadata))
    types = shape_problems(resource, config).types
    problem = "; ".join(map(str, types)) or first_problem(type_of(resource), config)
    if problem:
        raise _untyped(request, problem)
    mode = validation_mode(request)
    if repeated and mode == "Strict":
        raise status.bad_request(f"error strict decoding YAML: {', '.join(repeated)}")
    return {**config, "metadata": metadata}, [] if mode == "Ignore" else repeated


def _untyped(request: Request, problem: str) -> StatusError:
    resource = request.resource
    place = f"{request.namespace}/{request.name}; {resource.api_version}, Kind={resource.kind}"
    return status.bad_request(f"failed to create typed patch object ({place}): {problem}")


def applied(request: Request, config: Obj, live: Obj) -> Obj:
    """The object, or {} for none, with the configuration and the entries of everybody's fields."""
    entries = entries_of(live) if live else []
    try:
        made = apply(
            type_of(request.resource),
            live,
            entries,
            _writable(request, config),
            manager(request, APPLY),
            now(),
            is_forced(request),
        )
    except Conflicts as error:
        raise conflicts(error.conflicts) from None
    except NoElement as error:
        raise status.bad_request(f"failed to create typed live object: {error}") from None
    # A null that a custom kind's schema allows is a value; all others mean that nothing is there.
    obj: Obj = without_nulls(made.obj) if request.resource.custom is None else made.obj
    return with_entries({**obj, "metadata": obj.get("metadata") or {}}, made.entries)


def _writable(request: Request, config: Obj) -> Obj:
    """The part of a configuration that a request can write."""
    strategy = strategy_of(request.resource)
    if not request.writes_status:
        return {name: value for name, value in config.items() if name not in strategy.reset}
    kept: Obj = {name: config[name] for name in ("apiVersion", "kind", "status") if name in config}
    noted = config["metadata"].get("annotations")
    if strategy.annotations_count and noted:
        kept["metadata"] = {"annotations": noted}
    version = config["metadata"].get("resourceVersion")
    if version:
        kept["metadata"] = {**kept.get("metadata", {}), "resourceVersion": version}
    return kept


def as_candidate(new: Obj, candidate: Obj, _: Obj) -> Obj:
    """The object with the entries that came of applying."""
    return with_entries(new, entries_of(candidate))


async def _create(backend: Backend, request: Request, config: Obj, warnings: list[str]) -> Stored:
    uid = config["metadata"].get("uid")
    if uid or config["metadata"].get("resourceVersion"):
        why = (
            f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            if uid
            else "the provided object specified a resourceVersion, and no existing object was found"
        )
        raise status.conflict(request.resource, request.name, why)
    candidate = applied(request, config, {})
    entries = entries_of(candidate)
    entry = await create_named(backend, request, candidate, lambda new: with_entries(new, entries))
    return Stored(entry, 201, [*warnings, *notes(request.resource, candidate)])


def conflicts(found: list[Conflict]) -> StatusError:
    """409 with a cause for each field, in the words by which kubectl's users know them."""
    told = found[: causes.MOST]
    listed = [
        causes.Cause(one.field, "FieldManagerConflict", f"conflict with {one.manager}")
        for one in told
    ]
    if len(found) == 1:
        (one,) = found
        sentence = f"1 conflict: conflict with {one.manager}: {one.field}"
    else:
        sentence = f"{len(found)} conflicts: " + "\n".join(_by_manager(told))
    return status.apply_conflict(f"Apply failed with {sentence}", listed)


def _by_manager(found: list[Conflict]) -> list[str]:
    lines: list[Any] = []
    for name in sorted({str(one.manager) for one in found}):
        lines.append(f"conflicts with {name}:")
        lines += [f"- {one.field}" for one in found if str(one.manager) == name]
    return lines
