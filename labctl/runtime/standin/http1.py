"""HTTP/1.0 and 1.1, the server's side: every request is answered 200 with the stand-in's JSON.

Request bodies are skipped, by length or in chunks (RFC 9112 §6 and §7.1), connections are kept
alive, and `Expect: 100-continue` gets its 100. What is not HTTP gets 400 and the end.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from http import HTTPStatus

from labctl.runtime.standin.answer import Answer

_LINE_MAX = 16 * 1024
_FIELDS_MAX = 200
_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) (\S+) HTTP/1\.([01])")
_CHUNK_SIZE = re.compile(r"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")

Reading = Generator[bytes | None, None, str]  # yields None to wait for more, returns a line
Talking = Generator[bytes | None, None, None]  # yields what to send, or None to wait for more


@dataclass(frozen=True)
class Request:
    line: str
    method: str
    version: str
    fields: dict[str, str]

    @property
    def chunked(self) -> bool:
        return self._field("transfer-encoding").endswith("chunked")

    @property
    def length(self) -> int:
        text = self.fields.get("content-length", "0")
        if not _LENGTH.fullmatch(text):
            raise ValueError("bad Content-Length")
        return int(text)

    @property
    def expects_continue(self) -> bool:
        return self._field("expect") == "100-continue"

    @property
    def last(self) -> bool:
        """Whether the client wants the connection closed after the answer (RFC 9112 §9.3)."""
        connection = self._field("connection")
        return "keep-alive" not in connection if self.version == "0" else "close" in connection

    def _field(self, name: str) -> str:
        return self.fields.get(name, "").lower()


class Http1:
    def __init__(self, answer: Answer) -> None:
        self.closing = False
        self._answer = answer
        self._buffer = b""
        self._talking = self._talk()

    def received(self, data: bytes) -> bytes:
        self._buffer += data
        out: list[bytes] = []
        for said in self._talking:  # goes on where it left off
            if said is None:
                return b"".join(out)
            out.append(said)
        self.closing = True
        return b"".join(out)

    def _talk(self) -> Talking:
        try:
            last = False
            while not last:
                request = yield from self._read_request()
                if request.expects_continue:
                    yield b"HTTP/1.1 100 Continue\r\n\r\n"
                yield from self._skip_body(request)
                last = request.last
                self._answer.log(f'"{request.line}" 200')
                body = b"" if request.method == "HEAD" else self._answer.line()
                yield _response(HTTPStatus.OK, len(self._answer.line()), last) + body
        except ValueError as error:
            body = f"{error}\n".encode()
            yield _response(HTTPStatus.BAD_REQUEST, len(body), last=True) + body

    def _read_request(self) -> Generator[bytes | None, None, Request]:
        line = ""
        while not line:  # empty lines before a request are skipped: RFC 9112 §2.2
            line = yield from self._read_line()
        match = _REQUEST_LINE.fullmatch(line)
        if match is None:
            raise ValueError("bad request line")
        fields = yield from self._read_fields()
        return Request(line, match[1], match[3], fields)

    def _read_fields(self) -> Generator[bytes | None, None, dict[str, str]]:
        fields: dict[str, str] = {}
        for _ in range(_FIELDS_MAX):
            line = yield from self._read_line()
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        raise ValueError("too many fields")

    def _skip_body(self, request: Request) -> Talking:
        if not request.chunked:
            yield from self._skip(request.length)
            return
        size = -1
        while size:
            match = _CHUNK_SIZE.fullmatch((yield from self._read_line()))
            if match is None:
                raise ValueError("bad chunk size")
            size = int(match[1], 16)
            if size:
                yield from self._skip(size)
                yield from self._read_line()
        yield from self._read_fields()  # the trailer

    def _skip(self, length: int) -> Talking:
        while length > len(self._buffer):
            length -= len(self._buffer)
            self._buffer = b""
            yield None
        self._buffer = self._buffer[length:]

    def _read_line(self) -> Reading:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LINE_MAX:
                raise ValueError("line too long")
            yield None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("latin-1")


def _response(status: HTTPStatus, length: int, last: bool) -> bytes:
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Server: labctl\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {length}\r\n"
        f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n"
    ).encode()
