"""Answers of an API server, decoded: one object, or a stream of JSON lines."""

from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.client.transport import unreachable
from labctl.errors import StatusError

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Lines:
    """Cuts a byte stream into JSON lines, whatever the chunks that it came in."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Obj]:
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            self._rest += chunk
            return []
        whole, self._rest = self._rest + head, tail
        try:
            return list(_decoder.decode_lines(whole))
        except msgspec.DecodeError as error:
            raise unreachable("the other end of a watch", error) from error


def decode_answer(status: int, raw: bytes) -> Obj:
    """The object of an answer; StatusError when the HTTP status says failure."""
    try:
        answer = _decoder.decode(raw) if raw else {}
    except msgspec.DecodeError:
        answer = {"message": raw.decode(errors="replace").strip()}
    if status < 400:
        return answer if isinstance(answer, dict) else {"value": answer}
    raise StatusError({"kind": "Status", "reason": "", **answer, "code": status})
