"""Packets to send and to expect: built once by scapy, patched as bytes ever after.

scapy needs 1.5 ms for a packet, and a mesh of 100 pods needs 20,000 of them. So it builds one
template per protocol, direction and size; ids, ports and the probe's token are 32-bit words at
fixed places, and the checksum follows from sums. A property test holds the result against scapy's
own packets.

The Internet checksum (RFC 1071) adds 16-bit words modulo 65535. Since 2**16 is 1 modulo 65535, any
integer that is made of such words may be added whole, which is what makes this short and quick.
"""

from functools import lru_cache
from ipaddress import IPv4Address
from struct import Struct
from typing import Any, NamedTuple

ICMP, TCP, UDP = 1, 6, 17  # IP protocol numbers
NUMBERS = {"icmp": ICMP, "udp": UDP, "tcp": TCP}
HEADERS = {"icmp": 8, "udp": 8, "tcp": 20}  # bytes
IP_HEADER = 20
TEXT = b"a probe of labctl verify"  # after the token, for whoever looks on
SIZE = 8 + len(TEXT)  # of the payload: the token, two 32-bit words, and the text

_WORD = Struct("!I")
_HALF = Struct("!H")


class Layout(NamedTuple):
    """Where the words of a template are, in bytes from the start of the transport header."""

    words: tuple[int, ...]
    checksum: int
    is_keyed_by_address: bool  # the checksum covers a pseudo header (RFC 768, RFC 9293)


LAYOUTS = {
    "icmp": Layout((4, 8, 12), 2, is_keyed_by_address=False),  # id and sequence, token
    "udp": Layout((0, 8, 12), 6, is_keyed_by_address=True),  # ports, token
    "tcp": Layout((0, 4, 20, 24), 16, is_keyed_by_address=True),  # ports, sequence, token
}


def checksum(total: int) -> int:
    """The Internet checksum of bytes whose 16-bit words add up to `total`, modulo 65535."""
    return 0xFFFF ^ (total % 0xFFFF or (0xFFFF if total else 0))


def is_sound(data: bytes, pseudo: int = 0) -> bool:
    """Whether the checksum inside `data` holds; `pseudo` is the sum of its pseudo header."""
    padded = data + b"\0" * (len(data) % 2)
    return (int.from_bytes(padded, "big") + pseudo) % 0xFFFF == 0


def pseudo_header(addresses: int, protocol: int, length: int) -> int:
    """The sum of a pseudo header; `addresses` is source plus destination as integers."""
    return addresses + protocol + length


def address_sum(*addresses: str) -> int:
    return sum(int(IPv4Address(address)) for address in addresses)


class Template:
    """A transport packet of one protocol, direction and size, with holes for words."""

    def __init__(self, protocol: str, raw: bytes) -> None:
        self._layout = LAYOUTS[protocol]
        blank = bytearray(raw)
        for at in self._layout.words:
            _WORD.pack_into(blank, at, 0)
        _HALF.pack_into(blank, self._layout.checksum, 0)
        self._blank = bytes(blank)
        padded = self._blank + b"\0" * (len(blank) % 2)
        self._sum = int.from_bytes(padded, "big") % 0xFFFF
        self._is_udp = protocol == "udp"
        if self._layout.is_keyed_by_address:
            self._sum = pseudo_header(self._sum, NUMBERS[protocol], len(raw))

    def fill(self, addresses: int, *words: int) -> bytes:
        """The packet with its words; `addresses` is the sum of both, of use where keyed by them."""
        buffer = bytearray(self._blank)
        total = self._sum + sum(words)
        if self._layout.is_keyed_by_address:
            total += addresses
        for at, word in zip(self._layout.words, words, strict=True):
            _WORD.pack_into(buffer, at, word)
        result = checksum(total)
        if self._is_udp and not result:
            result = 0xFFFF  # zero means that there is none (RFC 768)
        _HALF.pack_into(buffer, self._layout.checksum, result)
        return bytes(buffer)


@lru_cache(maxsize=64)
def template(protocol: str, *, reply: bool = False, payload: int = SIZE) -> Template:
    """The template of a request, or of its reply, with `payload` bytes after the header.

    TCP's is a SYN that carries data, as RFC 9293 allows: the `mtu` claim's, since a stream's own
    segments never exceed what the path takes. It has no reply.
    """
    body = (b"\0" * 8 + TEXT).ljust(payload, b".")[:payload]
    return Template(protocol, bytes(_build(protocol, body, reply=reply))[IP_HEADER:])


def _build(protocol: str, body: bytes, *, reply: bool) -> Any:
    from scapy.layers import inet
    from scapy.packet import Raw

    layers = {
        "icmp": lambda: inet.ICMP(type="echo-reply" if reply else "echo-request"),
        "udp": inet.UDP,
        "tcp": lambda: inet.TCP(flags="S"),
    }
    return inet.IP(src="0.0.0.0", dst="0.0.0.0") / layers[protocol]() / Raw(body)  # noqa: S104
