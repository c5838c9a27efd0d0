"""A netlink message that is encoded once and then only patched.

pyroute2 needs 0.05 to 0.4 ms to encode a message; a pod needs eight. So each shape of message is
encoded once, with conspicuous bytes where values go, and the places of those bytes are remembered.
"""

from collections.abc import Mapping
from typing import Any


class Template:
    """An encoded message with holes of fixed size, each in one or more places."""

    def __init__(self, message: bytes, marks: Mapping[str, bytes]) -> None:
        """`marks` are the bytes that stand in `message` for the values of those names."""
        self._message = message
        self._places = [
            (name, offset, len(mark))
            for name, mark in marks.items()
            for offset in _occurrences(message, name, mark)
        ]

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The message with its values; a shorter one is filled up with zeros."""
        filled = bytearray(self._message)
        for name, offset, size in self._places:
            filled[offset : offset + size] = values[name].ljust(size, b"\0")
        return bytes(filled)


def _occurrences(message: bytes, name: str, mark: bytes) -> list[int]:
    places = []
    offset = message.find(mark)
    while offset >= 0:
        places.append(offset)
        offset = message.find(mark, offset + len(mark))
    if not places:
        raise ValueError(f"{name}: its mark is not in the message")
    return places


def packed(message: Any, kind: int, flags: int) -> bytes:
    """A pyroute2 message, encoded with its type and flags; the sequence number comes later."""
    message["header"]["type"] = kind
    message["header"]["flags"] = flags
    message.encode()
    return bytes(message.data)
