"""The subresource binding: a pod gets its node, once."""

from typing import Any

from labctl.api import causes, status
from labctl.api.kinds.core import BINDINGS, PODS
from labctl.api.objects import Obj, is_deleting
from labctl.apiserver.answers import Plain
from labctl.apiserver.decoding import decode_body, of_kind
from labctl.apiserver.registry import pods
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import change
from labctl.apiserver.registry.metadata import check_identity
from labctl.apiserver.request import Request
from labctl.errors import StatusError


async def bind(backend: Backend, request: Request) -> Plain:
    """201 once the pod has the node; raises 400, 404, 409 (bound, deleting, another uid), 422."""
    binding = of_kind(BINDINGS, decode_body(request, BINDINGS))
    metadata = _mapping(binding, "metadata")
    name = _pod_name(request, metadata)
    node = _node(name, _mapping(binding, "target"))
    annotations = _mapping(metadata, "annotations")

    def make(pod: Obj) -> Obj:
        check_identity(PODS, {"uid": metadata.get("uid")}, pod["metadata"])
        _check_free(pod)
        return pods.bound(pod, node, annotations)

    await change(backend, request, name, make)
    return Plain(status.success(), 201)


def _pod_name(request: Request, metadata: Obj) -> str:
    name = request.name or metadata.get("name")
    if not isinstance(name, str) or not name:
        raise status.bad_request("Binding: metadata.name must name a pod")
    if metadata.get("name", name) != name:
        raise status.bad_request("name in URL does not match name in Binding object")
    return name


def _node(name: str, target: Obj) -> str:
    kind, node = target.get("kind") or "Node", target.get("name")
    if kind not in {"Node", "Minion"}:
        cause = causes.not_supported("target.kind", kind, ["Node", "<empty>"])
    elif not isinstance(node, str) or not node:
        cause = causes.required("target.name")
    else:
        return node
    raise status.invalid(BINDINGS, name, [cause])


def _check_free(pod: Obj) -> None:
    name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
    if is_deleting(pod):
        raise _conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if node:
        raise _conflict(name, f'pod {name} is already assigned to node "{node}"')
    if pod["spec"].get("schedulingGates"):
        raise _conflict(name, f"pod {name} has non-empty .spec.schedulingGates")


def _conflict(name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on pods/binding "{name}": {why}'
    details = {"name": name, "kind": "pods/binding"}
    return status.failure(409, "Conflict", message, details)


def _mapping(obj: Obj, field: str) -> Obj:
    value: Any = obj.get(field) or {}
    if not isinstance(value, dict):
        raise status.bad_request(f"Binding: {field} must be an object")
    return value
