"""Ports of the nodes for Services of type NodePort and LoadBalancer: each belongs to one Service.

Those that nobody asked for come from the upper part of the range, so that what people write into
manifests is seldom taken; pkg/registry/core/service/portallocator does so too.
"""

import random
from itertools import chain

from labctl.api import causes, status
from labctl.api.causes import Cause
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj, key
from labctl.api.service_type import may_have_node_ports, needs_node_ports
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.promises import Promises

_FIRST, _LAST = 30000, 32767
_LOWER_BAND = 86
_ATTEMPTS = 32


class NodePorts:
    """The plugin; it gives ports to those that need one, and checks those that were asked for."""

    def __init__(self) -> None:
        self._promises = Promises[int]()
        self._random = random.Random()  # noqa: S311 - a choice, not a secret

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        if circumstances.resource is not SERVICES or circumstances.subresource:
            return obj
        spec = obj.get("spec") or {}
        ports = spec.get("ports") or []
        if circumstances.operation == "DELETE" or not ports or not may_have_node_ports(spec):
            return obj
        taken = self._taken(circumstances, obj)
        _check(circumstances, obj, ports, taken)
        if needs_node_ports(spec):
            ports = self._filled(ports, taken)
        if not circumstances.dry_run:
            for port in ports:
                if port.get("nodePort"):
                    self._promises.give(port["nodePort"], key(obj), circumstances.cache.revision)
        return {**obj, "spec": {**spec, "ports": ports}}

    def _taken(self, circumstances: Circumstances, obj: Obj) -> set[int]:
        """By other Services."""
        holder, cache = key(obj), circumstances.cache
        services = [entry.object for entry in cache.entries(SERVICES)]
        others = {
            port.get("nodePort", 0)
            for service in services
            if key(service) != holder
            for port in (service.get("spec") or {}).get("ports") or ()
        }
        promised = self._promises.to_others(holder, cache.revision, others)
        return others | promised

    def _filled(self, ports: list[Obj], taken: set[int]) -> list[Obj]:
        """One number for all protocols of a port, as people expect of DNS."""
        given = {port.get("port"): port["nodePort"] for port in ports if port.get("nodePort")}
        used = taken.union(given.values())
        for port in ports:
            if port.get("port") not in given:
                number = given[port.get("port")] = self._choose(used)
                used.add(number)
        return [
            {**port, "nodePort": port.get("nodePort") or given[port.get("port")]} for port in ports
        ]

    def _choose(self, used: set[int]) -> int:
        upper = _FIRST + _LOWER_BAND
        guesses = (self._random.randint(upper, _LAST) for _ in range(_ATTEMPTS))
        for number in chain(guesses, range(upper, _LAST + 1), range(_FIRST, upper)):
            if number not in used:
                return number
        raise status.internal_error("failed to allocate a nodePort: range is full")


def _check(circumstances: Circumstances, obj: Obj, ports: list[Obj], taken: set[int]) -> None:
    """Raises 422 for a port that was asked for and cannot be had."""
    found: list[Cause] = []
    seen: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        number, field = port.get("nodePort"), f"spec.ports[{index}].nodePort"
        if not number:
            continue
        pair = (number, port.get("protocol", "TCP"))
        if not _FIRST <= number <= _LAST:
            why = (
                "provided port is not in the valid range. "
                f"The range of valid ports is {_FIRST}-{_LAST}"
            )
            found.append(causes.invalid(field, number, why))
        elif number in taken or pair in seen:
            found.append(causes.invalid(field, number, "provided port is already allocated"))
        seen.add(pair)
    if found:
        raise status.invalid(circumstances.resource, obj["metadata"].get("name", ""), found)
