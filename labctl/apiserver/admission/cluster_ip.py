"""Addresses for Services: each of type ClusterIP, NodePort or LoadBalancer gets one of its own.

The first address of serviceCIDR is Kubernetes' own service, the tenth cluster DNS; both stay free.
An address that was given out but whose Service is not in the cache yet is remembered, so that two
creations at once never get the same one.
"""

import ipaddress
import random
from itertools import chain

from labctl.api import causes, status
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.lab_settings import LabSettings

_DEFAULT_CIDR = "10.96.0.0/16"
_RESERVED = (1, 10)
_ATTEMPTS = 32


class ClusterIps:
    """The plugin; `promised` are addresses on their way into the store."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._promised: dict[str, int] = {}
        self._random = random.Random()  # noqa: S311 - a choice, not a secret

    def __call__(self, circumstances: Circumstances, obj: Obj) -> Obj:
        if circumstances.resource is not SERVICES or circumstances.subresource:
            return obj
        if circumstances.operation == "CREATE":
            return self._with_address(circumstances, obj)
        if circumstances.operation == "UPDATE" and circumstances.old is not None:
            return self._kept(circumstances, obj, circumstances.old)
        return obj

    def _with_address(self, circumstances: Circumstances, obj: Obj) -> Obj:
        spec = obj.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return obj
        address = spec.get("clusterIP") or ""
        if address == "None":
            return _set(obj, "None")
        taken = self._taken(circumstances)
        if address:
            self._check(circumstances, obj, address, taken)
        else:
            address = self._choose(circumstances, taken)
        if not circumstances.dry_run:
            self._promised[address] = circumstances.cache.revision
        return _set(obj, address)

    def _kept(self, circumstances: Circumstances, obj: Obj, old: Obj) -> Obj:
        """An update without an address keeps the one it has, as `kubectl replace` relies on."""
        spec, had = obj.get("spec") or {}, (old.get("spec") or {}).get("clusterIP")
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") == had:
            return obj
        if had and not spec.get("clusterIP"):
            return _set(obj, had)
        return obj if had else self._with_address(circumstances, obj)

    def _taken(self, circumstances: Circumstances) -> set[str]:
        taken = {
            (entry.object.get("spec") or {}).get("clusterIP", "")
            for entry in circumstances.cache.entries(SERVICES)
        }
        # A promise is kept or broken by the time that the cache is a few writes further on.
        self._promised = {
            address: revision
            for address, revision in self._promised.items()
            if address not in taken and circumstances.cache.revision < revision + 1000
        }
        return taken.union(self._promised)

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


def _set(obj: Obj, address: str) -> Obj:
    spec = {
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        **(obj.get("spec") or {}),
        "clusterIP": address,
        "clusterIPs": [address],
    }
    return {**obj, "spec": spec}
