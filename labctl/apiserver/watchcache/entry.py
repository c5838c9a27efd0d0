"""One version of one object, decoded and encoded once, shared by everyone who reads it."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from labctl.api.custom.forms import shown
from labctl.api.objects import Obj
from labctl.api.resource import Resource

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"

_METADATA = b'"metadata":{'
_decode = msgspec.json.Decoder(Obj).decode


def stored_form(obj: Obj) -> bytes:
    """An object as the store keeps it: JSON without a resourceVersion, metadata in third place.

    The place is what lets `Entry.body` put the resourceVersion in without parsing.
    """
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    ordered = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    return msgspec.json.encode({**ordered, **{k: v for k, v in obj.items() if k not in ordered}})


class Entry:
    """An object at a revision: as the store has it (`value`), and decoded.

    The decoded form is five times as large, so an entry that only history keeps gives it up, and
    makes it again should anybody ask.
    """

    __slots__ = ("_object", "_view", "key", "revision", "value")

    def __init__(self, key: str, value: bytes, revision: int, obj: Obj | None = None) -> None:
        self.key = key
        self.value = value
        self.revision = revision
        self._object = obj
        self._view: tuple[Resource, Entry] | None = None

    @property
    def object(self) -> Obj:
        """The object with its resourceVersion; shared, so nobody may change it."""
        if self._object is None:
            self._object = _decode(self.value)
            self._object["metadata"]["resourceVersion"] = str(self.revision)
        return self._object

    def release(self) -> None:
        """Gives up the decoded form."""
        self._view = None
        if self.value:
            self._object = None

    def seen_as(self, resource: Resource) -> "Entry":
        """The entry as a version of its kind shows it: itself, but for custom objects that were
        stored in another version, or under another schema. The last view is remembered.
        """
        if resource.custom is None:
            return self
        if self._view is None or self._view[0] is not resource:
            obj = shown(resource, resource.custom, self.object)
            same = obj is self.object
            view = self if same else Entry(self.key, stored_form(obj), self.revision, obj)
            self._view = (resource, view)
        return self._view[1]

    def at(self, revision: int) -> "Entry":
        """The same state with another resourceVersion: how a deletion shows what was deleted."""
        metadata = {**self.object["metadata"], "resourceVersion": str(revision)}
        return Entry(self.key, self.value, revision, {**self.object, "metadata": metadata})

    def shown(self, form: Callable[[Obj], Obj]) -> "Entry":
        """The same version of the object in another form."""
        obj = form(self.object)
        return Entry(self.key, stored_form(obj), self.revision, obj)

    @property
    def body(self) -> bytes:
        """The object as JSON with its resourceVersion."""
        place = self.value.index(_METADATA) + len(_METADATA)
        comma = b"" if self.value[place : place + 1] == b"}" else b","
        version = b'"resourceVersion":"%d"%s' % (self.revision, comma)
        return self.value[:place] + version + self.value[place:]

    @property
    def namespace(self) -> str:
        namespace: str = self.object["metadata"].get("namespace", "")
        return namespace

    @property
    def name(self) -> str:
        name: str = self.object["metadata"]["name"]
        return name


class Notice:
    """What a watcher is told: ADDED, MODIFIED or DELETED, and the object. Its line is made once."""

    __slots__ = ("_line", "entry", "type")

    def __init__(self, type_: str, entry: Entry) -> None:
        self.type = type_
        self.entry = entry
        self._line = b""

    def seen_as(self, resource: Resource) -> "Notice":
        entry = self.entry.seen_as(resource)
        return self if entry is self.entry else Notice(self.type, entry)

    @property
    def line(self) -> bytes:
        """The event as a watch's line of JSON."""
        if not self._line:
            self._line = event_line(self.type, self.entry)
        return self._line


def event_line(type_: str, entry: Entry) -> bytes:
    """An event as a watch's line of JSON."""
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), entry.body)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One revision of a collection: what came of an object, and what it was before."""

    notice: Notice
    previous: Entry | None

    @property
    def revision(self) -> int:
        return self.notice.entry.revision
