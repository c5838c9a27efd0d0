"""The part of metadata that the server owns: identity, times, generation; at create and update."""

import random
import uuid
from typing import Any

from labctl.api import causes, status
from labctl.api.objects import Obj, now
from labctl.api.resource import Resource
from labctl.apiserver.request import Request

# No vowels, so that no words come out; no 0, 1, 3: as k8s.io/apimachinery/pkg/util/rand.
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_EMPTY: tuple[Any, ...] = ([], {})
_NAME_BASE = 63 - _SUFFIX_LENGTH

# Set by the server alone; what a client sends in these is dropped or must agree.
_SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NOT_CLIENTS = frozenset({*_SERVER_FIELDS, "namespace"})


def new_metadata(request: Request, metadata: Obj, *, generation: bool) -> Obj:
    """The metadata of an object that is created; raises 400, 422."""
    if metadata.get("resourceVersion"):
        raise status.bad_request("resourceVersion should not be set on objects to be created")
    own: Obj = {"name": _new_name(request.resource, metadata)}
    if metadata.get("generateName"):
        own["generateName"] = metadata["generateName"]
    if request.resource.namespaced:
        own["namespace"] = _namespace(request, metadata)
    own["uid"] = str(uuid.uuid4())
    if generation:
        own["generation"] = 1
    own["creationTimestamp"] = now()
    return {**own, **_clients(metadata), **own}


def updated_metadata(new: Obj, old: Obj) -> Obj:
    """The metadata of an object that is replaced: the client's, under the server's own fields."""
    kept = {k: old[k] for k in ("name", "namespace", "generateName", *_SERVER_FIELDS) if k in old}
    return {**kept, **_clients(new), **kept}


def check_location(request: Request, metadata: Obj) -> None:
    """Raises 400 where the object's name or namespace is not that of the path."""
    if request.name and metadata.get("name", request.name) != request.name:
        raise status.bad_request(
            f"the name of the object ({metadata['name']}) does not match "
            f"the name on the URL ({request.name})"
        )
    if request.resource.namespaced:
        _namespace(request, metadata)


def check_identity(resource: Resource, candidate: Obj, old: Obj) -> None:
    """Raises 409 if a client means another version, or another object, than the one there is."""
    version, present = candidate.get("resourceVersion"), old["resourceVersion"]
    if version and version != present:
        raise status.conflict(resource, old["name"])
    uid = candidate.get("uid")
    if uid and uid != old["uid"]:
        raise status.conflict(
            resource,
            old["name"],
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}",
        )


def check_versioned(request: Request, candidate: Obj) -> None:
    """Raises 422 where the version to be replaced is not named."""
    if candidate.get("resourceVersion"):
        return
    # In the words of Go's registry.Store, which names the resource here and not the kind.
    resource, sentence = request.resource, "Invalid value: 0x0: must be specified for an update"
    cause = causes.Cause("metadata.resourceVersion", "FieldValueInvalid", sentence)
    error = status.invalid(resource, request.name, [cause])
    message = f'{resource.qualified} "{request.name}" is invalid: {cause}'
    raise status.failure(422, "Invalid", message, error.status["details"])


def check_finalizers(resource: Resource, new: Obj, old: Obj) -> None:
    """Raises 422 where a finalizer is added to an object that is being deleted."""
    if "deletionTimestamp" not in old:
        return
    added = [f for f in new.get("finalizers", ()) if f not in old.get("finalizers", ())]
    if added:
        names = ", ".join(causes.shown(finalizer) for finalizer in added)
        detail = (
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{names}}}"
        )
        cause = causes.forbidden("metadata.finalizers", detail)
        raise status.invalid(resource, old["name"], [cause])


def generated_name(base: str) -> str:
    """A name that begins with `base`, cut so that the whole fits a label."""
    suffix = "".join(random.choices(_SUFFIX_ALPHABET, k=_SUFFIX_LENGTH))  # noqa: S311
    return base[:_NAME_BASE] + suffix


def _new_name(resource: Resource, metadata: Obj) -> str:
    name: Any = metadata.get("name")
    if isinstance(name, str) and name:
        return name
    base: Any = metadata.get("generateName")
    if isinstance(base, str) and base:
        return generated_name(base)
    cause = causes.required("metadata.name", "name or generateName is required")
    raise status.invalid(resource, "", [cause])


def _namespace(request: Request, metadata: Obj) -> str:
    if not request.namespace:
        raise status.bad_request("an empty namespace may not be set during creation")
    if metadata.get("namespace", request.namespace) != request.namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return request.namespace


def _clients(metadata: Obj) -> Obj:
    """The client's own part; an empty list or map is none, as in Go's `omitempty`, but for
    managedFields, where it is the wish that nobody manage anything.
    """
    return {
        k: v
        for k, v in metadata.items()
        if k not in _NOT_CLIENTS and (v not in _EMPTY or k == "managedFields")
    }
