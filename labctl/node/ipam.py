"""Addresses for the pods of a node, out of its podCIDR.

Those that nobody had yet come first, from behind the address given last, then the one that was
given back first: late packets of a dead pod meet nobody, and nobody is told to have an address of
which the API does not know yet that its pod has another. An address is free again only when its
owner says that the port was seen gone. Nothing is stored: after a restart the pool is filled from
the sandboxes that the runtime still has, dead ones too.
"""

from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from labctl.errors import LabError


class NoFreeAddress(LabError):
    """Every address of the node's podCIDR is in use."""


class AddressTaken(LabError):
    """Two sandboxes claim one address; the first keeps it."""


class AddressPool:
    """Who has which address of one podCIDR. Owners are sandbox ids, each with one address."""

    def __init__(self, cidr: str) -> None:
        network = IPv4Network(cidr)
        self.cidr = cidr
        # Not for pods: the network's own (the VTEP has it), the first (the bridge), broadcast.
        self._first = int(network.network_address) + 2
        self._size = network.num_addresses - 3
        self._next = 0
        self._owners: dict[int, str] = {}
        self._offsets: dict[str, int] = {}
        self._returned: dict[int, None] = {}  # free ones that somebody had, in that order

    def __len__(self) -> int:
        return len(self._owners)

    def take(self, owner: str) -> str:
        """The owner's address, or a free one for it. Raises `NoFreeAddress` if all are used."""
        offset = self._offsets.get(owner)
        return self._address(self._take_free(owner) if offset is None else offset)

    def reserve(self, address: str, owner: str) -> None:
        """Notes that `owner` has `address` (found at start); foreign addresses are ignored.

        Raises `AddressTaken` when another owner has it.
        """
        offset = int(IPv4Address(address)) - self._first
        if not 0 <= offset < self._size:
            return
        holder = self._owners.get(offset, owner)
        if holder != owner:
            raise AddressTaken(f"{address} belongs to {holder}, so {owner} cannot have it")
        self._give(offset, owner)

    def release(self, owner: str) -> None:
        """Gives the owner's address back; nothing happens when it has none."""
        offset = self._offsets.pop(owner, None)
        if offset is not None:
            del self._owners[offset]
            self._returned[offset] = None

    def release_pod(self, uid: str) -> None:
        """Gives back whatever any sandbox of the pod `uid` has."""
        for owner in [one for one in self._offsets if one.rpartition("-")[0] == uid]:
            self.release(owner)

    def owner(self, address: str) -> str | None:
        return self._owners.get(int(IPv4Address(address)) - self._first)

    def _take_free(self, owner: str) -> int:
        offset = self._free()
        if offset is None:
            raise NoFreeAddress(
                f"no IP addresses available in {self.cidr}: all {self._size} are in use"
            )
        self._give(offset, owner)
        return offset

    def _free(self) -> int | None:
        if len(self._owners) + len(self._returned) == self._size:
            return next(iter(self._returned), None)
        behind = chain(range(self._next, self._size), range(self._next))
        known = (self._owners, self._returned)
        return next(offset for offset in behind if not any(offset in one for one in known))

    def _give(self, offset: int, owner: str) -> None:
        self.release(owner)
        self._returned.pop(offset, None)
        self._owners[offset] = owner
        self._offsets[owner] = offset
        self._next = (offset + 1) % self._size

    def _address(self, offset: int) -> str:
        return str(IPv4Address(self._first + offset))
