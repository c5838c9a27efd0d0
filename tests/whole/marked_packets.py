"""Sends packets with a mark from one namespace, and prints in which namespaces they were seen.

`marked_packets.py MARK SENDER TARGET[,TARGET…] NAMESPACE…`: names of pins in /run/netns, addresses.
Whoever forwards a packet does so before its sender returns, so nothing has to be waited for.
"""

import contextlib
import socket
import sys
from pathlib import Path

from labctl.net.namespaces import inside

_ALL = 3  # ETH_P_ALL
_PORT = 7777


def main() -> None:
    mark, sender, targets, *places = sys.argv[1:]
    ears = {place: _listen(place) for place in places}
    with inside(Path("/run/netns", sender)), socket.socket(type=socket.SOCK_DGRAM) as mouth:
        mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for target in targets.split(","):
            with contextlib.suppress(OSError):  # no route, which is fine
                mouth.sendto(mark.encode(), (target, _PORT))
    for place, ear in ears.items():
        if _heard(ear, mark.encode()):
            print(place)


def _listen(place: str) -> socket.socket:
    with inside(Path("/run/netns", place)):
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    ear.setblocking(False)
    return ear


def _heard(ear: socket.socket, mark: bytes) -> bool:
    with contextlib.suppress(BlockingIOError):
        while True:
            if mark in ear.recv(65536):
                return True
    return False


if __name__ == "__main__":
    main()
