"""One version of one object, decoded and encoded once, shared by everyone who reads it."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from labctl.api.custom.forms import shown
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.watchcache.keys import identity_of

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"

_METADATA = b'"metadata":{'
_decode = msgspec.json.Decoder(Obj).decode


def stored_form(obj: Obj) -> bytes:
    """An object as the store keeps it: JSON without a resourceVersion, metadata in third place.

    The place is what lets `Entry.body` put the resourceVersion in without parsing.
    """
    metadata = {**obj["metadata"]}
    metadata.pop("resourceVersion", None)
    ordered = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": None, **obj}
    return msgspec.json.encode({**ordered, "metadata": metadata})


def versioned(obj: Obj, revision: int) -> Obj:
    """The object with its resourceVersion."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}


class Entry:
    """An object at a revision: as the store has it (`value`), and decoded.

    The decoded form is five times as large, so an entry that is hardly read any more rests: it is
    decoded anew for everyone who asks.
    """

    __slots__ = ("_object", "_rests", "_view", "key", "revision", "value")

    def __init__(self, key: str, value: bytes, revision: int, obj: Obj | None = None) -> None:
        self.key = key
        self.value = value
        self.revision = revision
        self._object = obj
        self._view: tuple[Resource, Entry] | None = None
        self._rests = False

    @property
    def object(self) -> Obj:
        """The object with its resourceVersion; shared, so nobody may change it."""
        if self._object is not None:
            return self._object
        obj: Obj = _decode(self.value)
        obj["metadata"]["resourceVersion"] = str(self.revision)
        if not self._rests:
            self._object = obj
        return obj

    def rest(self) -> None:
        """Gives up the decoded form, for good."""
        self._view = None
        if self.value:
            self._rests = True
            self._object = None

    def seen_as(self, resource: Resource) -> "Entry":
        """The entry as a version of its kind shows it: itself, but for custom objects that were
        stored in another version, or under another schema. The last view is remembered.
        """
        if resource.custom is None:
            return self
        if self._view is not None and self._view[0] is resource:
            return self._view[1]
        stored = self.object
        obj = shown(resource, resource.custom, stored)
        view = self if obj is stored else Entry(self.key, stored_form(obj), self.revision, obj)
        if not self._rests:
            self._view = (resource, view)
        return view

    def at(self, revision: int) -> "Entry":
        """The same state with another resourceVersion: how a deletion shows what was deleted."""
        return Entry(self.key, self.value, revision, versioned(self.object, revision))

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
        return identity_of(self.key)[0]

    @property
    def name(self) -> str:
        return identity_of(self.key)[1]


class Notice:
    """What a watcher is told: ADDED, MODIFIED or DELETED, and the object.

    Its line is made once for all watchers, and once more for one who comes much later.
    """

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

    def rest(self) -> None:
        """Gives up the line."""
        self._line = b""


def event_line(type_: str, entry: Entry) -> bytes:
    """An event as a watch's line of JSON."""
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), entry.body)


class Change(NamedTuple):
    """One revision of a collection: what came of an object, and what it was before."""

    notice: Notice
    previous: Entry | None

    @property
    def revision(self) -> int:
        return self.notice.entry.revision

    def rest(self, *, everything: bool) -> None:
        """Gives up what watchers that keep up do not need any more: of what is there no longer, or
        of `everything`, the decoded form.
        """
        self.notice.rest()
        if everything or self.notice.type == DELETED:
            self.notice.entry.rest()
