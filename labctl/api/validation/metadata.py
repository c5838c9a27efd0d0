"""The rules of metadata, the same for every kind (apimachinery/pkg/api/validation/objectmeta.go)."""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.validation import names, terms

MAX_ANNOTATIONS = 256 * 1024  # bytes, keys and values together
_KEPT = ("name", "namespace", "uid", "creationTimestamp")


def check_metadata(resource: Resource, obj: Obj) -> Iterator[Cause]:
    metadata = obj.get("metadata") or {}
    yield from _name(resource, metadata)
    yield from _namespace(resource, metadata)
    yield from terms.labels(metadata.get("labels"), "metadata.labels")
    if "annotations" in metadata:
        yield from _annotations(metadata["annotations"])
    if "ownerReferences" in metadata:
        yield from _owners(metadata["ownerReferences"])
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        yield from terms.named(names.qualified, finalizer, f"metadata.finalizers[{index}]")


def _name(resource: Resource, metadata: Obj) -> Iterator[Cause]:
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if prefix:
        for problem in names.generate_name(resource.name_rule, prefix):
            yield causes.invalid("metadata.generateName", prefix, problem)
    if name:
        for problem in names.object_name(resource.name_rule, name):
            yield causes.invalid("metadata.name", name, problem)
    elif not prefix:
        yield causes.required("metadata.name", "name or generateName is required")


def _namespace(resource: Resource, metadata: Obj) -> Iterator[Cause]:
    namespace = metadata.get("namespace")
    if not resource.namespaced:
        if namespace:
            yield causes.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        yield causes.required("metadata.namespace")
    else:
        for problem in names.label(namespace):
            yield causes.invalid("metadata.namespace", namespace, problem)


def _annotations(annotations: dict[str, str]) -> Iterator[Cause]:
    size = 0
    for key, value in annotations.items():
        size += len(key.encode()) + len(value.encode())
        for problem in names.qualified(key.lower()):
            yield causes.invalid("metadata.annotations", key, problem)
    if size > MAX_ANNOTATIONS:
        yield causes.too_long("metadata.annotations", MAX_ANNOTATIONS)


def _owners(owners: list[Obj]) -> Iterator[Cause]:
    controllers = [owner.get("name", "") for owner in owners if owner.get("controller")]
    for index, owner in enumerate(owners):
        yield from _owner(owner, f"metadata.ownerReferences[{index}]")
    if len(controllers) > 1:
        yield causes.invalid(
            "metadata.ownerReferences",
            owners,
            "Only one reference can have Controller set to true. "
            f'Found "true" in references for {controllers[0]} and {controllers[1]}',
        )


def _owner(owner: Obj, path: str) -> Iterator[Cause]:
    for member in ("apiVersion", "kind", "name", "uid"):
        if owner.get(member) == "":
            yield causes.invalid(f"{path}.{member}", "", "must not be empty")
    if owner.get("kind") == "Event":
        sentence = f"{owner.get('apiVersion')}, Kind=Event is disallowed from being an owner"
        yield causes.invalid(path, "Event", sentence)


def check_metadata_update(new: Obj, old: Obj) -> Iterator[Cause]:
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    for member in _KEPT:
        if member not in after:
            continue  # the server fills it in from what is stored
        yield from terms.unchanged(after.get(member), before.get(member), f"metadata.{member}")
