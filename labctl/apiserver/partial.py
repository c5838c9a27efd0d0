"""PartialObjectMetadata: objects without spec and status, for those who look after any kind at all."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from labctl.api import status
from labctl.api.objects import Obj
from labctl.apiserver.answers import (
    Answer,
    Listing,
    Plain,
    Stored,
    Stream,
    WatchLine,
    written_line,
)

_API_VERSION = "meta.k8s.io/v1"


def reduced(answer: Answer | Stream, *, as_list: bool) -> Answer | Stream:
    """The answer with the metadata of its objects alone; a Status or a Scale stays what it is.

    Raises 406 where a list is answered and one object was asked for, or the other way round.
    """
    if isinstance(answer, Stream):
        return Stream(_lines(answer), answer.warnings)
    if isinstance(answer, Listing | Stored) and isinstance(answer, Listing) is not as_list:
        raise status.not_acceptable(("application/json",))
    if isinstance(answer, Listing):
        items = [_partial(entry.object) for entry in answer.entries]
        head = {"kind": "PartialObjectMetadataList", "apiVersion": _API_VERSION}
        value = {**head, "metadata": answer.metadata(), "items": items}
        return Plain(value, answer.code, answer.warnings)
    if isinstance(answer, Stored):
        return Plain(_partial(answer.object()), answer.code, answer.warnings)
    return answer


def _partial(obj: Obj) -> Obj:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": _API_VERSION,
        "metadata": obj["metadata"],
    }


async def _lines(stream: Stream) -> AsyncGenerator[list[WatchLine]]:
    async with aclosing(stream.portions) as portions:
        async for lines in portions:
            yield [_line(line) for line in lines]


def _line(line: WatchLine) -> WatchLine:
    if line.type == "ERROR":
        return line
    return written_line(line.type, _partial(line.object))
