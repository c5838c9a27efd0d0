"""The trail of a probe: its sightings in the order of its way, and where they end."""

from collections.abc import Sequence

from labctl import names
from labctl.verify.capture import OTHERHOST, OUTGOING
from labctl.verify.plan import Check
from labctl.verify.probe import Message, Probe, Sighting
from labctl.verify.topology import Endpoint, Kind

BRIDGE_PORTS = ("veth", "p-", "control-plane")  # of nodes' bridges, and of the fabric's
_ELSEWHERE = 3  # the rank of a node that is not on the way, but to which a packet was addressed
_ICMP_WORDS = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 4): "fragmentation needed",
    (3, 13): "administratively prohibited",
    (11, 0): "time exceeded",
}


def lost(probe: Probe, message: Message = Message.REQUEST) -> str:
    """`lost after node1 eth0`, and what was heard about it."""
    last = _last(probe, message)
    if last is None:
        start = probe.check.source if message is Message.REQUEST else probe.check.destination
        return f"lost after {start.label}: it never left{_heard(probe)}"
    return f"lost after {last.hop}{_note(last)}{_heard(probe)}"


def since(probe: Probe, address: str) -> str:
    """Where an address that should not be there was first seen: ` (first seen at node1 eth0)`."""
    seen = [one for one in ordered(probe.trace, probe.check) if address in one.header[:2]]
    return f" (first seen at {seen[0].hop})" if seen else ""


def ordered(sightings: Sequence[Sighting], check: Check) -> list[Sighting]:
    """In the order of the request's way: by namespace, and by time within one."""
    return sorted(sightings, key=lambda one: (_rank(one, check), one.time))


def _rank(sighting: Sighting, check: Check) -> int:
    place = sighting.place
    if place is check.source:
        return 0
    if place is check.destination:
        return 5
    if place.kind is Kind.FABRIC:
        return 2
    if place.kind is Kind.NODE:
        return 1 if place.name == check.source.node else _node_rank(place, check)
    return _ELSEWHERE


def _node_rank(place: Endpoint, check: Check) -> int:
    return 4 if place.name == check.destination.node else _ELSEWHERE


def _last(probe: Probe, message: Message) -> Sighting | None:
    """The furthest sighting of a message on its way."""
    way = [one for one in ordered(probe.trace, probe.check) if one.message is message]
    flooded = _flooded(way, probe.check)
    way = [one for one in way if not _is_aside(one, probe.check)]
    way = [one for one in way if not _is_port_out(one) or one.place not in flooded]
    if message is Message.REPLY and way:
        nearest = min(_rank(one, probe.check) for one in way)
        return [one for one in way if _rank(one, probe.check) == nearest][-1]
    return way[-1] if way else None


def _is_aside(sighting: Sighting, check: Check) -> bool:
    """A bystander's: what a bridge floods reaches also those to whom it is not addressed."""
    return _rank(sighting, check) == _ELSEWHERE and sighting.direction == OTHERHOST


def _is_port_out(sighting: Sighting) -> bool:
    return sighting.direction == OUTGOING and sighting.interface.startswith(BRIDGE_PORTS)


def _flooded(way: Sequence[Sighting], check: Check) -> set[Endpoint]:
    """Bridges that sent a packet out of any port, not knowing where its MAC is.

    Told by several ports, or by a pod that saw what was not for it.
    """
    ports: dict[Endpoint, set[str]] = {}
    for one in way:
        if _is_port_out(one):
            ports.setdefault(one.place, set()).add(one.interface)
    bystanders = {
        one.place.node
        for one in way
        if _rank(one, check) == _ELSEWHERE and one.direction == OTHERHOST
    }
    return {place for place, used in ports.items() if len(used) > 1 or place.name in bystanders}


def _note(last: Sighting) -> str:
    notes = []
    if last.tunnel:
        notes.append(f"in VXLAN {last.tunnel.vni} to {last.tunnel.dst}")
    if last.direction == OTHERHOST and last.interface in ("eth0", names.VXLAN_DEVICE):
        notes.append("addressed to another MAC")
    return f" ({', '.join(notes)})" if notes else ""


def _heard(probe: Probe) -> str:
    """An ICMP error that someone sent about the probe."""
    error = next((one for one in probe.trace if one.message is Message.ERROR), None)
    if error is None:
        return ""
    word = _ICMP_WORDS.get(error.icmp, f"ICMP type {error.icmp[0]} code {error.icmp[1]}")
    return f"; {error.header.src} said: {word}"
