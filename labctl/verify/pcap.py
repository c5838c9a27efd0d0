"""Packet files: what was captured for each claim, one pcapng file a claim, for Wireshark.

Written by scapy, with the kernel's times, and a comment on each packet that says whose it is.
"""

from pathlib import Path
from typing import Any, Self

from labctl.verify.capture import OUTGOING, Capture, Frame
from labctl.verify.probe import Probe

_ETHERNET = 1  # LINKTYPE_ETHERNET


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
        way = "out" if frame.direction == OUTGOING else "in"
        check = probe.check
        comment = (
            f"{capture.place.label} {frame.interface} {way}: "
            f"{check.source.label} > {check.destination.label} {check.protocol}"
        )
        self._writer(check.claim).write_packet(
            frame.data,
            sec=frame.time / 1e9,
            linktype=_ETHERNET,
            comment=comment.encode(),
            ifname=capture.place.label.encode(),
        )

    def _writer(self, claim: str) -> Any:
        from scapy.utils import PcapNgWriter

        if claim not in self._writers:
            self._writers[claim] = PcapNgWriter(str(self._directory / f"{claim}.pcapng"))
        return self._writers[claim]
