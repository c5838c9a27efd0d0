"""grpc: one call of grpc.health.v1.Health/Check over HTTP/2 without TLS (RFC 9113).

Written by hand: a call without compression, whose answer is told by its one DATA frame, needs no
HPACK state and no library that would make every agent larger by some megabytes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from labctl.node.probes import tcp
from labctl.node.probes.probe import Outcome

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM = _ACK = 1
_END_HEADERS = 4
_FRAME_MAX = 16_384
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check(host: str, port: int, service: str, seconds: float) -> Outcome:
    """Asks for the health of `service`, "" for that of the whole server."""
    try:
        async with asyncio.timeout(seconds), _connected(host, port) as (reader, writer):
            writer.write(_request(f"{host}:{port}", service))
            answer = await _answer(reader, writer)
    except TimeoutError:
        why = f'timeout: failed to connect service "{host}:{port}" within {seconds:g}s'
        return Outcome(healthy=False, message=why)
    except OSError as error:
        why = tcp.refusal(host, port, error)
        said = f'error: failed to connect service at "{host}:{port}": {why}'
        return Outcome(healthy=False, message=said)
    except (asyncio.IncompleteReadError, ValueError):
        return Outcome(healthy=False, message="error: health rpc probe failed: no gRPC answer")
    if answer is None:
        why = (
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        )
        return Outcome(healthy=False, message=why)
    status = _STATUSES.get(answer, str(answer))
    why = f'service unhealthy (responded with "{status}")'
    return Outcome(healthy=True) if status == "SERVING" else Outcome(healthy=False, message=why)


@contextlib.asynccontextmanager
async def _connected(
    host: str, port: int
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _request(authority: str, service: str) -> bytes:
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    body = b"\x00" + len(message).to_bytes(4, "big") + message
    headers = (
        b"\x83\x86"  # :method: POST, :scheme: http, of HPACK's static table (RFC 7541, appendix A)
        + _literal(b":path", b"/grpc.health.v1.Health/Check")
        + _literal(b":authority", authority.encode())
        + _literal(b"content-type", b"application/grpc")
        + _literal(b"te", b"trailers")
    )
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0)
        + _frame(_HEADERS, _END_HEADERS, 1, headers)
        + _frame(_DATA, _END_STREAM, 1, body)
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
    """The serving status that was answered; None if the call ended without a message."""
    message = b""
    while True:
        kind, flags, payload = await _next_frame(reader)
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            writer.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        if kind == _DATA:
            message += payload
        if kind in (_GOAWAY, _RESET):
            raise ValueError("the server hung up")
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            return _status(message)


async def _next_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    head = await reader.readexactly(9)
    length = int.from_bytes(head[:3], "big")
    if length > _FRAME_MAX:
        raise ValueError("a frame larger than any that was allowed")
    return head[3], head[4], await reader.readexactly(length)


def _status(message: bytes) -> int | None:
    """HealthCheckResponse: field 1 is the status, which is absent when it is UNKNOWN."""
    if len(message) < 5:
        return None
    body = message[5:]
    return body[1] if len(body) >= 2 and body[0] == 0x08 else 0


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing, new name, no Huffman coding (RFC 7541 §6.2.2)."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return out + bytes((number,))
