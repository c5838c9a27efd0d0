"""Delete: at once, or gracefully, or when the last finalizer goes.

A pod on a node is marked and stays until its node reports it gone (a DELETE with grace 0). An
object with finalizers is marked and goes with the update that takes the last one away; the
propagation policies Foreground and Orphan are finalizers that the garbage collector serves.
A namespace is marked and goes when its contents are gone, a CustomResourceDefinition when the
objects of its kind are. Marks only tighten: a deletion cannot be
taken back, nor its grace be prolonged. As k8s.io/apiserver/pkg/registry/rest BeforeDelete.
"""

import time
from collections.abc import Callable, Sequence

from labctl.api import status
from labctl.api.custom.definition import CLEANUP, TERMINATING
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.kinds.core import NAMESPACES, PODS
from labctl.api.objects import Obj, format_time, is_deleting, now, parse_time, set_condition
from labctl.api.resource import Resource
from labctl.apiserver.answers import Listing, Plain
from labctl.apiserver.registry import pods
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import Make, is_released
from labctl.apiserver.registry.options import DeleteOptions, read_options
from labctl.apiserver.registry.reading import matching_entries
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.request import Request, Target
from labctl.apiserver.watchcache.entry import Entry
from labctl.errors import StatusError
from labctl.store import Conflict

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"
_ATTEMPTS = 100


async def delete(backend: Backend, request: Request) -> Plain:
    """200 with the object as it is now, or with a Status if it is gone; raises 404, 409."""
    return await delete_object(backend, request, read_options(request))


async def delete_object(
    backend: Backend, request: Request, options: DeleteOptions, last_words: Make = lambda obj: obj
) -> Plain:
    """Deletes what a request names, in the way of `options`.

    `last_words` is what the object shall say where it stays for a while, marked.
    """
    for _ in range(_ATTEMPTS):
        entry = await backend.read(request.resource, request.namespace, request.name)
        _check_preconditions(request.resource, entry, options)
        backend.admission.admit(
            backend.circumstances(request, "DELETE", entry.object), entry.object
        )
        try:
            return await _delete_version(backend, request.resource, entry, options, last_words)
        except Conflict:
            continue
    raise status.conflict(request.resource, request.name)


async def delete_collection(backend: Backend, request: Request) -> Listing:
    """Deletes everything that the selectors match, each on its own; answers with what that was."""
    options = read_options(request)
    await backend.cache.fresh()
    entries = matching_entries(backend, request)
    for entry in entries:
        target = Target(request.resource, entry.namespace, entry.name)
        one = Request("delete", target, request.user, request.query)
        try:
            await delete_object(backend, one, options)
        except StatusError as error:
            if error.code not in {404, 409}:
                raise
    return Listing(request.resource, backend.cache.revision, entries)


async def _delete_version(
    backend: Backend,
    resource: Resource,
    entry: Entry,
    options: DeleteOptions,
    last_words: Make,
) -> Plain:
    marked = marked_for_deletion(resource, last_words(entry.object), options)
    if is_released(marked):
        if not options.dry_run:
            entry = await backend.remove(entry)
        return _gone(resource, entry)
    if marked is entry.object or options.dry_run:
        return Plain(marked)
    entry = await backend.commit(resource, entry.key, entry.revision, marked, 0)
    return Plain(entry.object)


def marked_for_deletion(resource: Resource, obj: Obj, options: DeleteOptions) -> Obj:
    """The object with the marks of its deletion; `obj` itself if it bears them already."""
    grace = pods.grace_seconds(obj, options.grace) if resource is PODS else 0
    metadata = obj["metadata"]
    marks: Obj = {}
    finalizers = _finalizers(metadata.get("finalizers") or (), options)
    if finalizers != list(metadata.get("finalizers") or ()):
        marks["finalizers"] = finalizers
    if not is_deleting(obj):
        marks["deletionTimestamp"] = format_time(time.time() + grace) if grace else now()
        marks["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            marks["generation"] = metadata["generation"] + 1
    elif grace < (metadata.get("deletionGracePeriodSeconds") or 0):
        marks |= _sooner(metadata, grace)
    if not marks:
        return obj
    marked = {**obj, "metadata": {**metadata, **marks}}
    if is_deleting(obj):
        return marked
    end = _ENDS.get(resource)
    return marked if end is None else end(marked)


def _sooner(metadata: Obj, grace: int) -> Obj:
    """Marks that shorten a deletion under way to end `grace` seconds after it was asked for."""
    begun = parse_time(metadata["deletionTimestamp"]) - metadata["deletionGracePeriodSeconds"]
    return {
        "deletionTimestamp": format_time(begun + grace),
        "deletionGracePeriodSeconds": grace,
    }


def _finalizers(present: Sequence[str], options: DeleteOptions) -> list[str]:
    """The finalizers with those of the propagation policy, if the client named one."""
    if not options.propagation:
        return list(present)
    wanted = {"Foreground": _FOREGROUND, "Orphan": _ORPHAN}.get(options.propagation)
    kept = [f for f in present if f not in {_FOREGROUND, _ORPHAN} or f == wanted]
    return kept if wanted is None or wanted in kept else [*kept, wanted]


def _terminating(namespace: Obj) -> Obj:
    return {**namespace, "status": {**(namespace.get("status") or {}), "phase": "Terminating"}}


def _held_for_cleanup(crd: Obj) -> Obj:
    """A definition stays until all objects of its kind are gone."""
    metadata, state = crd["metadata"], crd.get("status") or {}
    held = [*(metadata.get("finalizers") or ()), CLEANUP]
    conditions = set_condition(
        state.get("conditions") or (), TERMINATING, "True", "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    )  # fmt: skip
    return {
        **crd,
        "metadata": {**metadata, "finalizers": list(dict.fromkeys(held))},
        "status": {**state, "conditions": conditions},
    }


# What else a deletion does to an object when it begins.
_ENDS: dict[Resource, Callable[[Obj], Obj]] = {
    NAMESPACES: _terminating,
    CUSTOMRESOURCEDEFINITIONS: _held_for_cleanup,
}


def _check_preconditions(resource: Resource, entry: Entry, options: DeleteOptions) -> None:
    metadata = entry.object["metadata"]
    for wanted, present, what in (
        (options.uid, metadata["uid"], "UID"),
        (options.resource_version, metadata["resourceVersion"], "ResourceVersion"),
    ):
        if wanted and wanted != present:
            why = (
                f"Precondition failed: {what} in precondition: {wanted}, "
                f"{what} in object meta: {present}"
            )
            raise status.conflict(resource, metadata["name"], why)


def _gone(resource: Resource, entry: Entry) -> Plain:
    if strategy_of(resource).returns_deleted:
        return Plain(entry.object)
    metadata = entry.object["metadata"]
    details = {"name": metadata["name"], "kind": resource.plural, "uid": metadata["uid"]}
    if resource.group:
        details["group"] = resource.group
    return Plain(status.success(details))
