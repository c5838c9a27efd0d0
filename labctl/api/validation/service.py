"""The rules of Services, NetworkPolicies and disruption budgets."""

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names, terms
from labctl.api.validation.container import PROTOCOLS
from labctl.api.validation.probe import port_reference
from labctl.api.validation.security import ADDRESS_SENTENCE, is_address

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_TRAFFIC = ("Cluster", "Local")
_MAX_AFFINITY_SECONDS = 86400
_POLICY_TYPES = ("Ingress", "Egress")
_UNHEALTHY = ("AlwaysAllow", "IfHealthyBudget")


def check_service(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    kind, headless = spec.get("type", "ClusterIP"), spec.get("clusterIP") == "None"
    if not spec.get("ports") and not headless and kind != "ExternalName":
        yield causes.required("spec.ports")
    yield from _ports(spec.get("ports") or [], kind)
    yield from terms.labels(spec.get("selector"), "spec.selector")
    yield from terms.choice(spec, "type", TYPES, "spec")
    yield from terms.choice(spec, "sessionAffinity", _AFFINITIES, "spec")
    yield from terms.choice(spec, "externalTrafficPolicy", _TRAFFIC, "spec")
    yield from terms.choice(spec, "internalTrafficPolicy", _TRAFFIC, "spec")
    client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    where = "spec.sessionAffinityConfig.clientIP"
    yield from terms.within(client, "timeoutSeconds", 1, _MAX_AFFINITY_SECONDS, where)
    yield from _addresses(spec, kind)


def _addresses(spec: Obj, kind: str) -> Iterator[Cause]:
    address = spec.get("clusterIP")
    if address and address != "None" and not is_address(address):
        yield causes.invalid("spec.clusterIPs[0]", address, ADDRESS_SENTENCE)
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        sentence = f"may not be set to 'None' for {kind} services"
        yield causes.invalid("spec.clusterIPs[0]", address, sentence)
    if kind == "ExternalName":
        yield from _external_name(spec)
    for index, external in enumerate(spec.get("externalIPs") or ()):
        if not is_address(external):
            yield causes.invalid(f"spec.externalIPs[{index}]", external, ADDRESS_SENTENCE)


def _external_name(spec: Obj) -> Iterator[Cause]:
    external = spec.get("externalName") or ""
    yield from terms.named(names.subdomain, external.removesuffix("."), "spec.externalName")
    if spec.get("clusterIP"):
        sentence = "may not be set when `type` is 'ExternalName'"
        yield causes.forbidden("spec.clusterIPs", sentence)


def _ports(ports: list[Obj], kind: str) -> Iterator[Cause]:
    seen_names: set[str] = set()
    seen: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        path, name = f"spec.ports[{index}]", port.get("name") or ""
        if name or len(ports) > 1:
            yield from terms.named(names.label, name, f"{path}.name")
        if name in seen_names:
            yield causes.duplicate(f"{path}.name", name)
        if name:
            seen_names.add(name)
        yield from _port(port, kind, path)
        pair = port.get("protocol", "TCP"), port.get("port")
        if pair in seen:
            yield causes.duplicate(path, {"protocol": pair[0], "port": pair[1]})
        seen.add(pair)


def _port(port: Obj, kind: str, path: str) -> Iterator[Cause]:
    number, outer = port.get("port"), port.get("nodePort")
    if number is not None:
        for problem in names.port_number(number):
            yield causes.invalid(f"{path}.port", number, problem)
    yield from terms.choice(port, "protocol", PROTOCOLS, path)
    yield from port_reference(port.get("targetPort"), f"{path}.targetPort")
    if outer and kind == "ClusterIP":
        sentence = "may not be used when `type` is 'ClusterIP'"
        yield causes.forbidden(f"{path}.nodePort", sentence)
    elif outer:
        for problem in names.port_number(outer):
            yield causes.invalid(f"{path}.nodePort", outer, problem)


def check_service_update(new: Obj, old: Obj) -> Iterator[Cause]:
    """An address that clients may know already stays, unless the Service becomes ExternalName."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" in (after.get("type"), before.get("type")) or not before.get("clusterIP"):
        return
    if after.get("clusterIP") != before["clusterIP"]:
        value = after.get("clusterIP") or ""
        yield causes.invalid("spec.clusterIPs[0]", value, "may not change once set")


def check_networkpolicy(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from terms.label_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                yield from _policy_port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or ()):
                yield from _peer(peer, f"{path}.{peers}[{number}]")
    for index, kind in enumerate(spec.get("policyTypes") or ()):
        if kind not in _POLICY_TYPES:
            yield causes.not_supported(f"spec.policyTypes[{index}]", kind, _POLICY_TYPES)


def _policy_port(port: Obj, path: str) -> Iterator[Cause]:
    yield from terms.choice(port, "protocol", PROTOCOLS, path)
    yield from port_reference(port.get("port"), f"{path}.port")
    last, first = port.get("endPort"), port.get("port")
    if last is None:
        return
    if not isinstance(first, int):
        sentence = "may not be specified when `port` is not specified or non-numeric"
        yield causes.invalid(f"{path}.endPort", last, sentence)
    elif last < first:
        sentence = "must be greater than or equal to `port`"
        yield causes.invalid(f"{path}.endPort", last, sentence)


def _peer(peer: Obj, path: str) -> Iterator[Cause]:
    for member in ("podSelector", "namespaceSelector"):
        yield from terms.label_selector(peer.get(member), f"{path}.{member}")
    if not peer:
        yield causes.required(path, "must specify a peer")
    if "ipBlock" in peer:
        if len(peer) > 1:
            yield causes.forbidden(path, "may not specify both ipBlock and another peer")
        yield from _block(peer["ipBlock"], f"{path}.ipBlock")


def _block(block: Obj, path: str) -> Iterator[Cause]:
    network = _network(block.get("cidr"))
    if network is None:
        yield causes.invalid(f"{path}.cidr", block.get("cidr"), CIDR_SENTENCE)
    for index, text in enumerate(block.get("except") or ()):
        hole, field = _network(text), f"{path}.except[{index}]"
        if hole is None:
            yield causes.invalid(field, text, CIDR_SENTENCE)
        elif network is not None and not _inside(hole, network):
            yield causes.invalid(field, text, "must be a strict subset of `cidr`")


CIDR_SENTENCE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _network(text: Any) -> Any:
    try:
        return ip_network(text, strict=False) if "/" in str(text) else None
    except ValueError:
        return None


def _inside(hole: Any, network: Any) -> bool:
    if isinstance(hole, IPv4Network) is not isinstance(network, IPv4Network):
        return False
    return hole != network and bool(hole.subnet_of(network))


def check_disruption_budget(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    bounds = [member for member in ("minAvailable", "maxUnavailable") if member in spec]
    if len(bounds) > 1:
        sentence = "minAvailable and maxUnavailable cannot be both set"
        yield causes.invalid("spec", spec, sentence)
    for member in bounds:
        yield from terms.int_or_percent(spec[member], f"spec.{member}")
    yield from terms.label_selector(spec.get("selector"), "spec.selector")
    yield from terms.choice(spec, "unhealthyPodEvictionPolicy", _UNHEALTHY, "spec")
