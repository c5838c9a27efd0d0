"""The subresource scale: how many replicas are wanted, of any kind that has replicas, as one type."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from labctl.api import causes, status
from labctl.api.objects import Obj, without_nulls
from labctl.api.resource import Resource
from labctl.api.selectors import from_object
from labctl.apiserver.answers import Plain
from labctl.apiserver.decoding import decode_body, of_kind
from labctl.apiserver.directives import is_apply
from labctl.apiserver.registry.applying import applied, as_candidate, read_configuration
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import Make
from labctl.apiserver.registry.metadata import check_location
from labctl.apiserver.registry.ownership import owned_change
from labctl.apiserver.registry.patching import read_patch
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.registry.update import change_object
from labctl.apiserver.request import Request, Target
from labctl.apiserver.validation import shaped

SCALES = Resource("autoscaling", "v1", "Scale", "scales", namespaced=True)


async def get_scale(backend: Backend, request: Request) -> Plain:
    entry = await backend.read(request.resource, request.namespace, request.name)
    return Plain(scale_of(request.resource, entry.object))


async def update_scale(backend: Backend, request: Request) -> Plain:
    """PUT of a Scale; its resourceVersion, if given, must be that of the object."""
    sent, _ = shaped(request, of_kind(SCALES, decode_body(request, SCALES)), SCALES)
    sent = _checked(request, sent)
    return await _change(backend, request, lambda _: sent)


async def patch_scale(backend: Backend, request: Request) -> Plain:
    if is_apply(request):
        return await _apply_scale(backend, request)
    apply = read_patch(request, SCALES)
    return await _change(backend, request, lambda scale: _checked(request, apply(scale)[0]))


async def _change(backend: Backend, request: Request, make_scale: Make) -> Plain:
    strategy = strategy_of(request.resource)

    def make(old: Obj) -> Obj:
        return _scaled(request.resource, old, make_scale(scale_of(request.resource, old)))

    def own(new: Obj, _: Obj, old: Obj) -> Obj:
        return owned_change(request, strategy, new, old)

    outcome = await change_object(backend, _of_object(request), make, own)
    return Plain(scale_of(request.resource, outcome.entry.object))


async def _apply_scale(backend: Backend, request: Request) -> Plain:
    """A Scale as a configuration is one of the replicas of its object."""
    sent, warnings = read_configuration(request, SCALES)
    _checked(request, without_nulls(sent))
    metadata, spec = sent["metadata"], sent.get("spec") or {}
    config = {"metadata": {k: metadata[k] for k in ("resourceVersion", "uid") if k in metadata}}
    if "replicas" in spec:
        config = _with(config, _Paths.of(request.resource).wanted, spec["replicas"])
    make = partial(applied, request, config)
    outcome = await change_object(backend, _of_object(request), make, as_candidate)
    return Plain(scale_of(request.resource, outcome.entry.object), 200, warnings)


def _of_object(request: Request) -> Request:
    """The request, as one for the object that is scaled."""
    target = Target(request.resource, request.namespace, request.name)
    return replace(request, target=target, body=None)


@dataclass(frozen=True)
class _Paths:
    """Where an object of a kind has what a Scale shows."""

    wanted: tuple[str, ...] = ("spec", "replicas")
    present: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ("spec", "selector")

    @classmethod
    def of(cls, resource: Resource) -> "_Paths":
        if resource.custom is None or resource.custom.scale is None:
            return cls()
        given = resource.custom.scale
        members = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
        return cls(*(tuple(given.get(one, "").split(".")[1:]) for one in members))


def scale_of(resource: Resource, obj: Obj) -> Obj:
    """The Scale of an object that counts replicas."""
    metadata, paths = obj["metadata"], _Paths.of(resource)
    fields = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    wanted, selector = _at(obj, paths.wanted), _at(obj, paths.selector)
    text = _text(selector) if resource.custom is not None else str(from_object(selector))
    return {
        "kind": SCALES.kind,
        "apiVersion": SCALES.api_version,
        "metadata": {field: metadata[field] for field in fields if field in metadata},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {"replicas": _at(obj, paths.present) or 0, "selector": text},
    }


def _text(selector: Any) -> str:
    """Custom objects have their selector as text, if they have one."""
    return selector if isinstance(selector, str) else ""


def _at(obj: Obj, path: tuple[str, ...]) -> Any:
    """The value at a path, None where there is none, or no path."""
    value: Any = obj if path else None
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _with(obj: Any, path: tuple[str, ...], value: Any) -> Obj:
    base = obj if isinstance(obj, dict) else {}
    first, *rest = path
    return {**base, first: _with(base.get(first), tuple(rest), value) if rest else value}


def _scaled(resource: Resource, old: Obj, scale: Obj) -> Obj:
    """The object with the replicas of a Scale, claiming the version that the Scale claims."""
    claimed = {
        k: scale["metadata"][k] for k in ("resourceVersion", "uid") if k in scale["metadata"]
    }
    replicas = scale.get("spec", {}).get("replicas", 0)
    scaled = _with(old, _Paths.of(resource).wanted, replicas)
    return {**scaled, "metadata": {**old["metadata"], **claimed}}


def _checked(request: Request, scale: Obj) -> Obj:
    """The scale, if it has the shape of one; raises 400, 422."""
    metadata, spec = scale.get("metadata") or {}, scale.get("spec") or {}
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        raise status.bad_request('Scale in version "v1" cannot be handled as a Scale')
    check_location(request, metadata)
    replicas = spec.get("replicas", 0)
    if type(replicas) is not int:
        raise status.bad_request(
            'Scale in version "v1" cannot be handled as a Scale: '
            f"spec.replicas must be an integer, not {causes.type_name(replicas)}"
        )
    if replicas < 0:
        cause = causes.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise status.invalid(SCALES, request.name, [cause])
    return {**scale, "metadata": metadata, "spec": spec}
