"""Captured packets in words: scapy dissects them, VXLAN and all.

Only what differs from what was expected comes here, and not all of it: a packet costs scapy about
half a millisecond.
"""

from collections.abc import Sequence
from typing import Any

from labctl.verify.capture import HOST, OTHERHOST, OUTGOING
from labctl.verify.probe import Sighting
from labctl.verify.trail import BRIDGE_PORTS

_WAYS = {HOST: "in", OTHERHOST: "in, for another MAC", OUTGOING: "out"}
_PORT_WAYS = {**_WAYS, OTHERHOST: "in"}  # all that a bridge takes in is for another MAC
_MOST = 24  # sightings of one probe


def evidence(sightings: Sequence[Sighting]) -> list[str]:
    """A line for each sighting, in their order; of a long trail its start and its end."""
    if len(sightings) > _MOST:
        half = _MOST // 2
        left_out = f"({len(sightings) - _MOST} more)"
        return [*map(_line, sightings[:half]), left_out, *map(_line, sightings[-half:])]
    return [_line(one) for one in sightings]


def _line(sighting: Sighting) -> str:
    ways = _PORT_WAYS if sighting.interface.startswith(BRIDGE_PORTS) else _WAYS
    way = ways.get(sighting.direction, "in, broadcast")
    return f"{sighting.hop} {way}: {describe(sighting.data)}"


def describe(frame: bytes) -> str:
    """An Ethernet frame: its IP packets from the outermost, and what the innermost carries."""
    import scapy.layers.vxlan  # noqa: F401 - so that scapy knows UDP port 8472
    from scapy.layers.inet import IP
    from scapy.layers.l2 import Ether

    packet: Any = Ether(frame)
    layers = []
    while (packet := packet.getlayer(IP)) is not None:
        layers.append(f"{packet.src} > {packet.dst} ttl {packet.ttl}")
        carried = packet.payload
        if carried.name != "UDP" or carried.payload.name != "VXLAN":
            break
        layers[-1] += f" VXLAN {carried.payload.vni}"
        packet = carried.payload
    return " | ".join(layers) + f" {_carried(packet)}" if layers else "no IPv4"


def _carried(packet: Any) -> str:
    """The transport's header in scapy's words, and the size of the IP packet."""
    words = {
        "ICMP": "ICMP %ICMP.type% id %ICMP.id% seq %ICMP.seq%",
        "UDP": "UDP %UDP.sport% > %UDP.dport%",
        "TCP": "TCP %TCP.sport% > %TCP.dport% %TCP.flags% seq %TCP.seq%",
    }
    if packet is None:
        return ""
    carried = words.get(packet.payload.name, packet.payload.name)
    return f"{packet.sprintf(carried)}, {packet.len} bytes"
