"""What the type of a Service decides: which of its values it needs, keeps, and loses (pure).

As pkg/registry/core/service/storage of Kubernetes: who leaves out what was given by the server means
to keep it, and what a new type has no use for goes, unless the client changed it.
"""

from typing import Any

from labctl.api.objects import Obj

_ADDRESS_FIELDS = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


def needs_cluster_ip(spec: Obj) -> bool:
    return bool(spec.get("type") != "ExternalName")


def needs_node_ports(spec: Obj) -> bool:
    """Whether every port gets a port of the nodes."""
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def may_have_node_ports(spec: Obj) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def settled(new: Obj, old: Obj) -> Obj:
    """The spec that replaces `old`: with what was given to that, without what it needs no more."""
    if needs_cluster_ip(old):
        if needs_cluster_ip(new):
            new = _with_addresses(new, old)
        elif _addresses(new) == _addresses(old):
            new = {name: value for name, value in new.items() if name not in _ADDRESS_FIELDS}
    if may_have_node_ports(old):
        if needs_node_ports(new):
            new = _with_node_ports(new, old)
        elif not may_have_node_ports(new) and _node_ports(new) == _node_ports(old):
            new = {**new, "ports": [_without(port, "nodePort") for port in new.get("ports") or ()]}
            if not new["ports"]:
                del new["ports"]
    return _without_outward(new, old)


def _with_addresses(new: Obj, old: Obj) -> Obj:
    if new.get("clusterIP") or not old.get("clusterIP"):
        return new
    return {**new, **{name: old[name] for name in _ADDRESS_FIELDS if name in old}}


def _addresses(spec: Obj) -> tuple[Any, Any]:
    return spec.get("clusterIP"), spec.get("clusterIPs")


def _with_node_ports(new: Obj, old: Obj) -> Obj:
    """Ports keep theirs by name, but for those that the client has given to another."""
    had = {port.get("name", ""): port.get("nodePort") for port in old.get("ports") or ()}
    asked = _node_ports(new)
    ports = []
    for port in new.get("ports") or ():
        number = had.get(port.get("name", ""))
        kept = not port.get("nodePort") and number and number not in asked
        ports.append({**port, "nodePort": number} if kept else port)
    return {**new, "ports": ports} if ports else new


def _node_ports(spec: Obj) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _without_outward(new: Obj, old: Obj) -> Obj:
    """What only Services that are reached from outside have."""
    if new.get("type") != "LoadBalancer":
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if field in new and new[field] == old.get(field):
                new = _without(new, field)
    field = "externalTrafficPolicy"
    outward = may_have_node_ports(new) or new.get("externalIPs")
    if not outward and field in new and new[field] == old.get(field):
        new = _without(new, field)
    return new


def _without(obj: Obj, field: str) -> Obj:
    return {name: value for name, value in obj.items() if name != field}
