"""Packet files: what was captured for each claim, one pcapng file a claim, for Wireshark.

Written by scapy, with the kernel's times, and a comment on each packet that says whose it is.
"""

from pathlib import Path
from typing import Any, Self

from labctl.verify.capture import OUTGOING, Capture, Frame
from labctl.verify.marks import ETHERNET
from labctl.verify.probe import Probe

_IN, _OUT = 1, 2  # pcapng's epb_flags


def load_scapy() -> None:
    """Imports what verify needs of scapy. It reads the host's interfaces at import: harmless here."""
    import scapy.layers.inet
    import scapy.layers.l2  # noqa: F401


class PacketFiles:
    """A directory of packet files, made if need be. A context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, probe: Probe, capture: Capture, frame: Frame) -> None:
        """Adds a frame to its claim's file."""
        from scapy.layers.l2 import Ether
        from scapy.packet import Raw

        check, is_out = probe.check, frame.direction == OUTGOING
        # Only the Ethernet header is dissected: the writer wants a packet, and its link type.
        packet: Any = Ether(frame.data[:ETHERNET]) / Raw(frame.data[ETHERNET:])
        packet.time = frame.time / 1e9
        packet.sniffed_on = f"{capture.place.label} {frame.interface}"
        packet.direction = _OUT if is_out else _IN
        ends = f"{check.source.label} > {check.destination.label}"
        packet.comments = [f"{check.claim} {check.protocol}: {ends}".encode()]
        self._writer(check.claim).write(packet)

    def _writer(self, claim: str) -> Any:
        from scapy.utils import PcapNgWriter

        if claim not in self._writers:
            self._writers[claim] = PcapNgWriter(str(self._directory / f"{claim}.pcapng"))
        return self._writers[claim]
