"""exec, attach and port-forward: who speaks neither WebSocket nor SPDY is hung up on."""

import base64
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing

import pytest

from labctl import names
from labctl.apiserver.spdy import frames
from labctl.apiserver.spdy.dictionary import DICTIONARY
from labctl.apiserver.spdy.headers import HeaderWriter
from tests.hostile.victim import Victim
from tests.hostile.wires import Said, talk

_EXEC = "exec?command=cat&stdin=true&stdout=true"
_WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(b'x' * 16).decode()}",
)
_CHANNELS = (*_WEBSOCKET, "Sec-WebSocket-Protocol: v5.channel.k8s.io")
_DEFLATED = (*_CHANNELS, "Sec-WebSocket-Extensions: permessage-deflate")
_SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1")
_COMMAND = (*_SPDY, "X-Stream-Protocol-Version: v4.channel.k8s.io")
_FORWARD = (*_SPDY, "X-Stream-Protocol-Version: portforward.k8s.io")


@pytest.fixture(scope="module", autouse=True)
def _pod(attacked: Victim) -> None:
    attacked.labctl.ok("run", "target", "--image", "none", "--", "sleep", "1000")
    attacked.labctl.ok("wait", "--for=condition=Ready", "pod/target", "--timeout=30s")


def message(data: bytes, opcode: int = 2, bits: int = 0x80, length: int | None = None) -> bytes:
    """A WebSocket frame (RFC 6455, 5.2), masked with zeros; `length` may lie."""
    size = len(data) if length is None else length
    return struct.pack(">BBQ4x", bits | opcode, 0x80 | 127, size) + data


def bomb() -> bytes:
    packer = zlib.compressobj(zdict=DICTIONARY)
    return packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)


CLOSED = {
    "noise": (_EXEC, _CHANNELS, os.urandom(10_000)),
    "reserved bits": (_EXEC, _CHANNELS, message(b"x", bits=0xF0)),
    "an unknown opcode": (_EXEC, _CHANNELS, message(b"x", opcode=5)),
    "a control frame in parts": (_EXEC, _CHANNELS, message(b"x", opcode=9, bits=0)),
    "a ping of 200 bytes": (_EXEC, _CHANNELS, message(b"x" * 200, opcode=9)),
    "an end without a beginning": (_EXEC, _CHANNELS, message(b"x", opcode=0)),
    "a message of 8 exabytes": (_EXEC, _CHANNELS, message(b"x", length=2**63 - 1)),
    "a text that is none": (_EXEC, _CHANNELS, message(b"\xff\xfe", opcode=1)),
    "a message that unpacks to 100 MB": (
        _EXEC, _DEFLATED, message(zlib.compress(bytes(100_000_000))[2:-4], bits=0xC0),
    ),
    "noise at a forward": (
        "portforward?ports=80",
        (*_WEBSOCKET, "Sec-WebSocket-Protocol: v4.channel.k8s.io"),
        os.urandom(1000),
    ),
    "SPDY 2": (_EXEC, _COMMAND, struct.pack(">II", 0x8002_0001, 10) + bytes(10)),
    "a control frame of 16 MB": (_EXEC, _COMMAND, struct.pack(">II", 0x8003_0001, 0xFF_FFFF)),
    "headers that are not packed": (_EXEC, _COMMAND, frames.syn_stream(1, b"garbage")),
    "headers that unpack to 10 MB": (_EXEC, _COMMAND, frames.syn_stream(1, bomb())),
}  # fmt: skip


@pytest.mark.parametrize("what", CLOSED)
def test_nonsense_is_hung_up_on(victim: Victim, what: str) -> None:
    path, headers, data = CLOSED[what]
    said = speak(victim, path, headers, data)
    assert (said.codes, said.closed) == ([101], True)


def speak(victim: Victim, path: str, headers: tuple[str, ...], data: bytes) -> Said:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as wire:
        wire.connect(str(names.api_socket(victim.lab)))
        lines = (
            f"GET /api/v1/namespaces/default/pods/target/{path} HTTP/1.1",
            "Host: lab",
            *headers,
        )
        head = talk(wire, "\r\n".join((*lines, "", "")).encode(), end=b"\r\n\r\n")
        said = talk(wire, data, seconds=10)
        return Said(head.data + said.data, said.closed)


def test_sizes_of_no_terminal_harm_nobody(victim: Victim) -> None:
    sizes = (
        b"",
        b"{",
        b"7",
        b"[]",
        b'{"Height":-1,"Width":1e308}',
        b'{"Height":"a"}',
        b"[" * 100_000,
    )
    told = b"".join(message(b"\x04" + size) for size in sizes)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as wire:
        wire.connect(str(names.api_socket(victim.lab)))
        lines = (
            f"GET /api/v1/namespaces/default/pods/target/{_EXEC}&tty=true HTTP/1.1",
            "Host: lab",
        )
        talk(wire, "\r\n".join((*lines, *_CHANNELS, "", "")).encode(), end=b"\r\n\r\n")
        said = talk(wire, told + message(b"\x00still here\n"), end=b"still here")
        assert b"still here" in said.data


def test_halves_of_streams_that_are_given_up_are_not_kept(victim: Victim) -> None:
    """45 MB of headers, whose streams the client gives up one after another."""
    before = victim.resident_megabytes()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as wire:
        wire.connect(str(names.api_socket(victim.lab)))
        lines = ("POST /api/v1/namespaces/default/pods/target/portforward HTTP/1.1", "Host: lab")
        talk(wire, "\r\n".join((*lines, *_FORWARD, "", "")).encode(), end=b"\r\n\r\n")
        wire.settimeout(10)
        for data in _halves(1_500):
            wire.sendall(data)
        assert victim.resident_megabytes() - before < 30


def _halves(count: int) -> Iterator[bytes]:
    writer = HeaderWriter()
    for number in range(1, 2 * count, 2):
        told = {"streamtype": "error", "port": "80", "requestid": os.urandom(15_000).hex()}
        yield frames.syn_stream(number, writer.write(told)) + frames.rst_stream(number, 5)


def test_a_command_may_be_as_long_as_the_api_takes_it(victim: Victim) -> None:
    text = "x" * 50_000
    assert victim.labctl.ok("exec", "target", "--", "printf", "%s", text) == text
