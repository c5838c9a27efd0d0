"""Addresses for Services: each of type ClusterIP, NodePort or LoadBalancer gets one of its own.

The first address of serviceCIDR is Kubernetes' own service, the tenth cluster DNS; both stay free.
A Service that changes has kept its address before it comes here (service_type.py).
"""

import ipaddress
import random
from itertools import chain

from labctl.api import causes, status
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj, key
from labctl.api.service_type import needs_cluster_ip
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.lab_settings import LabSettings
from labctl.apiserver.admission.promises import Promises

_DEFAULT_CIDR = "10.96.0.0/16"
_RESERVED = (1, 10)
_ATTEMPTS = 32


class ClusterIps:
    """The plugin; it gives an address to those that need one, and checks those asked for."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._promises = Promises[str]()
        self._random = random.Random()  # noqa: S311 - a choice, not a secret

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        if circumstances.resource is not SERVICES or circumstances.subresource:
            return obj
        if circumstances.operation == "CREATE":
            return self._with_address(circumstances, obj)
        old = (circumstances.old or {}).get("spec") or {}
        if circumstances.operation == "UPDATE" and not old.get("clusterIP"):
            return self._with_address(circumstances, obj)
        return obj

    def _with_address(self, circumstances: Circumstances, obj: Obj) -> Obj:
        spec = obj.get("spec") or {}
        if not needs_cluster_ip(spec):
            return obj
        _check_families(obj, spec)
        address = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if address == "None":
            return _set(obj, "None")
        taken = self._taken(circumstances, obj)
        if address:
            self._check(circumstances, obj, address, taken)
        else:
            address = self._choose(circumstances, taken)
        if not circumstances.dry_run:
            self._promises.give(address, key(obj), circumstances.cache.revision)
        return _set(obj, address)

    def _taken(self, circumstances: Circumstances, obj: Obj) -> set[str]:
        cache = circumstances.cache
        present = {
            (entry.object.get("spec") or {}).get("clusterIP", "")
            for entry in cache.entries(SERVICES)
        }
        return present | self._promises.to_others(key(obj), cache.revision, present)

    def _network(self, circumstances: Circumstances) -> ipaddress.IPv4Network:
        lab = self._settings.spec(circumstances.cache)
        return ipaddress.IPv4Network(lab.network.service_cidr if lab else _DEFAULT_CIDR)

    def _choose(self, circumstances: Circumstances, taken: set[str]) -> str:
        network = self._network(circumstances)
        last = network.num_addresses - 2
        guesses = (self._random.randint(1, last) for _ in range(_ATTEMPTS))
        for offset in chain(guesses, range(1, last + 1)):
            address = str(network[offset])
            if offset not in _RESERVED and address not in taken:
                return address
        raise status.failure(
            503, "ServiceUnavailable", f"no address of {network} is left for a Service"
        )

    def _check(self, circumstances: Circumstances, obj: Obj, address: str, taken: set[str]) -> None:
        try:
            inside = ipaddress.IPv4Address(address) in self._network(circumstances)
        except (ValueError, TypeError):
            inside = False
        if not inside:
            why = (
                "failed to allocate IP: the provided network does not match the current range: "
                f"the valid range is {self._network(circumstances)}"
            )
        elif address in taken:
            why = "failed to allocate IP: provided IP is already allocated"
        else:
            return
        cause = causes.invalid("spec.clusterIPs", [address], why)
        raise status.invalid(SERVICES, obj["metadata"].get("name", ""), [cause])


def _check_families(obj: Obj, spec: Obj) -> None:
    """Raises 422 where IPv6 is asked for: a lab's network is IPv4."""
    found = [
        causes.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(spec.get("ipFamilies") or ())
        if family != "IPv4"
    ]
    policy = spec.get("ipFamilyPolicy")
    if policy == "RequireDualStack":
        why = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", policy, why))
    if found:
        raise status.invalid(SERVICES, obj["metadata"].get("name", ""), found)


def _set(obj: Obj, address: str) -> Obj:
    spec = {
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        **(obj.get("spec") or {}),
        "clusterIP": address,
        "clusterIPs": [address],
    }
    return {**obj, "spec": spec}
