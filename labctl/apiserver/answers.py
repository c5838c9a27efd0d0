"""What the chain answers: objects for callers in this process, bytes for those on the wire.

An answer makes only the form that is asked for. Stored objects bring their bytes with them, so a
GET or a list on the wire encodes nothing.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.watchcache.entry import Entry


class Answer(Protocol):
    """A whole answer; `warnings` go into Warning headers."""

    @property
    def code(self) -> int: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    def object(self) -> Obj: ...
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Plain:
    """An object made for this answer: a Status, a Scale, a Table, discovery."""

    value: Obj
    code: int = 200
    warnings: Sequence[str] = ()

    def object(self) -> Obj:
        return self.value

    def body(self) -> bytes:
        return msgspec.json.encode(self.value)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object."""

    entry: Entry
    code: int = 200
    warnings: Sequence[str] = ()

    def object(self) -> Obj:
        return self.entry.object

    def body(self) -> bytes:
        return self.entry.body


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as of one revision; `resume` is the token of the next page, if there is one."""

    resource: Resource
    revision: int
    entries: Sequence[Entry]
    resume: str = ""
    remaining: int | None = None
    code: int = 200
    warnings: Sequence[str] = ()

    def metadata(self) -> Obj:
        metadata: Obj = {"resourceVersion": str(self.revision)}
        if self.resume:
            metadata["continue"] = self.resume
        if self.remaining is not None:
            metadata["remainingItemCount"] = self.remaining
        return metadata

    def object(self) -> Obj:
        return {**self._head(), "items": [entry.object for entry in self.entries]}

    def body(self) -> bytes:
        head = msgspec.json.encode(self._head())
        items = b",".join([entry.body for entry in self.entries])
        return b'%s,"items":[%s]}\n' % (head[:-1], items)

    def size(self) -> int:
        """Bytes of its objects as they are stored: a bit less than its body."""
        return sum([len(entry.value) for entry in self.entries])

    def texts(self) -> Iterator[bytes]:
        """The body bit by bit, for one that is too long to be made at once."""
        yield b'%s,"items":[' % msgspec.json.encode(self._head())[:-1]
        for number, entry in enumerate(self.entries):
            if number:
                yield b","
            yield entry.body
        yield b"]}\n"

    def _head(self) -> Obj:
        return {
            "kind": self.resource.list_kind,
            "apiVersion": self.resource.api_version,
            "metadata": self.metadata(),
        }


class WatchLine(NamedTuple):
    """One event of a watch; whoever needs it encoded calls `encoded`, which encodes it once."""

    type: str
    object: Obj
    encoded: Callable[[], bytes]


def written_line(type_: str, obj: Obj) -> WatchLine:
    """An event of an object that was made for this watch."""
    return WatchLine(
        type_, obj, lambda: msgspec.json.encode({"type": type_, "object": obj}) + b"\n"
    )


@dataclass(frozen=True, slots=True)
class Stream:
    """A watch that has begun: portions of events until the client or the server ends it."""

    portions: AsyncGenerator[list[WatchLine]]
    warnings: Sequence[str] = field(default=())
