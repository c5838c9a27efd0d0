"""The rows of Services, what stands behind them, and what regulates their traffic."""

from collections.abc import Iterable
from typing import Any

from labctl.api.kinds.core import ENDPOINTS, SERVICES
from labctl.api.kinds.networking import (
    ENDPOINTSLICES,
    INGRESSCLASSES,
    INGRESSES,
    IPADDRESSES,
    NETWORKPOLICIES,
    SERVICECIDRS,
)
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import AGE, NAME, Printer, number, text, wide
from labctl.api.tables.text import (
    NONE,
    UNSET,
    age,
    joined,
    labels_text,
    selector_text,
    spec,
    status,
)

_SHOWN = 3  # addresses in a cell; the rest is counted


def _service(service: Obj, now: float) -> list[Any]:
    own = spec(service)
    return [
        name(service),
        own.get("type") or "",
        own.get("clusterIP") or NONE,
        _external(service),
        joined(_service_port(port) for port in own.get("ports") or ()),
        age(service, now),
        labels_text(own.get("selector")),
    ]


def _external(service: Obj) -> str:
    own = spec(service)
    if own.get("type") == "ExternalName":
        return own.get("externalName") or NONE
    addresses = list(own.get("externalIPs") or ())
    if own.get("type") != "LoadBalancer":
        return joined(addresses)
    balancer = status(service).get("loadBalancer") or {}
    given = (one.get("ip") or one.get("hostname") for one in balancer.get("ingress") or ())
    return joined([*filter(None, given), *addresses], "<pending>")


def _service_port(port: Obj) -> str:
    outer = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{outer}/{port.get('protocol', 'TCP')}"


def _some(values: Iterable[str], limit: int = _SHOWN) -> str:
    """The first few values, and how many more there are."""
    listed = list(values)
    more = f" + {len(listed) - limit} more..." if len(listed) > limit else ""
    return joined(listed[:limit]) + more


def _endpoints(endpoints: Obj, now: float) -> list[Any]:
    found = [
        text_
        for subset in endpoints.get("subsets") or ()
        for text_ in _subset(subset.get("addresses") or (), subset.get("ports") or ())
    ]
    return [name(endpoints), _some(found), age(endpoints, now)]


def _subset(addresses: Iterable[Obj], ports: Iterable[Obj]) -> Iterable[str]:
    listed = list(ports)
    for address in addresses:
        if not listed:
            yield address.get("ip") or ""
        for port in listed:
            yield f"{address.get('ip')}:{port.get('port')}"


def _endpointslice(piece: Obj, now: float) -> list[Any]:
    ports = [str(port.get("port", "*")) for port in piece.get("ports") or ()]
    addresses = [
        address for one in piece.get("endpoints") or () for address in one.get("addresses") or ()
    ]
    return [
        name(piece),
        piece.get("addressType") or "",
        _some(ports) if ports else UNSET,
        _some(addresses) if addresses else UNSET,
        age(piece, now),
    ]


def _ingress(ingress: Obj, now: float) -> list[Any]:
    rules = spec(ingress).get("rules") or ()
    balancer = status(ingress).get("loadBalancer") or {}
    given = (one.get("ip") or one.get("hostname") or "" for one in balancer.get("ingress") or ())
    return [
        name(ingress),
        spec(ingress).get("ingressClassName") or NONE,
        _some(rule.get("host") or "*" for rule in rules) if rules else "*",
        joined(given, ""),
        "80, 443" if spec(ingress).get("tls") else "80",
        age(ingress, now),
    ]


def _ingressclass(obj: Obj, now: float) -> list[Any]:
    parameters = spec(obj).get("parameters") or {}
    kind = ".".join(part for part in (parameters.get("kind"), parameters.get("apiGroup")) if part)
    shown = f"{kind}/{parameters.get('name')}" if parameters else NONE
    return [name(obj), spec(obj).get("controller") or "", shown, age(obj, now)]


def _networkpolicy(rule: Obj, now: float) -> list[Any]:
    return [name(rule), selector_text(spec(rule).get("podSelector")), age(rule, now)]


def _budget(budget: Obj, now: float) -> list[Any]:
    own = spec(budget)
    return [
        name(budget),
        str(own.get("minAvailable", "N/A")),
        str(own.get("maxUnavailable", "N/A")),
        status(budget).get("disruptionsAllowed") or 0,
        age(budget, now),
    ]


def _ip_address(obj: Obj, now: float) -> list[Any]:
    del now
    parent = spec(obj).get("parentRef") or {}
    steps = (parent.get(field) for field in ("resource", "namespace", "name"))
    return [name(obj), "/".join(step for step in steps if step)]


def _service_cidr(obj: Obj, now: float) -> list[Any]:
    return [name(obj), joined(spec(obj).get("cidrs") or ()), age(obj, now)]


PRINTERS = {
    SERVICES: Printer(
        (
            NAME,
            text("Type"),
            text("Cluster-IP"),
            text("External-IP"),
            text("Port(s)"),
            AGE,
            wide("Selector"),
        ),
        _service,
    ),
    ENDPOINTS: Printer((NAME, text("Endpoints"), AGE), _endpoints),
    ENDPOINTSLICES: Printer(
        (NAME, text("AddressType"), text("Ports"), text("Endpoints"), AGE), _endpointslice
    ),
    INGRESSES: Printer(
        (NAME, text("Class"), text("Hosts"), text("Address"), text("Ports"), AGE), _ingress
    ),
    INGRESSCLASSES: Printer((NAME, text("Controller"), text("Parameters"), AGE), _ingressclass),
    NETWORKPOLICIES: Printer((NAME, text("Pod-Selector"), AGE), _networkpolicy),
    IPADDRESSES: Printer((NAME, text("ParentRef")), _ip_address),
    SERVICECIDRS: Printer((NAME, text("CIDRs"), AGE), _service_cidr),
    PODDISRUPTIONBUDGETS: Printer(
        (
            NAME,
            text("Min Available"),
            text("Max Unavailable"),
            number("Allowed Disruptions"),
            AGE,
        ),
        _budget,
    ),
}
