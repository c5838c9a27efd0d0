"""The things a network is made of, as values.

What `desired` computes, `observe` reads back, `diff` compares, and operations create and delete.
Each noun has a `key`, which says which thing it is (two nouns with one key are two states of the
same thing), and `describe()`, the words that `ip`, `bridge` or `sysctl` use for it. All fields
count when nouns are compared, but for those that the kernel does not tell back.
"""

import ipaddress
from dataclasses import dataclass, field
from typing import ClassVar

from labctl.names import VXLAN_PORT

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vxlan:
    """What cannot be changed on a vxlan device that exists; other values mean another device."""

    vni: int
    local: str
    device: str
    port: int = VXLAN_PORT
    learning: bool = False

    def describe(self) -> str:
        learning = "learning" if self.learning else "nolearning"
        return f"id {self.vni} local {self.local} dev {self.device} dstport {self.port} {learning}"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a veth pair, made along with it and left down; not observed from here."""

    name: str
    netns: str  # path of the namespace file
    mac: str
    mtu: int

    def describe(self) -> str:
        end = f"peer name {self.name} mtu {self.mtu} address {self.mac}"
        return f"{end} netns {self.netns.removeprefix('/run/netns/')}"


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface. `kind` is bridge, veth, vxlan, dummy or loopback.

    `hairpin` is of a bridge's port: what came in by it may leave by it.
    """

    rank: ClassVar[int] = 1

    name: str
    kind: str
    mtu: int
    mac: str = ""
    up: bool = True
    master: str = ""
    alias: str = ""
    vxlan: Vxlan | None = None
    peer: Peer | None = field(default=None, compare=False)
    hairpin: bool = False

    @property
    def key(self) -> Key:
        return ("link", self.name)

    @property
    def interface(self) -> str:
        return self.name

    def turns_hairpin(self, before: "Link") -> bool:
        """Whether it has to be set; whoever comes into a bridge comes without."""
        has = before.hairpin and before.master == self.master
        return bool(self.master) and self.hairpin != has

    def describe(self) -> str:
        return f"{self.kind} {self.name}"


# A new namespace has its `lo` down. That is the kernel's and never observed; a `lo` that is up
# was set up by somebody, and is this noun.
LOOPBACK = Link("lo", "loopback", mtu=65536)


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its prefix length on an interface: 10.244.1.1/24 on cni0.

    The kernel makes a route to its subnet with it. Where somebody took that away, the address is
    observed as not `connected`, and can only be mended by being taken off and put on again.
    """

    rank: ClassVar[int] = 3

    interface: str
    address: str
    connected: bool = True

    @property
    def key(self) -> Key:
        return ("address", self.interface, self.address)

    @property
    def ip(self) -> str:
        return self.address.partition("/")[0]

    @property
    def subnet(self) -> str:
        return str(ipaddress.ip_interface(self.address).network)

    @property
    def has_subnet(self) -> bool:
        """Whether the kernel makes a route with it that one may miss (asked of IPv4 only)."""
        return ":" not in self.address and not self.address.endswith("/32")

    def describe(self) -> str:
        return f"{self.address} dev {self.interface}"


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A permanent entry of the ARP or ND table; others come and go by themselves."""

    rank: ClassVar[int] = 4

    interface: str
    address: str
    mac: str

    @property
    def key(self) -> Key:
        return ("neighbor", self.interface, self.address)

    def describe(self) -> str:
        return f"{self.address} lladdr {self.mac} dev {self.interface} nud permanent"


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """Behind which underlay address a vxlan device finds a MAC."""

    rank: ClassVar[int] = 5

    interface: str
    mac: str
    destination: str

    @property
    def key(self) -> Key:
        return ("fdb", self.interface, self.mac)

    def describe(self) -> str:
        return f"{self.mac} dev {self.interface} dst {self.destination}"


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table. `destination` is a prefix, or "default" for IPv4's.

    One without an interface is of another kind (blackhole, several next hops), as observed.
    """

    rank: ClassVar[int] = 7

    destination: str
    interface: str
    gateway: str = ""
    source: str = ""
    onlink: bool = False
    metric: int = 0

    @property
    def key(self) -> Key:
        return ("route", self.destination, str(self.metric))

    def describe(self) -> str:
        words = [self.destination]
        words += ["via", self.gateway] if self.gateway else []
        words += ["dev", self.interface] if self.interface else []
        words += ["onlink"] if self.onlink else []
        words += ["src", self.source] if self.source else []
        words += ["metric", str(self.metric)] if self.metric else []
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A kernel setting of a namespace, named as sysctl(8) names it: net.ipv4.ip_forward.

    A dot inside an interface's name is written as a slash there: net.ipv4.conf.vxlan/1.rp_filter.
    """

    name: str
    value: str

    @property
    def key(self) -> Key:
        return ("sysctl", self.name)

    @property
    def interface(self) -> str:
        """The interface that the setting belongs to and goes with, or ""."""
        parts = self.name.split(".")
        if len(parts) != 5 or parts[2] not in {"conf", "neigh"} or parts[3] in {"all", "default"}:
            return ""
        return parts[3].replace("/", ".")

    @property
    def rank(self) -> int:
        """Settings of a namespace come before links, which copy `default` when they are made."""
        return 2 if self.interface else 0

    def describe(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class NftTable:
    """An nftables table, whole. `revision` is a digest of its text, which is not read back."""

    rank: ClassVar[int] = 6

    family: str
    name: str
    revision: str
    text: str = field(default="", compare=False, repr=False)

    @property
    def key(self) -> Key:
        return ("nft", self.family, self.name)

    @property
    def interface(self) -> str:
        return ""

    def describe(self) -> str:
        return f"table {self.family} {self.name}, revision {self.revision}"


Noun = Link | Address | Neighbor | FdbEntry | Route | Sysctl | NftTable
