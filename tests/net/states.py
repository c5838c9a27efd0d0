"""States of a namespace that a kernel accepts, for property tests.

Three interfaces (a bridge, two veth ends whose peers are in another namespace) and a vxlan device,
each there or not, in one of a few shapes; addresses, neighbours and routes that fit them.
"""

from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

from labctl.net.nouns import (
    LOOPBACK,
    Address,
    FdbEntry,
    Link,
    Neighbor,
    Noun,
    Peer,
    Route,
    Sysctl,
    Vxlan,
)
from labctl.net.state import NetState

MACS = ("02:00:00:00:00:0a", "02:00:00:00:00:0b")
MTUS = (1400, 1500)
FORWARDING = "net.ipv4.ip_forward"
REVERSE_PATH = "net.ipv4.conf.all.rp_filter"
BRIDGE_REVERSE_PATH = "net.ipv4.conf.br0.rp_filter"
SETTINGS = (FORWARDING, REVERSE_PATH, BRIDGE_REVERSE_PATH)


def states(peers: Path = Path("/run/netns/peers")) -> st.SearchStrategy[NetState]:
    """Consistent states; the other ends of veth pairs are in the namespace `peers`."""
    return st.composite(_state)(peers)


def _state(draw: st.DrawFn, peers: Path) -> NetState:
    links = list(_links(draw, peers))
    nouns: list[Noun] = [*links]
    nouns += [LOOPBACK] if draw(st.booleans()) else []
    addresses = [
        address for number, link in _numbered(links) for address in _addresses(draw, number, link)
    ]
    nouns += addresses
    up = {link.name for link in links if link.up}
    usable = [address for address in addresses if address.interface in up]
    nouns += _neighbors(draw, usable)
    nouns += _routes(draw, usable)
    nouns += _entries(draw, links)
    return NetState([*nouns, *_settings(draw, links)])


def _numbered(links: list[Link]) -> list[tuple[int, Link]]:
    numbers = {"br0": 1, "eth0": 2, "eth1": 3, "vxlan.1": 4}
    return [(numbers[link.name], link) for link in links]


def _links(draw: st.DrawFn, peers: Path) -> Iterator[Link]:
    def sample(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    bridge = draw(st.booleans())
    if bridge:
        yield Link("br0", "bridge", draw(st.sampled_from(MTUS)), sample(*MACS), draw(st.booleans()))
    names = [name for name in ("eth0", "eth1") if draw(st.booleans())]
    for name in names:
        master = sample("", "br0") if bridge else ""
        yield Link(
            name,
            "veth",
            mtu=draw(st.sampled_from(MTUS)),
            mac=sample(*MACS),
            up=draw(st.booleans()),
            master=master,
            alias=sample("", "default/web", "a b'c"),
            peer=Peer(f"p-{name}", str(peers), "02:00:00:00:00:ff", 1500),
            hairpin=bool(master) and draw(st.booleans()),
        )
    if "eth0" in names and draw(st.booleans()):
        vxlan = Vxlan(draw(st.sampled_from([1, 2])), "172.30.1.1", "eth0")
        yield Link("vxlan.1", "vxlan", 1300, sample(*MACS), draw(st.booleans()), vxlan=vxlan)


def _addresses(draw: st.DrawFn, number: int, link: Link) -> list[Address]:
    choices = [f"10.{number}.0.1/24", f"10.{number}.0.2/24", f"10.{number}.9.1/28"]
    chosen = draw(st.sets(st.sampled_from(choices)))
    return [Address(link.name, address) for address in sorted(chosen)]


def _subnet(address: Address) -> str:
    return address.ip.rpartition(".")[0]


def _neighbors(draw: st.DrawFn, usable: list[Address]) -> Iterator[Neighbor]:
    for address in usable:
        if draw(st.booleans()):
            mac = draw(st.sampled_from(MACS))
            yield Neighbor(address.interface, f"{_subnet(address)}.5", mac)


def _routes(draw: st.DrawFn, usable: list[Address]) -> Iterator[Route]:
    for destination in ("10.100.0.0/16", "10.101.7.0/24", "default"):
        if not usable or not draw(st.booleans()):
            continue
        address = draw(st.sampled_from(usable))
        onlink = draw(st.booleans())
        inside = f"{_subnet(address)}.6"
        gateway = "10.77.0.1" if onlink else draw(st.sampled_from(["", inside]))
        source = draw(st.sampled_from(["", address.ip]))
        metric = draw(st.sampled_from([0, 50]))
        yield Route(destination, address.interface, gateway, source, onlink, metric)


def _entries(draw: st.DrawFn, links: list[Link]) -> Iterator[FdbEntry]:
    if not any(link.kind == "vxlan" for link in links):
        return
    for mac in MACS:
        if draw(st.booleans()):
            destination = draw(st.sampled_from(["172.30.1.2", "172.30.1.3"]))
            yield FdbEntry("vxlan.1", mac, destination)


def _settings(draw: st.DrawFn, links: list[Link]) -> Iterator[Sysctl]:
    yield Sysctl(FORWARDING, draw(st.sampled_from("01")))
    yield Sysctl(REVERSE_PATH, draw(st.sampled_from("012")))
    if any(link.name == "br0" for link in links):
        yield Sysctl(BRIDGE_REVERSE_PATH, draw(st.sampled_from("012")))
