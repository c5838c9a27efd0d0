"""Ingresses of networking.k8s.io/v1 and of extensions/v1beta1, which names services otherwise.

pkg/apis/networking/v1beta1/conversion.go.
"""

from collections.abc import Callable

from labctl.api.conversion.members import only, renamed
from labctl.api.defaults.fill import change, each
from labctl.api.kinds.networking import INGRESSES, INGRESSES_V1BETA1
from labctl.api.objects import Obj

_ANY = "ImplementationSpecific"


def to_older(ingress: Obj) -> Obj:
    spec = renamed(_with_backends(ingress.get("spec") or {}, _older_backend), _DEFAULT_OLDER)
    return {**ingress, "apiVersion": INGRESSES_V1BETA1.api_version, "spec": spec}


def to_v1(ingress: Obj) -> Obj:
    spec = _with_backends(renamed(ingress.get("spec") or {}, _DEFAULT_V1), _backend)
    return {**ingress, "apiVersion": INGRESSES.api_version, "spec": spec}


_DEFAULT_V1 = {"backend": "defaultBackend"}
_DEFAULT_OLDER = {"defaultBackend": "backend"}


def _with_backends(spec: Obj, form: Callable[[Obj], Obj]) -> Obj:
    def path(one: Obj) -> Obj:
        return {"pathType": _ANY, **change(one, "backend", form)}

    def rule(one: Obj) -> Obj:
        return change(one, "http", lambda http: change(http, "paths", each(path)))

    return change(change(spec, "defaultBackend", form), "rules", each(rule))


def _older_backend(backend: Obj) -> Obj:
    service = backend.get("service")
    if service is None:
        return backend
    port = service.get("port") or {}
    named = only(serviceName=service.get("name"), servicePort=port.get("name", port.get("number")))
    return {**{k: v for k, v in backend.items() if k != "service"}, **named}


def _backend(backend: Obj) -> Obj:
    name, port = backend.get("serviceName"), backend.get("servicePort")
    if name is None:
        return backend
    member = "number" if type(port) is int else "name"
    rest = {k: v for k, v in backend.items() if k not in {"serviceName", "servicePort"}}
    return {**rest, "service": {"name": name, "port": only(**{member: port})}}
