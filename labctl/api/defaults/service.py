"""Defaults of Services and of what carries their traffic.

pkg/apis/core/v1/defaults.go, pkg/apis/discovery/v1/defaults.go, pkg/apis/networking/v1/defaults.go.
"""

from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, each, fill
from labctl.api.kinds.core import ENDPOINTS, SERVICES
from labctl.api.kinds.networking import ENDPOINTSLICES, NETWORKPOLICIES
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_AFFINITY_SECONDS = 10800
_OUTWARD = ("NodePort", "LoadBalancer")


def _service(given: Obj) -> Obj:
    spec = fill(given, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["type"] != "ExternalName":
        spec = fill(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] in _OUTWARD or spec.get("externalIPs"):
        spec = fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        spec = fill(spec, {"allocateLoadBalancerNodePorts": True})
    if spec["sessionAffinity"] == "ClientIP":
        spec["sessionAffinityConfig"] = _affinity(spec.get("sessionAffinityConfig") or {})
    else:
        spec.pop("sessionAffinityConfig", None)
    return change(spec, "ports", each(_service_port))


def _affinity(config: Obj) -> Obj:
    client = {"timeoutSeconds": _AFFINITY_SECONDS, **(config.get("clientIP") or {})}
    return {**config, "clientIP": client}


def _service_port(given: Obj) -> Obj:
    port = {"protocol": "TCP", **given}
    if not port.get("targetPort") and "port" in port:
        port["targetPort"] = port["port"]
    return port


def _tcp(port: Obj) -> Obj:
    return fill(port, {"protocol": "TCP"})


def _endpoints(obj: Obj) -> Obj:
    return change(obj, "subsets", each(lambda one: change(one, "ports", each(_tcp))))


def _endpointslice(obj: Obj) -> Obj:
    return change(obj, "ports", each(lambda port: fill(port, {"name": "", "protocol": "TCP"})))


def _networkpolicy(given: Obj) -> Obj:
    types = ["Ingress", "Egress"] if given.get("egress") else ["Ingress"]
    spec = fill(given, {"podSelector": {}, "policyTypes": types})
    for direction in ("ingress", "egress"):
        spec = change(spec, direction, each(lambda rule: change(rule, "ports", each(_tcp))))
    return spec


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    SERVICES: lambda obj: change_spec(obj, _service),
    ENDPOINTS: _endpoints,
    ENDPOINTSLICES: _endpointslice,
    NETWORKPOLICIES: lambda obj: change_spec(obj, _networkpolicy),
}
