"""Packet files: what was captured for each claim, one pcapng file a claim, for Wireshark.

Written by scapy, with the kernel's times, and a comment on each packet that says whose it is.
"""

from pathlib import Path
from typing import Any, Self

from labctl.verify.capture import OUTGOING, Capture, Frame
from labctl.verify.probe import Probe

_ETHERNET = 1  # LINKTYPE_ETHERNET
_IN, _OUT = 1, 2  # pcapng's epb_flags


def load_scapy() -> None:
    """Imports what verify needs of scapy. It reads the host's interfaces at import: harmless here."""
    import scapy.layers.inet
    import scapy.layers.l2  # noqa: F401


class _Kept(bytes):
    """A frame as scapy's writer takes it: bytes, with what a packet of its own would know.

    To dissect frames only to write them would take ten times as long.
    """

    time: float
    sniffed_on: str
    direction: int
    comments: list[bytes]


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
        check = probe.check
        kept = _Kept(frame.data)
        kept.time = frame.time / 1e9
        kept.sniffed_on = f"{capture.place.label} {frame.interface}"
        kept.direction = _OUT if frame.direction == OUTGOING else _IN
        ends = f"{check.source.label} > {check.destination.label}"
        kept.comments = [f"{check.claim} {check.protocol}: {ends}".encode()]
        self._writer(check.claim).write(kept)

    def _writer(self, claim: str) -> Any:
        from scapy.utils import PcapNgWriter

        if claim not in self._writers:
            writer = PcapNgWriter(str(self._directory / f"{claim}.pcapng"))
            writer.linktype = _ETHERNET
            self._writers[claim] = writer
        return self._writers[claim]
